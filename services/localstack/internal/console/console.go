// Package console prints the launcher's progress for a person: one line a part, with its time.
package console

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A Console may be used by several goroutines.
type Console struct {
	began time.Time

	mu  sync.Mutex
	out io.Writer // guarded by mu
}

// New returns a console whose clock starts now.
func New(out io.Writer) *Console { return &Console{began: time.Now(), out: out} }

// Line prints what happened to a part, after the seconds since the start.
func (c *Console) Line(part, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = fmt.Fprintf(c.out, "%6.1f s  %-10s  %s\n", time.Since(c.began).Seconds(), part, what) // nobody to tell
}

// Took prints what happened to a part and how long it took.
func (c *Console) Took(part, what string, took time.Duration) {
	c.Line(part, fmt.Sprintf("%s in %.1f s", what, took.Seconds()))
}

// Text prints lines for a person as they are.
func (c *Console) Text(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = fmt.Fprintln(c.out, text) // nobody to tell
}
