// Package docs_test keeps the documentation true where a program can.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every test that docs/reliability.md names is there.
func TestPromisesNameTheirTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/-]+)\\.(Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 30 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, name := range named {
		if !isIn(t, filepath.Join("..", name[1]), "func "+name[2]+"(t *testing.T)") {
			t.Errorf("%s has no %s", name[1], name[2])
		}
	}
}

func isIn(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile("(?m)^" + regexp.QuoteMeta(text)).Match(content) {
			return true
		}
	}
	return false
}
