// Package bundle builds what stacks are made from: the functions' archives, the tenant's template and the softphone's site,
// under a version that is the hash of their content.
package bundle

import (
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

	"golang.org/x/sync/errgroup"
)

// A Bundle is a complete folder, which never changes: its version is the hash of its content.
type Bundle struct {
	Version string
	Dir     string // holds lambdas/, templates/ and site/, as a cell's bucket does below the version
}

// A Builder builds the bundles of a checkout.
type Builder struct {
	Root         string                                            // the repository
	Site         func(ctx context.Context) (dir string, err error) // builds the softphone's site
	Builds       string                                            // what `go build` makes, kept so that the next build is quick
	Bundles      string                                            // one folder a version
	Architecture string                                            // Go's name for the functions' processor
}

// kept is how many bundles stay: a run that uses an older one is not cut off by a newer build.
const kept = 8

// Build returns the bundle of the sources as they are. What is up to date is not built again. Builds of one checkout wait for
// each other.
func (b Builder) Build(ctx context.Context) (Bundle, error) {
	for _, dir := range []string{b.Builds, b.Bundles} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return Bundle{}, err
		}
	}
	lock, err := os.OpenFile(filepath.Join(b.Builds, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return Bundle{}, err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return Bundle{}, err
	}
	var binaries map[string]string
	var site string
	group, building := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		binaries, err = b.compile(building)
		return err
	})
	group.Go(func() (err error) {
		site, err = b.Site(building)
		return err
	})
	if err := group.Wait(); err != nil {
		return Bundle{}, err
	}
	files, err := b.collect(binaries, site)
	if err != nil {
		return Bundle{}, err
	}
	version, err := hashOf(files)
	if err != nil {
		return Bundle{}, err
	}
	made := Bundle{Version: version, Dir: filepath.Join(b.Bundles, version)}
	if _, err := os.Stat(made.Dir); err == nil {
		return made, nil
	}
	if err := lay(files, made.Dir); err != nil {
		return Bundle{}, err
	}
	return made, b.prune()
}

// compile builds all functions in one go and returns their binaries by name. The flags are those of a release, and leave out
// what would make two builds of one source differ.
func (b Builder) compile(ctx context.Context) (map[string]string, error) {
	out := filepath.Join(b.Builds, b.Architecture)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	mains, err := filepath.Glob(filepath.Join(b.Root, "lambdas", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	arguments := []string{"build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out + string(filepath.Separator)}
	binaries := map[string]string{}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		binaries[name] = filepath.Join(out, name)
		arguments = append(arguments, "./lambdas/"+name)
	}
	if len(binaries) == 0 {
		return nil, fmt.Errorf("there is no function below %s", filepath.Join(b.Root, "lambdas"))
	}
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = b.Root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.Architecture)
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the functions: %w\n%s", err, output)
	}
	return binaries, nil
}

// collect returns the source of each file of a bundle by its name there, functions as binaries that are yet to be packed.
func (b Builder) collect(binaries map[string]string, site string) (map[string]string, error) {
	files := map[string]string{"templates/tenant.yaml": filepath.Join(b.Root, "infra", "tenant.yaml")}
	for name, binary := range binaries {
		files["lambdas/"+name+".zip"] = binary
	}
	err := filepath.WalkDir(site, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(site, name)
		files["site/"+filepath.ToSlash(relative)] = name
		return err
	})
	return files, err
}

// hashOf derives the version from names and contents, in an order of its own.
func hashOf(files map[string]string) (string, error) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		content, err := os.Open(files[name])
		if err != nil {
			return "", err
		}
		one := sha256.New()
		_, err = io.Copy(one, content)
		_ = content.Close() // read only
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(all, "%s %x\n", name, one.Sum(nil)) // a hash never fails
	}
	return hex.EncodeToString(all.Sum(nil)[:8]), nil
}

// lay makes the folder in one step: it is complete or not there.
func lay(files map[string]string, dir string) error {
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	for name, source := range files {
		target := filepath.Join(partial, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		write := copyFile
		if strings.HasSuffix(name, ".zip") {
			write = packFunction
		}
		if err := write(target, source); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.Rename(partial, dir)
}

// prune removes the oldest bundles.
func (b Builder) prune() error {
	entries, err := os.ReadDir(b.Bundles)
	if err != nil {
		return err
	}
	made := map[string]int64{}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && entry.IsDir() {
			made[entry.Name()] = info.ModTime().UnixNano()
			names = append(names, entry.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return int(made[b]/1e6 - made[a]/1e6) })
	for _, name := range names[min(kept, len(names)):] {
		if err := os.RemoveAll(filepath.Join(b.Bundles, name)); err != nil {
			return err
		}
	}
	return nil
}
