package faults_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/earshot-hq/earshot/e2e/world"
)

// A worker is one more worker process, of a test's own.
type worker struct {
	*exec.Cmd
	log string // file
}

// startWorker starts a worker of a name, with settings of its own ("NAME=value"). It ends with the test.
func startWorker(t *testing.T, w *world.World, name string, settings ...string) *worker {
	t.Helper()
	dir := t.TempDir()
	p := &worker{Cmd: w.AnotherWorker(t, dir, append(settings, "EARSHOT_WORKER_ID="+name)...), log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has a handle of its own
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		_ = p.Wait() // it says how it was killed
		if t.Failed() {
			t.Logf("worker %s said:\n%s", name, p.said())
		}
	})
	return p
}

// signal reaches the process also when it has ended meanwhile.
func (p *worker) signal(s syscall.Signal) { _ = p.Process.Signal(s) }

func (p *worker) said() string {
	said, _ := os.ReadFile(p.log) // for people
	return string(said)
}

// stopWorker stops the launcher's worker as it stands, and returns what lets it go on, which the test's end does too.
func stopWorker(t *testing.T, w *world.World) (wake func()) {
	t.Helper()
	pid := w.Signal(t, "worker", syscall.SIGSTOP)
	wake = func() { _ = syscall.Kill(pid, syscall.SIGCONT) } // it may have been killed
	t.Cleanup(wake)
	return wake
}

// through is the setting that sends a worker to the database by way of a gate.
func through(t *testing.T, w *world.World, g *gate) string {
	t.Helper()
	_, setting := databaseSetting(t, w)
	u, err := url.Parse(setting)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = g.listener.Addr().String()
	return "EARSHOT_DATABASE_URL=" + u.String()
}

// databaseSetting is how the launcher's worker reaches the database: its address, and the whole URL.
func databaseSetting(t *testing.T, w *world.World) (address, setting string) {
	t.Helper()
	for _, variable := range w.AnotherWorker(t, t.TempDir()).Env {
		if value, ok := strings.CutPrefix(variable, "EARSHOT_DATABASE_URL="); ok {
			setting = value
		}
	}
	u, err := url.Parse(setting)
	if err != nil || u.Host == "" {
		t.Fatalf("the worker's database: %v", err)
	}
	return u.Host, setting
}
