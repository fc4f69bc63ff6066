// Package service holds what every long-running process of Earshot has: parts that start and stop in order, HTTP servers,
// health, logs and metrics.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/earshot-hq/earshot/internal/logline"
)

// A Part runs in the background. Start returns when it works, or why it does not; Stop waits until it has ended, at most
// as long as its context lasts. Stop may be called more than once, and without a Start.
type Part interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// A Group starts parts in their order and stops them in the opposite one.
type Group struct {
	mu      sync.Mutex
	started []Part
}

// Start starts the parts. When one fails, those before it are stopped again.
func (g *Group) Start(ctx context.Context, parts ...Part) error {
	for _, p := range parts {
		if err := p.Start(ctx); err != nil {
			return errors.Join(err, g.Stop(context.WithoutCancel(ctx)))
		}
		g.mu.Lock()
		g.started = append(g.started, p)
		g.mu.Unlock()
	}
	return nil
}

// Stop stops what was started, the last first, and gives each part its chance whatever the others say.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	started := g.started
	g.started = nil
	g.mu.Unlock()
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		errs = append(errs, started[i].Stop(ctx))
	}
	return errors.Join(errs...)
}

// A Main is a whole process: Run starts it and returns, Close stops it.
type Main interface {
	Run(ctx context.Context) error
	Close(ctx context.Context) error
}

// grace is how long a process has for its end before what is left is cut off.
const grace = 20 * time.Second

// Until runs m until the process is asked to end (SIGINT, SIGTERM), then closes it.
func Until(ctx context.Context, m Main, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := m.Run(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	<-ctx.Done()
	stop() // a second signal ends the process at once
	log.InfoContext(ctx, "stopping")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := m.Close(last); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// NewLogger writes JSON lines, each with the name of the process and what its context says of whose work it is of.
func NewLogger(w io.Writer, name string, level slog.Level) *slog.Logger {
	return logline.Logger(slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))).With("service", name)
}
