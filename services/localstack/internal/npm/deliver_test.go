package npm

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestDeliversWhatChanged(t *testing.T) {
	t.Parallel()
	p, _ := project(t)
	target := filepath.Join(t.TempDir(), "site")
	for _, name := range []string{".gitkeep", "old.js"} {
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(target, name), name, 0o644)
	}
	page := filepath.Join(target, "index.html")
	if err := p.Deliver(t.Context(), target); err != nil || read(t, page) != "index.html" {
		t.Fatalf("%v, %s", err, read(t, page))
	}
	if _, err := os.Stat(filepath.Join(target, "old.js")); !os.IsNotExist(err) {
		t.Errorf("what was there before stays: %v", err)
	}
	if read(t, filepath.Join(target, ".gitkeep")) != ".gitkeep" {
		t.Error("the hidden file is gone")
	}
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(page, long, long); err != nil {
		t.Fatal(err)
	}
	if err := p.Deliver(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(page); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("what is the same is written again: %v, %v", info.ModTime(), err)
	}
	write(t, filepath.Join(p.Dir, "index.html"), "two", 0o644)
	if err := p.Deliver(t.Context(), target); err != nil || read(t, page) != "two" {
		t.Errorf("%v, %s", err, read(t, page))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(target), ".partial-*")); err != nil || len(left) > 0 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

// Two launchers of one checkout deliver at the same time, and a compiler reads what is there: it finds the whole file always.
func TestManyDeliverAtOnce(t *testing.T) {
	t.Parallel()
	p, asked := project(t)
	target := filepath.Join(t.TempDir(), "site")
	if err := p.Deliver(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	asked()
	write(t, filepath.Join(p.Dir, "index.html"), "two", 0o644)
	page := filepath.Join(target, "index.html")
	var group errgroup.Group
	for range 8 {
		group.Go(func() error { return p.Deliver(t.Context(), target) })
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	for {
		if content := read(t, page); content != "index.html" && content != "two" {
			t.Fatalf("a reader finds %q", content)
		}
		select {
		case err := <-done:
			if err != nil || read(t, page) != "two" {
				t.Fatalf("%v, %s", err, read(t, page))
			}
			if got := asked(); got != "run" {
				t.Errorf("npm was asked for %q, want one build", got)
			}
			return
		default:
		}
	}
}
