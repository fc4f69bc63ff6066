package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The cores: one for the search node, the other for everybody who speaks to it.
const (
	SearchCore = 0
	ClientCore = 1
)

// ticks is how many clock ticks Linux counts a second in /proc, on every architecture that we run on.
const ticks = 100

// CPU returns how much processor time a process has used.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold anything; the 14th and 15th fields are user and system time (proc_pid_stat(5)).
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, errors.New("the kernel's line about the process is too short")
	}
	total := int64(0)
	for _, field := range [][]byte{fields[user], fields[system]} {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		total += n
	}
	return time.Duration(total) * time.Second / ticks, nil
}

// Pin keeps all present threads of a process, and those that they start, on one core.
func Pin(pid, core int) error {
	var set unix.CPUSet
	set.Set(core)
	return setAffinity(pid, &set)
}

// Unpin lets a process run everywhere again.
func Unpin(pid int) error {
	var set unix.CPUSet
	set.Fill()
	return setAffinity(pid, &set)
}

func setAffinity(pid int, set *unix.CPUSet) error {
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*"))
	if err != nil {
		return err
	}
	if len(threads) == 0 {
		return fmt.Errorf("process %d: %w", pid, fs.ErrNotExist)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(filepath.Base(thread))
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, set); err != nil && !errors.Is(err, unix.ESRCH) { // the thread has ended since
			return fmt.Errorf("pin thread %d: %w", id, err)
		}
	}
	return nil
}

// Rest waits until a process has as good as nothing to do, or for patience: merges and refreshes of what came before must
// not be counted for what comes next.
func Rest(ctx context.Context, pid int) error {
	const look, idle, patience = 250 * time.Millisecond, 30 * time.Millisecond, 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	before, calm := time.Duration(-1), 0
	err := Until(ctx, look, func() (bool, error) {
		now, err := CPU(pid)
		if before >= 0 && now-before <= idle {
			calm++
		} else {
			calm = 0
		}
		before = now
		return calm >= 2, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // a machine that is busy with other things: the medians must do
	}
	return err
}

// Self returns the processor time that this process has used.
func Self() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
