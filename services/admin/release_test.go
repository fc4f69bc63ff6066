package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/migrations"
)

// releaseBefore builds the service as it was before the newest migration, from the history of this checkout, and returns it.
func releaseBefore(t *testing.T) string {
	t.Helper()
	git := func(arguments ...string) string {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Skipf("there is no history to build the release before from: git %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	files, err := fs.Glob(migrations.Files, "*.sql")
	require.NoError(t, err)
	newest := "migrations/" + slices.Max(files)
	if git("rev-parse", "--is-shallow-repository") == "true" {
		t.Skip("the history is shallow, and the release before is not in it: clone all of it")
	}
	began := git("log", "--diff-filter=A", "--format=%H", "--", newest)
	before := "HEAD" // the migration is not committed yet
	if began != "" {
		before = strings.Fields(began)[0] + "^"
	}
	dir := t.TempDir()
	packed := filepath.Join(dir, "before.tar")
	git("archive", "--format=tar", "-o", packed, before)
	source := filepath.Join(dir, "source")
	require.NoError(t, os.Mkdir(source, 0o700))
	require.NoError(t, exec.Command("tar", "-xf", packed, "-C", source).Run())
	if _, err := os.Stat(filepath.Join(source, newest)); err == nil {
		t.Fatalf("%s is in the release before already", newest)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "before"), "./services/admin")
	build.Dir = source
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return filepath.Join(dir, "before")
}

// tail keeps what a process says.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// troubles are the lines that tell of an error of the database.
func (l *tail) troubles() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, "SQLSTATE") {
			lines = append(lines, line)
		}
	}
	return lines
}

// A release is API and worker of one version, as processes.
type release struct {
	name, url string
	said      *tail
}

func startRelease(t *testing.T, name, file string, environment []string) release {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	r := release{name, "http://" + address, &tail{}}
	for _, command := range []string{"serve", "work"} {
		c := exec.Command(file, command)
		c.Env, c.Stdout, c.Stderr = append(slices.Clone(environment), "EARSHOT_LISTEN="+address), r.said, r.said
		require.NoError(t, c.Start())
		t.Cleanup(func() {
			_ = c.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
			if err := c.Wait(); err != nil {
				t.Errorf("%s of the release %s: %v", command, name, err)
			}
		})
	}
	await(t, name+" is ready", func() bool {
		response, err := http.Get(r.url + "/readyz")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return r
}

// visit does what admins do, and returns what did not go well.
func (r release) visit(ctx context.Context, token string, n int) (complaints []string) {
	name := fmt.Sprintf("%s%d", r.name, n)
	draft := strings.Replace(onboarding(slug.Slug(name)), "11111111-2222", fmt.Sprintf("%08x-2222", 0x10000*int(r.name[0])+n), 1)
	for _, one := range []struct{ method, path, body string }{
		{"POST", "/v1/tenants", draft}, {"GET", "/v1/tenants", ""}, {"GET", "/v1/tenants/" + name, ""},
		{"PATCH", "/v1/tenants/" + name, `{"display_name":"Another"}`}, {"GET", "/v1/operations?tenant=" + name, ""}, {"GET", "/v1/cells", ""},
		{"GET", "/v1/audit-events", ""}, {"POST", "/v1/api-keys", `{"name":"` + name + `","role":"auditor","expires_in_days":1}`}, {"GET", "/v1/api-keys", ""},
		{"POST", "/v1/upgrades", `{"artifact_version":"v2","tenants":["` + name + `"]}`}, {"GET", "/v1/upgrades", ""}, {"GET", "/v1/whoami", ""},
		{"DELETE", "/v1/tenants/" + name + "?confirm=" + name + "&data=delete", ""},
	} {
		request, err := http.NewRequestWithContext(ctx, one.method, r.url+one.path, strings.NewReader(one.body))
		if err != nil {
			return append(complaints, err.Error())
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("If-Match", "*")
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return append(complaints, err.Error())
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if status := response.StatusCode; status >= http.StatusInternalServerError || one.path == "/v1/tenants" && status != http.StatusOK && status != http.StatusAccepted {
			complaints = append(complaints, fmt.Sprintf("%s: %s %s answered %d %s", r.name, one.method, one.path, status, text))
		}
	}
	return complaints
}

// TestTheReleaseBeforeServesOnTheNewSchema migrates under the release before while that serves and works, and has both serve for a
// while. Nobody notices. Then a column that the old one reads is renamed, to see that this would have been noticed.
func TestTheReleaseBeforeServesOnTheNewSchema(t *testing.T) {
	t.Parallel()
	old := releaseBefore(t)
	now, err := binary()
	require.NoError(t, err)
	superuser := testenv.Postgres(t)
	app, err := url.Parse(superuser)
	require.NoError(t, err)
	app.User = url.UserPassword("earshot_app", "password of tests")
	issuer, token := newIssuer(t)
	cloud := newSilentAWS(t)
	cloud.goOn() // whatever is asked of it fails, and steps run again
	cells := filepath.Join(t.TempDir(), "cells.json")
	require.NoError(t, os.WriteFile(cells, []byte(`[{"name":"local","region":"eu-central-1","stack_name":"a-cell","max_tenants":10000}]`), 0o600))
	environment := []string{
		"EARSHOT_DATABASE_URL=" + app.String(), "EARSHOT_METRICS_LISTEN=127.0.0.1:0", "EARSHOT_FETCH=20ms", "EARSHOT_POLL=50ms",
		"EARSHOT_OIDC_ISSUER=" + issuer, "EARSHOT_OIDC_CLIENT_ID=client", "EARSHOT_HEALTH_FIGURES=logs", "EARSHOT_RATE=0",
		"AWS_ENDPOINT_URL=" + cloud.url, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-central-1", "AWS_MAX_ATTEMPTS=1",
	}
	migrate := func(file string) {
		t.Helper()
		c := exec.Command(file, "migrate")
		c.Env = append(slices.Clone(environment), "EARSHOT_MIGRATE_DATABASE_URL="+superuser, "EARSHOT_CELLS_FILE="+cells)
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	migrate(old)
	before := startRelease(t, "before", old, environment)

	ctx, stop := context.WithCancel(t.Context())
	var during []string
	var visits, first sync.WaitGroup
	first.Add(1)
	visits.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			during = append(during, before.visit(t.Context(), token, n)...)
			if n == 0 {
				first.Done()
			}
		}
	})
	first.Wait()
	migrate(now)
	after := startRelease(t, "now", now, environment)
	for n := range 10 {
		assert.Empty(t, after.visit(t.Context(), token, n))
	}
	stop()
	visits.Wait()
	assert.Empty(t, during)
	assert.Empty(t, before.said.troubles())
	assert.Empty(t, after.said.troubles())

	conn, err := pgx.Connect(t.Context(), superuser)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "alter table tenants rename column display_name to title")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	assert.NotEmpty(t, before.visit(t.Context(), token, 1_000_000), "a migration that breaks the release before goes unnoticed")
}
