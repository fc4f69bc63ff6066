// Package process starts the parts of Earshot as child processes, waits until they are ready, starts those that die again,
// and stops all of them in order.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Part says how one process is run.
type Part struct {
	Name string
	// Command prepares the next start and says what to run.
	Command func() (Command, error)
	// Ready is asked again and again until it returns nil.
	Ready func(ctx context.Context) error
	// Patience is how long the part may take to get ready.
	Patience time.Duration
	// StopSignal asks for a clean stop: SIGTERM but for Postgres.
	StopSignal syscall.Signal
	Credential *syscall.Credential
	// Restarted is called when the part is ready again after it died, before others are told; nil: nothing is to be done.
	Restarted func(ctx context.Context) error
}

// A Command is a program as it is started; it inherits nothing.
type Command struct {
	Path        string
	Arguments   []string
	Environment []string
	Dir         string
}

// An Event tells what happened to a part.
type Event struct {
	Part string
	What string // "ready", "died", "ready again", …
	Took time.Duration
	Err  error
}

// A Supervisor owns the parts of one launcher.
type Supervisor struct {
	state  string
	notify func(Event)
	records

	mu     sync.Mutex
	order  []*supervised // as started; guarded by mu
	closed bool          // guarded by mu
}

// ErrClosed is returned by Start once all is being stopped.
var ErrClosed = errors.New("all is being stopped")

// New returns a supervisor that keeps logs and records in the state's folders `log` and `run`. notify is called from several
// goroutines.
func New(state string, notify func(Event)) *Supervisor {
	return &Supervisor{state: state, notify: notify, records: records{filepath.Join(state, "run")}}
}

// Start starts a part and returns when it is ready, or why it never will be. From then on the supervisor keeps it running.
func (s *Supervisor) Start(ctx context.Context, part Part) error {
	began := time.Now()
	life, stop := context.WithCancel(context.Background())
	one := &supervised{Part: part, supervisor: s, stop: stop, ended: make(chan struct{})}
	if err := one.begin(ctx, true); err != nil {
		stop()
		return fmt.Errorf("%s: %w", part.Name, err)
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.order = append(s.order, one)
	}
	s.mu.Unlock()
	if closed {
		stop()
		one.end()
		return ErrClosed
	}
	s.notify(Event{Part: part.Name, What: "ready", Took: time.Since(began)})
	go one.keep(life)
	return nil
}

// Close stops all parts, those of first before the others, and returns when they are gone. Nothing can be started then.
func (s *Supervisor) Close(first ...string) {
	s.mu.Lock()
	s.closed = true
	names := slices.Clone(first)
	for _, one := range slices.Backward(s.order) {
		names = append(names, one.Name)
	}
	s.mu.Unlock()
	for _, name := range names {
		s.Stop(name)
	}
	const patience = 2 * time.Second // Postgres' children notice by themselves that a killed parent is gone
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = poll(ctx, func(context.Context) error { // who lives longer is no child of a part
		if buryOrphans() > 0 {
			return errors.New("alive")
		}
		return nil
	})
}

// Stop stops the named parts, the last started first, and returns when they are gone.
func (s *Supervisor) Stop(names ...string) {
	s.mu.Lock()
	var stopping, staying []*supervised
	for _, one := range s.order {
		if slices.Contains(names, one.Name) {
			stopping = append(stopping, one)
		} else {
			staying = append(staying, one)
		}
	}
	s.order = staying
	s.mu.Unlock()
	for i := len(stopping) - 1; i >= 0; i-- {
		began := time.Now()
		stopping[i].stop()
		<-stopping[i].ended
		s.notify(Event{Part: stopping[i].Name, What: "stopped", Took: time.Since(began)})
	}
}

// PIDs returns the processes that run now, by part.
func (s *Supervisor) PIDs() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := map[string]int{}
	for _, one := range s.order {
		if pid := one.pid(); pid != 0 {
			pids[one.Name] = pid
		}
	}
	return pids
}

// LogFile is where a part's output goes.
func (s *Supervisor) LogFile(part string) string {
	return filepath.Join(s.state, "log", part+".log")
}

// openLog appends; the log of an earlier run is kept as one older file.
func (s *Supervisor) openLog(part string, isFirst bool) (*os.File, error) {
	name := s.LogFile(part)
	if isFirst {
		older := filepath.Join(s.state, "log", part+".previous.log")
		if err := os.Rename(name, older); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
