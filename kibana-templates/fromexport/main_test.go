package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/savedobjects"
)

const (
	pattern = `{"type":"index-pattern","id":"p","attributes":{"title":"apimetric-*"}}`
	search  = `{"type":"search","id":"s","attributes":{"title":"S"},"references":[{"name":"a","type":"index-pattern","id":"p"}]}`
	foreign = `{"type":"index-pattern","id":"q","attributes":{"title":"beta-apimetric-*"}}`
)

// fill writes an export, and returns its path and that of an empty folder.
func fill(t *testing.T, lines ...string) (from, into string) {
	t.Helper()
	from = filepath.Join(t.TempDir(), "export.ndjson")
	if err := os.WriteFile(from, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return from, t.TempDir()
}

func names(t *testing.T, folder string) (found []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAnExportBecomesFiles(t *testing.T) {
	t.Parallel()
	from, into := fill(t, pattern, search)
	var said bytes.Buffer
	if err := run(from, into, "", &said); err != nil {
		t.Fatal(err)
	}
	if objects, err := savedobjects.Read(os.DirFS(into)); err != nil || len(objects) != 2 || !strings.HasPrefix(said.String(), "2 templates written") {
		t.Errorf("%v, %v, %q", objects, err, said.String())
	}
	alone, _ := fill(t, search)
	if err := run(alone, into, "", &said); err != nil {
		t.Errorf("what refers to a template that is there: %v", err)
	}
}

func TestNothingIsWrittenOfAFileThatIsRefused(t *testing.T) {
	t.Parallel()
	from, into := fill(t, pattern, search, foreign)
	if err := run(from, into, "", &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "line 3, index-pattern:q") {
		t.Errorf("got %v", err)
	}
	if found := names(t, into); len(found) != 0 {
		t.Errorf("written: %q", found)
	}
	if err := run(from, into, "beta", &bytes.Buffer{}); err != nil || len(names(t, into)) != 3 {
		t.Errorf("the same as beta's own export: %v", err)
	}
}

func TestNothingIsWrittenWhenADiskIsFull(t *testing.T) {
	t.Parallel()
	from, into := fill(t, pattern, search)
	if err := os.WriteFile(filepath.Join(into, "search"), nil, 0o600); err != nil { // where a folder should be
		t.Fatal(err)
	}
	if err := run(from, into, "", &bytes.Buffer{}); err == nil {
		t.Error("no error")
	}
	if found := names(t, into); len(found) != 1 {
		t.Errorf("left: %q", found)
	}
}
