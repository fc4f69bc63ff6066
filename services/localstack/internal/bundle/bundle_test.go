package bundle

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestArchivesRepeat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := write(t, filepath.Join(dir, "indexer"), "the function")
	var archives [2][]byte
	for i := range archives {
		if err := os.Chtimes(binary, time.Time{}, time.Now().Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(dir, "indexer.zip")
		if err := packFunction(target, binary); err != nil {
			t.Fatal(err)
		}
		var err error
		if archives[i], err = os.ReadFile(target); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one binary differ")
	}
	archive, err := zip.NewReader(bytes.NewReader(archives[0]), int64(len(archives[0])))
	if err != nil {
		t.Fatal(err)
	}
	entry := archive.File[0]
	if len(archive.File) != 1 || entry.Name != "bootstrap" || entry.Mode() != 0o755 {
		t.Errorf("it holds %s with mode %v", entry.Name, entry.Mode())
	}
	content, err := entry.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(content); err != nil || string(got) != "the function" {
		t.Errorf("bootstrap is %q, %v", got, err)
	}
}

func TestVersionFollowsContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	site := write(t, filepath.Join(dir, "index.html"), "<p>one")
	template := write(t, filepath.Join(dir, "tenant.yaml"), "Resources:")
	files := map[string]string{"site/index.html": site, "templates/tenant.yaml": template}
	first := version(t, files)
	if again := version(t, files); again != first {
		t.Errorf("the same content is %s and %s", first, again)
	}
	write(t, site, "<p>two")
	if changed := version(t, files); changed == first {
		t.Error("another content has the same version")
	}
	write(t, site, "<p>one")
	moved := map[string]string{"site/start.html": site, "templates/tenant.yaml": template}
	if other := version(t, moved); other == first {
		t.Error("another name has the same version")
	}
}

func version(t *testing.T, files map[string]string) string {
	t.Helper()
	hash, err := hashOf(files)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestOldBundlesGo(t *testing.T) {
	t.Parallel()
	b := Builder{Bundles: t.TempDir()}
	now := time.Now()
	for i := range kept + 3 {
		dir := filepath.Join(b.Bundles, string(rune('a'+i)))
		write(t, filepath.Join(dir, "templates", "tenant.yaml"), "")
		if err := os.Chtimes(dir, now, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.prune(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(b.Bundles)
	if err != nil || len(left) != kept || left[0].Name() != "d" {
		t.Errorf("left %v, %v", left, err)
	}
}
