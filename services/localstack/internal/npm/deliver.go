package npm

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Deliver makes target hold what Build makes, and nothing else but hidden files. What is there already is not touched, so
// that others may read it meanwhile; those who deliver at the same time wait for each other.
func (p Project) Deliver(ctx context.Context, target string) error {
	built, err := p.Build(ctx)
	if err != nil {
		return err
	}
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	names, err := files(built)
	if err != nil {
		return err
	}
	isPage := func(name string) bool { return filepath.Ext(name) == ".html" }
	pages := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isPage(name) })
	for _, name := range append(slices.DeleteFunc(slices.Clone(names), isPage), pages...) { // a page comes when all that it names is there
		if err := deliver(filepath.Join(built, name), filepath.Join(target, name), filepath.Dir(target)); err != nil {
			return err
		}
	}
	there, err := files(target)
	if err != nil {
		return err
	}
	for _, name := range there {
		if !slices.Contains(names, name) && !strings.HasPrefix(filepath.Base(name), ".") {
			if err := os.Remove(filepath.Join(target, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// files returns the names of the files below dir.
func files(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		names = append(names, relative)
		return err
	})
	return names, err
}

// deliver replaces a file in one step, unless it is the same. What is not complete lies in beside.
func deliver(source, target, beside string) error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if there, err := os.ReadFile(target); err == nil && bytes.Equal(there, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	partial, err := os.CreateTemp(beside, ".partial-")
	if err != nil {
		return err
	}
	_, err = partial.Write(content)
	if err := errors.Join(err, partial.Close(), os.Chmod(partial.Name(), 0o644)); err != nil {
		return errors.Join(err, os.Remove(partial.Name()))
	}
	return os.Rename(partial.Name(), target)
}
