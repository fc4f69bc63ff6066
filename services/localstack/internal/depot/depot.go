// Package depot brings the third-party files that the launcher runs from a Maven repository, each pinned by its SHA-256.
package depot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// ErrHash is returned when a repository serves another content than the pinned one.
var ErrHash = errors.New("the content is not the pinned one")

// A Depot is a download cache. Several checkouts and processes may share one.
type Depot struct {
	repository Repository
	dir        string
	report     func(line string)
}

// A Repository returns the base URL of a Maven repository. It is asked when something has to be fetched only.
type Repository func(context.Context) (string, error)

// At is the repository at a known base URL.
func At(baseURL string) Repository {
	return func(context.Context) (string, error) { return baseURL, nil }
}

// New returns the depot that asks repository and keeps its files in dir. report is given a line for each download.
func New(repository Repository, dir string, report func(line string)) *Depot {
	return &Depot{repository: repository, dir: dir, report: report}
}

// CacheDir is the user's own cache when it can be written, so that checkouts share downloads, else fallback.
func CacheDir(fallback string) string {
	if user, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(user, "earshot")
		if os.MkdirAll(dir, 0o755) == nil && isWritable(dir) {
			return dir
		}
	}
	return fallback
}

func isWritable(dir string) bool {
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return false
	}
	_ = probe.Close() // nothing was written
	return os.Remove(probe.Name()) == nil
}

// Get returns the path of the pinned file, whose content has been verified in this call. It downloads what is missing and
// replaces what is damaged.
func (d *Depot) Get(ctx context.Context, pin Pin) (string, error) {
	kept := filepath.Join(d.dir, pin.SHA256[:16]+"-"+path.Base(pin.Path))
	if sum, err := hashFile(kept); err == nil && sum == pin.SHA256 {
		return kept, nil
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return "", err
	}
	if err := d.download(ctx, pin, kept); err != nil {
		return "", fmt.Errorf("fetch %s: %w", path.Base(pin.Path), err)
	}
	return kept, nil
}

func (d *Depot) download(ctx context.Context, pin Pin, kept string) error {
	baseURL, err := d.repository(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(baseURL, "/")+"/"+pin.Path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read only
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the repository answered %s", response.Status)
	}
	partial, err := os.CreateTemp(d.dir, ".partial-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(partial.Name()) }() // renamed when all went well
	bytes, err := d.copyVerified(partial, response, pin)
	if err != nil {
		_ = partial.Close() // thrown away
		return err
	}
	if err := partial.Close(); err != nil {
		return err
	}
	if err := os.Chmod(partial.Name(), 0o644); err != nil {
		return err
	}
	d.report(fmt.Sprintf("fetched %s (%d MB) in %.1f s", path.Base(pin.Path), bytes>>20, time.Since(began).Seconds()))
	return os.Rename(partial.Name(), kept)
}

func (d *Depot) copyVerified(to io.Writer, response *http.Response, pin Pin) (int64, error) {
	hash := sha256.New()
	slow := &progress{every: 5 * time.Second, total: response.ContentLength, report: func(percent int64) {
		d.report(fmt.Sprintf("fetching %s: %d %%", path.Base(pin.Path), percent))
	}, last: time.Now()}
	bytes, err := io.Copy(io.MultiWriter(to, hash, slow), response.Body)
	if err != nil {
		return bytes, err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != pin.SHA256 {
		return bytes, fmt.Errorf("%w: SHA-256 %s instead of %s", ErrHash, sum, pin.SHA256)
	}
	return bytes, nil
}

// progress reports at most once in a while, so that quick downloads stay silent.
type progress struct {
	every  time.Duration
	total  int64
	done   int64
	last   time.Time
	report func(percent int64)
}

func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if now := time.Now(); p.total > 0 && now.Sub(p.last) >= p.every {
		p.last = now
		p.report(100 * p.done / p.total)
	}
	return len(b), nil
}

func hashFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // read only
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
