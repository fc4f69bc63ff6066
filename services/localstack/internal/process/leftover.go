package process

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// marker is the variable by which a process is known as one of a state, whoever its parent is by now.
const marker = "EARSHOT_LAUNCHED_FROM"

// grace is how long a process may take to stop before it is killed: the emulator saves its state meanwhile.
const grace = 20 * time.Second

// StopLeftovers ends the processes that an earlier launcher of the state left behind, and returns how many there were. The
// caller holds the state's lock. It never touches a process that was not started from this state.
func StopLeftovers(ctx context.Context, state string) (int, error) {
	noted := records{filepath.Join(state, "run")}
	defer noted.clear()
	find := func() []Record {
		found := noted.alive()
		for _, record := range marked(marker + "=" + state) {
			if !slices.Contains(found, record) {
				found = append(found, record)
			}
		}
		return found
	}
	left := find()
	for _, record := range left {
		record.signal(syscall.SIGTERM)
	}
	if len(left) == 0 || gone(ctx, left, grace) {
		return len(left), nil
	}
	left = find()
	for _, record := range left {
		record.signal(syscall.SIGKILL)
	}
	if !gone(ctx, left, grace) {
		return len(left), fmt.Errorf("%d processes of %s cannot be killed", len(left), state)
	}
	return len(left), nil
}

// Runs reports whether any process that was started from the state is alive.
func Runs(state string) bool { return len(marked(marker+"="+state)) > 0 }

// signal reaches the process only if it still is the recorded one.
func (r Record) signal(signal syscall.Signal) {
	if r.Alive() {
		_ = syscall.Kill(r.PID, signal) // it may have ended just now
	}
}

// gone waits until none of the processes is alive.
func gone(ctx context.Context, left []Record, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, func(context.Context) error {
		for _, record := range left {
			if record.Alive() {
				return errors.New("alive")
			}
		}
		return nil
	}) == nil
}

// poll asks until the answer is nil or ctx ends, whose last answer is then returned. It asks less often as time goes by.
func poll(ctx context.Context, ask func(ctx context.Context) error) error {
	const shortest, longest, patience = 20 * time.Millisecond, 300 * time.Millisecond, 5 * time.Second
	for pause := shortest; ; pause = min(pause*5/4, longest) {
		attempt, cancel := context.WithTimeout(ctx, patience)
		err := ask(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if !wait(ctx, pause) {
			return err
		}
	}
}
