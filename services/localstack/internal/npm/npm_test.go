package npm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project returns a project whose npm is a script that notes what it was asked for and builds a copy of index.html.
func project(t *testing.T) (Project, func() string) {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	asked := filepath.Join(bin, "asked")
	write(t, filepath.Join(bin, "npm"), `#!/bin/sh
echo "$*" >> `+asked+`
case $1 in
ci) mkdir -p node_modules ;;
run) grep -q broken index.html && exit 1; mkdir -p dist && cp index.html dist/ ;;
esac
`, 0o755)
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "index.html"} {
		write(t, filepath.Join(dir, name), name, 0o644)
	}
	p := Project{
		Dir: dir, Cache: filepath.Join(t.TempDir(), "site"), Report: func(string) {},
		Node: func(context.Context) (Runtime, error) {
			return Runtime{Version: "v22.0.0", Bin: bin, NPM: []string{filepath.Join(bin, "npm")}}, nil
		},
	}
	return p, func() string {
		text, err := os.ReadFile(asked)
		if err != nil {
			return ""
		}
		if err := os.Remove(asked); err != nil {
			t.Fatal(err)
		}
		var words []string
		for line := range strings.Lines(string(text)) {
			words = append(words, strings.Fields(line)[0])
		}
		return strings.Join(words, " ")
	}
}

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestBuildsWhatChanged(t *testing.T) {
	t.Parallel()
	p, asked := project(t)
	page := filepath.Join(p.Dir, "index.html")
	for _, step := range []struct {
		what   string
		change func()
		want   string
	}{
		{"the first time", func() {}, "ci run"},
		{"nothing changed", func() {}, ""},
		{"a source", func() { write(t, page, "two", 0o644) }, "run"},
		{"back again", func() { write(t, page, "index.html", 0o644) }, ""},
		{"the lock file", func() { write(t, filepath.Join(p.Dir, "package-lock.json"), "two", 0o644) }, "ci run"},
		{"what is made is no source", func() { write(t, filepath.Join(p.Dir, "dist", "x"), "x", 0o644) }, ""},
	} {
		step.change()
		built, err := p.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != step.want {
			t.Errorf("%s: npm was asked for %q, want %q", step.what, got, step.want)
		}
		source, _ := os.ReadFile(page)
		if content, err := os.ReadFile(filepath.Join(built, "index.html")); err != nil || string(content) != string(source) {
			t.Errorf("%s: built %q, %v", step.what, content, err)
		}
	}
}

func TestABrokenBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	p, _ := project(t)
	write(t, filepath.Join(p.Dir, "index.html"), "broken", 0o644)
	for range 2 {
		if built, err := p.Build(t.Context()); err == nil {
			t.Fatalf("built %s", built)
		}
	}
	write(t, filepath.Join(p.Dir, "index.html"), "whole", 0o644)
	if _, err := p.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDevelopersGetEverything(t *testing.T) {
	t.Parallel()
	p, asked := project(t)
	if _, err := p.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked()
	for _, want := range []string{"ci run", "run"} {
		if err := p.Run(t.Context(), "run", "test"); err != nil {
			t.Fatal(err)
		}
		if got := asked(); got != want {
			t.Errorf("npm was asked for %q, want %q", got, want)
		}
	}
	if _, err := p.Build(t.Context()); err != nil || asked() != "" {
		t.Errorf("everything is not enough for a build: %v", err)
	}
	write(t, filepath.Join(p.Dir, "package-lock.json"), "two", 0o644)
	if _, err := p.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked()
	if err := p.Run(t.Context(), "run", "test"); err != nil || asked() != "run" {
		t.Errorf("a build took from a developer what only developers need: %v", err)
	}
}
