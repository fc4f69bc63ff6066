package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary builds the service once for all tests that run it as a process.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "earshot-admin-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "admin")
	return file, exec.Command("go", "build", "-o", file, ".").Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// A silentAWS takes every request and answers none before it is told to go on; then each with an error that will pass.
type silentAWS struct {
	url   string
	asked chan struct{} // one for each of the first requests
	goOn  func()
}

func newSilentAWS(t *testing.T) silentAWS {
	t.Helper()
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default: // nobody counts them
		}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	goOn := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(goOn)
	return silentAWS{server.URL, asked, goOn}
}

// process starts the worker as a process of its own, whose AWS is at an address. Further settings are given as "NAME=value".
func (w world) process(t *testing.T, awsURL string, settings ...string) *exec.Cmd {
	t.Helper()
	file, err := binary()
	require.NoError(t, err)
	worker := exec.Command(file, "work")
	worker.Env = append([]string{
		"EARSHOT_DATABASE_URL=" + w.appURL, "EARSHOT_METRICS_LISTEN=127.0.0.1:0", "EARSHOT_FETCH=20ms", "EARSHOT_POLL=20ms", "EARSHOT_LEASE=10m",
		"AWS_ENDPOINT_URL=" + awsURL, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-central-1", "AWS_MAX_ATTEMPTS=1",
	}, settings...)
	worker.Stdout, worker.Stderr = t.Output(), t.Output()
	require.NoError(t, worker.Start())
	t.Cleanup(func() { _ = worker.Process.Kill() }) // it has ended, unless the test has failed
	return worker
}

// ask asks Postgres, as its superuser, for one column of text.
func (w world) ask(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.superuserURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	rows, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return found
}

// TestAWorkerThatEndsGivesBackWhatItHas asks a worker to end in the middle of a step: one that ends in time, and one that does not. The
// process ends well, which it does not past its grace; what it had in hand is nobody's and due, ten minutes before its lease would have
// ended; and another worker finishes it, with each thing done once.
func TestAWorkerThatEndsGivesBackWhatItHas(t *testing.T) {
	t.Parallel()
	for name, endsInTime := range map[string]bool{"a step that ends in time": true, "a step that is cut off": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, cloud := setupAPI(t, nil, nil), newSilentAWS(t)
			worker := w.process(t, cloud.url)
			id := w.start(t, http.MethodPost, "/v1/tenants", onboarding("acme")).Operation.ID
			<-cloud.asked
			require.NotEmpty(t, w.ask(t, `select holder from operations where holder <> '' and lease_until > now()`), "nobody has the operation")

			require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
			if endsInTime {
				cloud.goOn()
			}
			require.NoError(t, worker.Wait())

			assert.Equal(t, []string{"running  free"}, w.ask(t, `select state || ' ' || holder || ' ' || case when lease_until > now() then 'held' else 'free' end from operations`))
			const due = `select state::text || case when scheduled_at <= now() + interval '1 second' then ' now' else ' later' end from river.river_job where kind = 'advance_operation'`
			assert.Equal(t, []string{"available now"}, w.ask(t, due))

			w.work(t)
			assert.Equal(t, "succeeded", w.end(t, id))
			assert.Equal(t, 1, w.cloud.Created)
			assert.Equal(t, 1, w.cloud.Sent)
			assert.Empty(t, w.ask(t, `select message from operation_events group by step, resource, status, message having count(*) > 1`), "told twice")
		})
	}
}
