// Package docs_test keeps the documentation true where a program can.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every test that the pages of promises name is there.
func TestPromisesNameTheirTests(t *testing.T) {
	t.Parallel()
	for page, least := range map[string]int{"reliability.md": 30, "threat-model.md": 40} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`([a-z0-9/-]+)\\.(Test\\w+)`").FindAllStringSubmatch(string(text), -1)
		if len(named) < least {
			t.Errorf("%s names %d tests", page, len(named))
		}
		for _, name := range named {
			if !isIn(t, filepath.Join("..", name[1]), "func "+name[2]+"(t *testing.T)") {
				t.Errorf("%s: %s has no %s", page, name[1], name[2])
			}
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
