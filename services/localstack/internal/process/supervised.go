package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// The back-off between starts of a part that keeps dying; one that ran for steady is taken as healthy again.
const (
	firstPause = 500 * time.Millisecond
	longPause  = 30 * time.Second
	steady     = time.Minute
)

// supervised is one part and the process that is it now.
type supervised struct {
	Part
	supervisor *Supervisor
	stop       context.CancelFunc // asks keep to stop the part
	ended      chan struct{}      // closed by keep

	mu      sync.Mutex
	process *os.Process   // nil while there is none; guarded by mu
	exited  chan struct{} // closed when process has ended; replaced at each start by the goroutine that starts
	exit    error         // set before exited is closed
}

// begin starts the process once and waits until it is ready; a process that is not ready in time is stopped.
func (s *supervised) begin(ctx context.Context, isFirst bool) error {
	what, err := s.Command()
	if err != nil {
		return err
	}
	command := exec.Command(what.Path, what.Arguments...) //nolint:noctx // it outlives the start, and is stopped in order
	command.Dir = what.Dir
	log, err := s.supervisor.openLog(s.Name, isFirst)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has a handle of its own
	command.Stdout, command.Stderr = log, log
	command.Env = slices.Concat(what.Environment, []string{marker + "=" + s.supervisor.state})
	if err := spawn(command, s.StopSignal, s.Credential); err != nil {
		return err
	}
	exited := s.watch(command)
	if err := s.supervisor.write(s.Name, command.Process.Pid); err != nil && !isGone(err) {
		s.end()
		return err
	}
	if err := s.awaitReady(ctx, exited); err != nil {
		s.end()
		return err
	}
	return nil
}

// watch waits for the process in the background.
func (s *supervised) watch(command *exec.Cmd) chan struct{} {
	exited := make(chan struct{})
	s.mu.Lock()
	s.process, s.exited = command.Process, exited
	s.mu.Unlock()
	go func() {
		err := bury(command)
		s.mu.Lock()
		s.process, s.exit = nil, err
		s.mu.Unlock()
		s.supervisor.remove(s.Name)
		close(exited)
	}()
	return exited
}

func (s *supervised) awaitReady(starting context.Context, exited chan struct{}) error {
	ctx, cancel := context.WithTimeout(starting, s.Patience)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- poll(ctx, s.Ready) }()
	select {
	case err := <-ready:
		if starting.Err() != nil {
			return starting.Err()
		}
		if err != nil {
			return fmt.Errorf("not ready after %s: %w; its log ends:\n%s", s.Patience, err, s.logTail())
		}
		return nil
	case <-exited:
		cancel()
		//nolint:errcheck // it was cut off
		<-ready
		if starting.Err() != nil {
			return starting.Err()
		}
		return fmt.Errorf("ended before it was ready (%w); its log ends:\n%s", s.exitError(), s.logTail())
	}
}

// keep starts the process again whenever it dies, until stop is called; then it ends the process.
func (s *supervised) keep(life context.Context) {
	defer close(s.ended)
	pause, up := firstPause, time.Now()
	for {
		s.mu.Lock()
		exited := s.exited
		s.mu.Unlock()
		select {
		case <-life.Done():
			s.end()
			return
		case <-exited:
		}
		if time.Since(up) > steady {
			pause = firstPause
		}
		s.supervisor.notify(Event{Part: s.Name, What: "died", Err: s.exitError()})
		if !wait(life, pause) {
			return
		}
		pause = min(2*pause, longPause)
		up = time.Now()
		s.again(life)
	}
}

// again starts the process anew; one that fails has ended when this returns, so that keep sees it.
func (s *supervised) again(life context.Context) {
	began := time.Now()
	err := s.begin(life, false)
	if err == nil && s.Restarted != nil {
		err = s.Restarted(life)
	}
	switch {
	case errors.Is(life.Err(), context.Canceled): // being stopped: keep ends it
	case err != nil:
		s.end()
		s.supervisor.notify(Event{Part: s.Name, What: "failed", Err: err})
	default:
		s.supervisor.notify(Event{Part: s.Name, What: "ready again", Took: time.Since(began)})
	}
}

// end stops the process and returns when it is gone.
func (s *supervised) end() {
	s.mu.Lock()
	process, exited := s.process, s.exited
	s.mu.Unlock()
	if process == nil {
		return
	}
	_ = process.Signal(s.StopSignal) // it may have ended just now
	select {
	case <-exited:
		return
	case <-time.After(grace):
	}
	_ = syscall.Kill(-process.Pid, syscall.SIGKILL) // the same
	<-exited
}

func (s *supervised) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

func (s *supervised) exitError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exit == nil {
		return errors.New("exit status 0")
	}
	return s.exit
}

// logTail is the end of the part's log, for a person.
func (s *supervised) logTail() []byte {
	const tail = 2000
	file, err := os.Open(s.supervisor.LogFile(s.Name))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // read only
	if info, err := file.Stat(); err == nil && info.Size() > tail {
		_, _ = file.Seek(-tail, io.SeekEnd) // at worst more is shown
	}
	content, _ := io.ReadAll(file) // as much as there is
	return bytes.TrimSpace(content)
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
