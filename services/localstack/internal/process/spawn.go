package process

import (
	"errors"
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
)

// spawn starts a command in a process group of its own, so that a terminal's Ctrl-C reaches the launcher alone, which then
// stops the parts in order. When the launcher dies in whatever way, the kernel sends the part onDeath.
//
// The kernel takes the death of the *thread* that started a child for the parent's (prctl(2), PR_SET_PDEATHSIG), and Go
// ends threads as it likes. So one goroutine that keeps its thread for ever starts them all.
func spawn(command *exec.Cmd, onDeath syscall.Signal, credential *syscall.Credential) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: onDeath, Credential: credential}
	spawningOnce.Do(func() {
		go func() {
			runtime.LockOSThread()
			for next := range starts {
				next.done <- next.command.Start()
			}
		}()
	})
	next := start{command: command, done: make(chan error, 1)}
	starts <- next
	return <-next.done
}

// killGroupOfEnded waits until a child has ended and kills what it left in its process group. The child is not yet reaped
// then, so its number cannot be a stranger's.
func killGroupOfEnded(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // most often there is nobody left
}
