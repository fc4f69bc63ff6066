package depot_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
)

// serve is a repository of one file, which counts how often it was asked.
func serve(t *testing.T, content string) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/org/example/file.zip" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(content))
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func pinOf(content string) depot.Pin {
	sum := sha256.Sum256([]byte(content))
	return depot.Pin{Path: "org/example/file.zip", SHA256: hex.EncodeToString(sum[:])}
}

func TestGetDownloadsOnce(t *testing.T) {
	t.Parallel()
	url, asked := serve(t, "content")
	cache := t.TempDir()
	for range 2 {
		name, err := depot.New(depot.At(url+"/"), cache, quiet).Get(t.Context(), pinOf("content"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != "content" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestGetRefusesAnotherContent(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, "tampered with")
	cache := t.TempDir()
	if _, err := depot.New(depot.At(url), cache, quiet).Get(t.Context(), pinOf("content")); !errors.Is(err, depot.ErrHash) {
		t.Fatalf("got %v, want ErrHash", err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) != 0 {
		t.Errorf("the cache keeps %v, %v", left, err)
	}
}

func TestGetReplacesADamagedFile(t *testing.T) {
	t.Parallel()
	url, asked := serve(t, "content")
	cache := t.TempDir()
	d := depot.New(depot.At(url), cache, quiet)
	name, err := d.Get(t.Context(), pinOf("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("cont"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), pinOf("content")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "content" || asked.Load() != 2 {
		t.Errorf("got %q after %d requests", got, asked.Load())
	}
}

func TestGetTellsWhatTheRepositoryLacks(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, "content")
	pin := pinOf("content")
	pin.Path = "org/example/other.zip"
	if _, err := depot.New(depot.At(url), t.TempDir(), quiet).Get(t.Context(), pin); err == nil {
		t.Error("a file that is not there was fetched")
	}
}

func TestUnzip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, entry string
		mode        os.FileMode
		want        string // below the folder; empty: refused
		wantMode    os.FileMode
	}{
		{"strips the archive's own folder", "product-1.0/bin/run", 0o755, "bin/run", 0o755},
		{"opens a private file for the servers' user", "product-1.0/lib/a.jar", 0o600, "lib/a.jar", 0o644},
		{"refuses to leave the folder", "product-1.0/../../evil", 0o644, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			err := depot.Unzip(zipOf(t, dir, test.entry, test.mode), filepath.Join(dir, "out"), 1)
			if test.want == "" {
				if err == nil {
					t.Error("it was unpacked")
				}
				return
			}
			info, statErr := os.Stat(filepath.Join(dir, "out", test.want))
			if err != nil || statErr != nil || info.Mode().Perm() != test.wantMode {
				t.Errorf("got %v, %v, %v", info, err, statErr)
			}
		})
	}
}

func zipOf(t *testing.T, dir, entry string, mode os.FileMode) string {
	t.Helper()
	var content bytes.Buffer
	archive := zip.NewWriter(&content)
	header := &zip.FileHeader{Name: entry}
	header.SetMode(mode)
	if _, err := archive.CreateHeader(header); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "archive.zip")
	if err := os.WriteFile(name, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func quiet(string) {}
