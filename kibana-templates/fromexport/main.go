// Command fromexport makes templates of an export of Dashboards: one file for each object, {tenant} where an index is named.
// It says what is not as it was in the export. An export that holds anything which cannot be a template is refused whole.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/exports"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
)

func main() {
	from := flag.String("file", "", "the export, as Dashboards wrote it (.ndjson)")
	into := flag.String("into", "kibana-templates", "the folder of templates")
	own := flag.String("tenant", "", "the tenant of whose space it is an export, if of one")
	flag.Parse()
	if err := run(*from, *into, *own, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Nothing was written:")
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run reads an export and writes its templates, beside those that are there already.
func run(from, into, own string, out io.Writer) error {
	if from == "" {
		return errors.New("name the export: FILE=export.ndjson")
	}
	o := exports.Options{}
	if own != "" {
		var err error
		if o.Own, err = slug.Parse(own); err != nil {
			return err
		}
	}
	text, err := read(from)
	if err != nil {
		return err
	}
	export, err := exports.Read(text)
	if err != nil {
		return err
	}
	there, err := savedobjects.Read(os.DirFS(into))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the templates that are there already: %w", err)
	}
	o.Known = func(key string) bool {
		return slices.ContainsFunc(there, func(t savedobjects.Object) bool { return t.Key() == key })
	}
	made, notes, err := export.Templates(o)
	if err != nil {
		return err
	}
	if err := savedobjects.Check(merged(there, made)); err != nil {
		return err
	}
	if err := write(into, made); err != nil {
		return err
	}
	var said strings.Builder
	fmt.Fprintf(&said, "%d templates written to %s; %d blank lines and %d summary lines skipped.\n", len(made), into, export.Blank, export.Summary)
	for _, note := range notes {
		fmt.Fprintf(&said, "  %s: %s\n", note.Object, note.Text)
	}
	if _, err := io.WriteString(out, said.String()); err != nil {
		return fmt.Errorf("say what was written: %w", err)
	}
	return nil
}

// read returns a file that is not too large to be an export.
func read(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the export: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, exports.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	return text, nil
}

// merged is what the folder holds afterwards.
func merged(there, made []savedobjects.Object) []savedobjects.Object {
	kept := slices.DeleteFunc(slices.Clone(there), func(t savedobjects.Object) bool {
		return slices.ContainsFunc(made, func(m savedobjects.Object) bool { return m.Key() == t.Key() })
	})
	return append(kept, made...)
}

// write writes all files, or takes back those that it has made.
func write(into string, made []savedobjects.Object) (err error) {
	var written []string
	defer func() {
		for _, name := range written {
			if err != nil {
				err = errors.Join(err, os.Remove(name))
			}
		}
	}()
	for _, o := range made {
		name, text, err := o.File()
		if err != nil {
			return err
		}
		full := filepath.Join(into, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			return fmt.Errorf("make the folder of a template: %w", err)
		}
		_, missing := os.Stat(full)
		if err := os.WriteFile(full, text, 0o600); err != nil {
			return fmt.Errorf("write a template: %w", err)
		}
		if errors.Is(missing, fs.ErrNotExist) {
			written = append(written, full)
		}
	}
	return nil
}
