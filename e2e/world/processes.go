package world

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is the id of a part's process, as the launcher has last written it down.
func (w *World) Process(t *testing.T, part string) int {
	t.Helper()
	var pid int
	Eventually(t, RestartTime, "a process of "+part, func(context.Context) (bool, string) {
		if err := w.Reload(); err != nil {
			return false, err.Error()
		}
		pid = w.Processes[part]
		return pid != 0 && syscall.Kill(pid, 0) == nil, fmt.Sprint(w.Processes)
	})
	return pid
}

// RestartTime is how long the launcher may take to have a part that died ready again, on a busy machine.
const RestartTime = 5 * time.Minute

// Signal sends a part's process a signal and returns its id.
func (w *World) Signal(t *testing.T, part string, signal syscall.Signal) int {
	t.Helper()
	pid := w.Process(t, part)
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("%s to %s (process %d): %v", signal, part, pid, err)
	}
	return pid
}

// Restarted waits until the part that was process pid is another one, and ready.
func (w *World) Restarted(t *testing.T, part string, pid int) {
	t.Helper()
	Eventually(t, RestartTime, part+" is started again", func(context.Context) (bool, string) {
		err := w.Reload()
		return err == nil && w.Processes[part] != 0 && w.Processes[part] != pid, fmt.Sprint(w.Processes, err)
	})
}

// AnotherWorker prepares one more worker process, like the launcher's own but for the settings given ("NAME=value"). Its
// program is copied into dir, so that nobody's build replaces it.
func (w *World) AnotherWorker(t *testing.T, dir string, settings ...string) *exec.Cmd {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", w.Process(t, "worker"))
	environment, err := os.ReadFile(proc + "environ")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "worker")
	if err := copyProgram(proc+"exe", name); err != nil {
		t.Fatal(err)
	}
	worker := exec.CommandContext(t.Context(), name, "work")
	worker.Dir = dir
	worker.Env = slices.Concat(strings.Split(strings.TrimRight(string(environment), "\x00"), "\x00"), []string{"EARSHOT_METRICS_LISTEN=127.0.0.1:0"}, settings)
	return worker
}

func copyProgram(from, to string) error {
	program, err := os.Open(from)
	if err != nil {
		return err
	}
	defer program.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(copied, program); err != nil {
		_ = copied.Close() // the copy's error says more
		return err
	}
	return copied.Close()
}
