package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A RunningError says that another launcher uses the state.
type RunningError struct {
	State string
	PID   int
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("Earshot already runs in %s (process %d): stop it with `make down`", e.State, e.PID)
}

// A Lock is held by the process that uses a state, and falls with it.
type Lock struct{ file *os.File }

// Lock takes the state for this process, or returns a RunningError.
func (w *Workspace) Lock() (*Lock, error) {
	lock, err := lockFile(w.Path("lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &RunningError{State: w.State, PID: w.holder()}
	}
	if err != nil {
		return nil, err
	}
	if err := lock.file.Truncate(0); err != nil {
		return nil, err
	}
	_, err = lock.file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return lock, err
}

// AwaitLock is Lock that waits for the holder to end, and returns a RunningError only if it has not after patience.
func (w *Workspace) AwaitLock(ctx context.Context, patience time.Duration) (*Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		lock, err := w.Lock()
		var running *RunningError
		if !errors.As(err, &running) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-look.C:
		}
	}
}

func (w *Workspace) holder() int {
	content, err := os.ReadFile(w.Path("lock"))
	if err != nil {
		return 0 // it is only shown and signalled; 0 is neither
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return pid
}

// Unlock frees the state.
func (l *Lock) Unlock() { _ = l.file.Close() } // closing frees the lock even when it fails

// Wait takes a file's lock once whoever holds it has let go. The file is made if it is not there.
func Wait(name string) (*Lock, error) { return lockFile(name, syscall.LOCK_EX) }

func lockFile(name string, how int) (*Lock, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return &Lock{file: file}, nil
}

// Install returns the software folder called name, after fill has filled it once. Checkouts and processes that ask at the
// same time wait for the first. A name must change when its content does.
func (w *Workspace) Install(name string, fill func(dir string) error) (string, error) {
	target := filepath.Join(w.Software, name)
	lock, err := Wait(filepath.Join(w.Software, "."+name+".lock"))
	if err != nil {
		return "", err
	}
	defer lock.Unlock()
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	partial := target + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := makeReadable(partial); err != nil {
		return "", err
	}
	if err := fill(partial); err != nil {
		return "", err
	}
	return target, os.Rename(partial, target)
}
