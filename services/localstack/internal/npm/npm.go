// Package npm works in a project of npm: it installs what the lock file pins, with the user's own settings of npm, and runs the
// project's scripts.
package npm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A Runtime is a Node with its npm.
type Runtime struct {
	Version string   // of Node
	Bin     string   // the folder of node
	NPM     []string // how npm is started
}

// A Project is a folder with a package.json and a lock file. Nobody else works in it at the same time, unless with the same
// lock.
type Project struct {
	Dir    string
	Cache  string // keeps what was built, by the hash of its sources
	Node   func(ctx context.Context) (Runtime, error)
	Report func(line string)
}

// made are the folders below a project that are no sources.
var made = []string{"node_modules", "dist", "coverage", "screenshots"}

const kept = 8 // builds

// Build returns a folder with what the project's script build makes of the sources as they are. What was built before is not
// built again, and then nothing is installed either.
func (p Project) Build(ctx context.Context) (string, error) {
	unlock, err := p.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	sources, err := p.sources()
	if err != nil {
		return "", err
	}
	target := filepath.Join(p.Cache, sources)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	node, err := p.install(ctx, false)
	if err != nil {
		return "", err
	}
	var told bytes.Buffer
	if err := p.run(ctx, node, &told, "run", "--silent", "build"); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", filepath.Base(p.Dir), err, told.Bytes())
	}
	partial := target + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := os.CopyFS(partial, os.DirFS(filepath.Join(p.Dir, "dist"))); err != nil {
		return "", err
	}
	if err := os.Rename(partial, target); err != nil {
		return "", err
	}
	return target, p.prune()
}

// Run installs all that the project is developed with and runs npm there, at the terminal of this process.
func (p Project) Run(ctx context.Context, arguments ...string) error {
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	node, err := p.install(ctx, true)
	unlock()
	if err != nil {
		return err
	}
	return p.run(ctx, node, nil, arguments...)
}

// run starts npm; its output goes to told, or to the terminal.
func (p Project) run(ctx context.Context, node Runtime, told io.Writer, arguments ...string) error {
	arguments = append(slices.Clone(node.NPM), arguments...)
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Dir = p.Dir
	//nolint:forbidigo // the system's variable, not a setting of ours
	command.Env = append(os.Environ(), "PATH="+node.Bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdout, command.Stderr = told, told
	if told == nil {
		command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	}
	return command.Run()
}

// install brings node_modules to what the lock file says. Without everything the packages that only developers need are left
// out.
func (p Project) install(ctx context.Context, everything bool) (Runtime, error) {
	node, err := p.Node(ctx)
	if err != nil {
		return node, err
	}
	pinned, err := hashOf(p.Dir, []string{".npmrc", "package-lock.json", "package.json"}, node.Version)
	if err != nil {
		return node, err
	}
	const all, some = "all ", "some "
	stamp := filepath.Join(p.Dir, "node_modules", ".installed")
	found, _ := os.ReadFile(stamp) // missing: nothing is installed
	if string(found) == all+pinned || string(found) == some+pinned && !everything {
		return node, nil
	}
	everything = everything || strings.HasPrefix(string(found), all) // a developer keeps it
	what, arguments := all, []string{"ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"}
	if !everything {
		what, arguments = some, append(arguments, "--omit=dev")
	}
	p.Report("installing the npm packages of " + filepath.Base(p.Dir))
	var told bytes.Buffer
	if err := p.run(ctx, node, &told, arguments...); err != nil {
		return node, fmt.Errorf("npm %s: %w\n%s", strings.Join(arguments, " "), err, told.Bytes())
	}
	return node, os.WriteFile(stamp, []byte(what+pinned), 0o644)
}

// lock waits until nobody else builds or installs in the project.
func (p Project) lock() (unlock func(), err error) {
	if err := os.MkdirAll(p.Cache, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(p.Cache, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		_ = file.Close() // the lock's error says more
		return nil, err
	}
	return func() { _ = file.Close() }, nil // frees the lock
}

// sources is the hash of all that a build is made from.
func (p Project) sources() (string, error) {
	var names []string
	err := filepath.WalkDir(p.Dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(p.Dir, name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(made, relative):
			return fs.SkipDir
		case entry.Type().IsRegular():
			names = append(names, relative)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return hashOf(p.Dir, names, "")
}

// hashOf derives a name from names and contents of files below dir, and from what else matters.
func hashOf(dir string, names []string, also string) (string, error) {
	all := sha256.New()
	_, _ = io.WriteString(all, also+"\n") // a hash never fails
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(all, "%s %x\n", filepath.ToSlash(name), sha256.Sum256(content))
	}
	return hex.EncodeToString(all.Sum(nil)[:8]), nil
}

// prune removes the oldest builds.
func (p Project) prune() error {
	entries, err := os.ReadDir(p.Cache)
	if err != nil {
		return err
	}
	var builds []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && entry.IsDir() {
			builds = append(builds, info)
		}
	}
	slices.SortFunc(builds, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, build := range builds[min(kept, len(builds)):] {
		if err := os.RemoveAll(filepath.Join(p.Cache, build.Name())); err != nil {
			return err
		}
	}
	return nil
}
