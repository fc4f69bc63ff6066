package workspace

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a repository with a state of its own.
func checkout(t *testing.T) *Workspace {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte(moduleLine+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Open(root, OwnState(root))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Forget(); err != nil { // it may lie outside of the test's own folder
			t.Error(err)
		}
	})
	return w
}

func TestFindRoot(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	if got, err := FindRoot(w.Path("log")); err != nil || got != w.Root {
		t.Errorf("from below: %s, %v", got, err)
	}
	if got, err := FindRoot(os.TempDir()); err == nil {
		t.Errorf("outside: %s", got)
	}
}

func TestServersFolderIsReachable(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	somebody := &Workspace{User: &User{UID: 1, GID: 1}}
	if got, err := somebody.reachable(filepath.Join(closed, ".local")); err != nil || !strings.HasPrefix(got, elsewhere+"/") {
		t.Errorf("below a closed folder: %s, %v", got, err)
	}
	if got, err := somebody.reachable("/usr/lib/.local"); err != nil || got != "/usr/lib/.local" {
		t.Errorf("below open folders: %s, %v", got, err)
	}
	if got, err := (&Workspace{}).reachable(closed); err != nil || got != closed {
		t.Errorf("as an ordinary user: %s, %v", got, err)
	}
}

func TestLockIsHeldByOne(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	lock, err := w.Lock()
	if err != nil {
		t.Fatal(err)
	}
	var running *RunningError
	if _, err := w.Lock(); !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Fatalf("a second launcher got %v", err)
	}
	lock.Unlock()
	again, err := w.AwaitLock(t.Context(), 0)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	again.Unlock()
}

func TestInstallMakesOnce(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	made := 0
	fill := func(dir string) error {
		made++
		return os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
	}
	failing := errors.New("cut off")
	if _, err := w.Install("tool-1", func(string) error { return failing }); !errors.Is(err, failing) {
		t.Fatalf("got %v", err)
	}
	for range 2 {
		dir, err := w.Install("tool-1", fill)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}

func TestPortsMoveWhenTaken(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // it only stood in the way
	preferred := taken.Addr().(*net.TCPAddr).Port

	port := pick(t, w, "aws", preferred, false)
	if port == preferred {
		t.Fatal("a port was given that somebody listens on")
	}
	if got := pick(t, w, "aws", preferred, false); got != port {
		t.Errorf("a later run got %d, not the remembered %d", got, port)
	}
	if got := pick(t, w, "worker", port, false); got == port {
		t.Error("two parts got one port")
	}
	again, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }() // the same
	pick(t, w, "aws", preferred, true)
}

// pick chooses a port as one run does, and expects it to say whether it moved.
func pick(t *testing.T, w *Workspace, part string, preferred int, wantMoved bool) int {
	t.Helper()
	ports, err := w.Ports()
	if err != nil {
		t.Fatal(err)
	}
	port, moved, err := ports.Pick(part, preferred, part == "aws")
	if err != nil {
		t.Fatal(err)
	}
	if moved != wantMoved {
		t.Errorf("%s: moved is %v, want %v", part, moved, wantMoved)
	}
	return port
}

func TestPortsComeBack(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	preferred := taken.Addr().(*net.TCPAddr).Port
	pick(t, w, "admin", preferred, false)
	moved := pick(t, w, "aws", preferred, false)
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if got := pick(t, w, "admin", preferred, true); got != preferred {
		t.Errorf("a free port was not taken again, but %d", got)
	}
	if got := pick(t, w, "aws", preferred, false); got != moved {
		t.Errorf("a port that stacks carry changed to %d without need", got)
	}
}

func TestSecretsAreMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	w := checkout(t)
	values := map[string]bool{}
	for range 2 {
		secrets, err := w.Secrets()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"postgres", "owner"} {
			secret, err := secrets.Get(name)
			if err != nil || len(secret) < 40 {
				t.Fatalf("%q, %v", secret, err)
			}
			values[secret] = true
		}
	}
	if len(values) != 2 {
		t.Errorf("%d different secrets of two names", len(values))
	}
	if info, err := os.Stat(w.Path("secrets.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secrets.json: %v, %v", info.Mode(), err)
	}
}
