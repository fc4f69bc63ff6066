package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// Test starts fresh servers, runs command with their addresses in its environment, stops them, and returns the command's
// exit code. Several runs in one checkout do not meet.
func (l *Launcher) Test(ctx context.Context, command []string) (int, error) {
	if err := part.CheckMachine(ctx); err != nil {
		return 1, err
	}
	if err := l.forgetAbandoned(); err != nil {
		return 1, err
	}
	w, lock, err := l.scratch(ctx)
	if err != nil {
		return 1, err
	}
	defer func() {
		lock.Unlock()
		if err := w.Forget(); err != nil {
			l.Console.Line("test", "its folder stays: "+err.Error())
		}
	}()
	b, err := l.bench(w, true)
	if err != nil {
		return 1, err
	}
	supervisor := process.New(w.State, l.tell)
	defer supervisor.Close()

	var running *servers
	var artifacts string
	group, starting := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		running, err = startServers(starting, b, supervisor)
		return err
	})
	group.Go(func() error {
		artifacts = l.testArtifacts(starting, w)
		return nil
	})
	if err := group.Wait(); err != nil {
		return 1, err
	}
	environment, err := running.testEnvironment(artifacts)
	if err != nil {
		return 1, err
	}
	return runCommand(ctx, command, environment)
}

// scratch returns a locked state of its own below .local/test, after it has removed those whose run was killed.
func (l *Launcher) scratch(ctx context.Context) (*workspace.Workspace, *workspace.Lock, error) {
	if err := l.forgetScratch(ctx); err != nil {
		return nil, nil, err
	}
	w, err := workspace.Open(l.Root, l.common("test", strconv.Itoa(os.Getpid())))
	if err != nil {
		return nil, nil, err
	}
	lock, err := w.Lock()
	return w, lock, err
}

// forgetScratch removes the scratch states that nobody uses any more, with what still runs there.
func (l *Launcher) forgetScratch(ctx context.Context) error {
	folders, err := filepath.Glob(l.common("test", "*", "lock"))
	if err != nil {
		return err
	}
	for _, file := range folders {
		w, err := workspace.Open(l.Root, filepath.Dir(file))
		if err != nil {
			return err
		}
		lock, err := w.Lock()
		var running *workspace.RunningError
		if errors.As(err, &running) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = process.StopLeftovers(ctx, w.State)
		lock.Unlock()
		if err := errors.Join(err, w.Forget()); err != nil {
			return err
		}
	}
	return nil
}

// testEnvironment is what internal/testenv reads.
func (s *servers) testEnvironment(artifacts string) ([]string, error) {
	search, err := json.Marshal(map[string]string{
		"url": s.opensearch.URL(), "username": s.opensearch.Username, "password": s.opensearch.Password, "ca_file": s.opensearch.CAFile,
	})
	if err != nil {
		return nil, err
	}
	environment := []string{
		"EARSHOT_TEST_POSTGRES=" + s.postgres.URL("postgres"),
		"EARSHOT_TEST_OPENSEARCH=" + string(search),
		"EARSHOT_TEST_AWS=" + s.emulator.URL(),
	}
	if artifacts != "" {
		environment = append(environment, "EARSHOT_TEST_ARTIFACTS="+artifacts)
	}
	return environment, nil
}

// runCommand runs a command at the terminal of this one and returns its exit code.
func runCommand(ctx context.Context, command, environment []string) (int, error) {
	child := exec.CommandContext(ctx, command[0], command[1:]...)
	child.Env = append(os.Environ(), environment...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	err := child.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("%s: %w", command[0], err)
	}
	return 0, nil
}

// testArtifacts builds the artifacts. Tests that need none run without them, so that a function that does not compile does not
// hide what else is wrong.
func (l *Launcher) testArtifacts(ctx context.Context, w *workspace.Workspace) string {
	began := time.Now()
	made, err := l.builder(w, runtime.GOARCH).Build(ctx)
	if err != nil {
		l.Console.Line("artifacts", "none, so the tests that need them will fail: "+err.Error())
		return ""
	}
	l.Console.Took("artifacts", "built "+made.Version, time.Since(began))
	return made.Dir
}
