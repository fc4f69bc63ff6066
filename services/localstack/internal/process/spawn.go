package process

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A start is a command to be started by the spawning thread.
type start struct {
	command *exec.Cmd
	done    chan error
}

var (
	starts       = make(chan start)
	spawningOnce sync.Once

	spawnedMu sync.Mutex
	spawned   = map[int]bool{} // the children for which somebody waits; guarded by spawnedMu
)

// spawn starts a command in a process group of its own, so that a terminal's Ctrl-C reaches the launcher alone, which then
// stops the parts in order. When the launcher dies in whatever way, the kernel sends the part onDeath.
//
// The kernel takes the death of the *thread* that started a child for the parent's (prctl(2), PR_SET_PDEATHSIG), and Go
// ends threads as it likes. So one goroutine that keeps its thread for ever starts them all.
func spawn(command *exec.Cmd, onDeath syscall.Signal, credential *syscall.Credential) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: onDeath, Credential: credential}
	spawningOnce.Do(func() {
		// What a part leaves behind becomes this process's child, which buries it: not every machine's first process does.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // without it zombies may stay
		go func() {
			runtime.LockOSThread()
			for next := range starts {
				next.done <- next.command.Start()
			}
		}()
	})
	spawnedMu.Lock()
	defer spawnedMu.Unlock()
	next := start{command: command, done: make(chan error, 1)}
	starts <- next
	err := <-next.done
	if err == nil {
		spawned[command.Process.Pid] = true
	}
	return err
}

// bury waits for a spawned command to end, kills what it left in its process group, and buries all of it.
func bury(command *exec.Cmd) error {
	pid := command.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // the dead leader still holds its number: it cannot be a stranger's group
	err := command.Wait()
	spawnedMu.Lock()
	delete(spawned, pid)
	spawnedMu.Unlock()
	buryOrphans()
	return err
}

// buryOrphans buries what the parts' children left, and returns how many of these still live. Commands that others started
// are in the launcher's own process group, and left to them.
func buryOrphans() int {
	spawnedMu.Lock()
	defer spawnedMu.Unlock()
	alive := 0
	for _, child := range childrenOf(os.Getpid()) {
		if spawned[child.pid] || child.group == syscall.Getpgrp() {
			continue
		}
		buried, err := syscall.Wait4(child.pid, nil, syscall.WNOHANG, nil)
		if err == nil && buried == 0 {
			alive++
		}
	}
	return alive
}
