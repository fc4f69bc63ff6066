package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// stopTime is how long a launcher may take to stop everything in order before it is killed.
const stopTime = 90 * time.Second

// Down stops what runs in the state, whoever started it and even if its launcher was killed, and returns when nothing runs.
func (l *Launcher) Down(ctx context.Context) error {
	w, err := workspace.Open(l.Root, l.Settings.Local)
	if err != nil {
		return err
	}
	lock, err := l.takeOver(ctx, w)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return l.sweep(ctx, w)
}

// Clean stops what runs and forgets the state; the checkout's own state takes the scratch ones of tests along.
func (l *Launcher) Clean(ctx context.Context) error {
	w, err := workspace.Open(l.Root, l.Settings.Local)
	if err != nil {
		return err
	}
	lock, err := l.takeOver(ctx, w)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := l.sweep(ctx, w); err != nil {
		return err
	}
	if w.State == workspace.OwnState(l.Root) {
		if err := l.forgetScratch(ctx); err != nil {
			return err
		}
		if running, err := filepath.Glob(w.Path("test", "*")); err != nil || len(running) > 0 {
			return errors.Join(err, errors.New("a test run uses the software here; try again when it has ended"))
		}
	}
	return w.Forget()
}

// takeOver ends the launcher that uses the state, if any, and returns the state's lock.
func (l *Launcher) takeOver(ctx context.Context, w *workspace.Workspace) (*workspace.Lock, error) {
	lock, err := w.Lock()
	var running *workspace.RunningError
	if !errors.As(err, &running) || running.PID == 0 {
		return lock, err
	}
	l.Console.Line("launcher", fmt.Sprintf("process %d is asked to stop", running.PID))
	if err := syscall.Kill(running.PID, syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return nil, fmt.Errorf("stop process %d: %w", running.PID, err)
	}
	lock, err = w.AwaitLock(ctx, stopTime)
	if errors.As(err, &running) {
		l.Console.Line("launcher", fmt.Sprintf("process %d does not stop and is killed", running.PID))
		_ = syscall.Kill(running.PID, syscall.SIGKILL) // it may have ended just now
		return w.AwaitLock(ctx, stopTime)
	}
	return lock, err
}

// forgetAbandoned removes what root's servers kept outside of states that are deleted by now.
func (l *Launcher) forgetAbandoned() error {
	abandoned, err := workspace.FindAbandoned()
	if err != nil {
		return err
	}
	for _, one := range abandoned {
		if process.Runs(one.State) {
			continue
		}
		if err := one.Remove(); err != nil {
			return err
		}
		l.Console.Line("launcher", "removed what "+one.State+" had left in "+one.Folder)
	}
	return nil
}

func (l *Launcher) sweep(ctx context.Context, w *workspace.Workspace) error {
	left, err := process.StopLeftovers(ctx, w.State)
	if err != nil {
		return err
	}
	if left > 0 {
		l.Console.Line("launcher", fmt.Sprintf("stopped %d processes whose launcher was gone", left))
	}
	if err := os.Remove(endpointsFile(w.State)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l.Console.Line("launcher", "nothing runs")
	return nil
}
