// Package world starts the whole product for end-to-end tests, with the launcher that `make up` uses, and does in it what
// users do. Imported by tests only.
package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Person is who can sign in, and how.
type Person struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Endpoints is what the launcher writes when all is healthy.
type Endpoints struct {
	AdminAPI      string `json:"admin_api"`
	AdminIssuer   string `json:"admin_issuer"`
	AdminClientID string `json:"admin_client_id"`
	AdminUser     Person `json:"admin_user"`
	DemoManager   Person `json:"demo_manager"` // of acme
	AWSEndpoint   string `json:"aws_endpoint"`
	Simulator     string `json:"simulator"`
	Postgres      string `json:"postgres"`
	OpenSearch    Node   `json:"opensearch"`
	// Dedicated is nil in a world that was not asked for it.
	Dedicated *Node          `json:"dedicated_opensearch"`
	Processes map[string]int `json:"processes"`
}

// A Node is a search node and its administrator.
type Node struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
	CAFile   string `json:"ca_file"`
}

// A World is a running Earshot of the test's own.
type World struct {
	Endpoints
	State string // the folder that it keeps all in

	launcher string
	settings []string // of the launcher, NAME=value
	root     string
	up       *exec.Cmd
	ended    chan error
	token    string
}

const patience = 8 * time.Minute // a machine that has compiled nothing yet

// Main starts a world for a package's tests, runs them and stops it; under -short it starts nothing. Settings are the
// launcher's, NAME=value.
func Main(m *testing.M, shared **World, settings ...string) int {
	flag.Parse()
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "earshot-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	w, err := New(dir, settings...)
	if err == nil {
		err = w.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer w.Stop()
	*shared = w
	return m.Run()
}

// New builds the launcher for a world in dir. Settings are the launcher's, NAME=value.
func New(dir string, settings ...string) (*World, error) {
	module := exec.Command("go", "list", "-m", "-f", "{{.Dir}}")
	out, err := module.Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	w := &World{
		State: filepath.Join(dir, "state"), launcher: filepath.Join(dir, "localstack"), settings: settings, root: strings.TrimSpace(string(out)),
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", w.launcher, "./services/localstack")
	build.Dir, build.Env = w.root, append(os.Environ(), "CGO_ENABLED=0") // as `make up` builds it
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the launcher: %w\n%s", err, out)
	}
	return w, nil
}

// Start launches Earshot and returns when it says that all is healthy. It may be called again after Stop or Kill.
func (w *World) Start() error {
	if err := os.Remove(w.endpointsFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.up = w.command("up")
	w.up.Stdout, w.up.Stderr = os.Stdout, os.Stderr
	if err := w.up.Start(); err != nil {
		return err
	}
	w.ended = make(chan error, 1)
	go func(up *exec.Cmd, ended chan error) { ended <- up.Wait() }(w.up, w.ended)
	if err := w.await(); err != nil {
		w.Stop()
		return err
	}
	return w.signIn()
}

// Stop ends the world as Ctrl-C does, and waits.
func (w *World) Stop() { w.end(syscall.SIGTERM) }

// Kill ends the launcher alone as kill -9 does; what it started is the next Start's to find.
func (w *World) Kill() { w.end(syscall.SIGKILL) }

func (w *World) end(signal os.Signal) {
	if err := w.up.Process.Signal(signal); err == nil {
		<-w.ended // its exit code says only how it was ended
	}
}

func (w *World) command(args ...string) *exec.Cmd {
	c := exec.Command(w.launcher, args...)
	c.Dir, c.Env = w.root, append(append(os.Environ(), w.settings...), "EARSHOT_LOCAL="+w.State)
	return c
}

func (w *World) endpointsFile() string { return filepath.Join(w.State, "endpoints.json") }

// await waits for the launcher's file of endpoints.
func (w *World) await() error {
	deadline := time.After(patience)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-w.ended:
			w.ended <- err
			return fmt.Errorf("the launcher ended: %w", err)
		case <-deadline:
			return fmt.Errorf("not healthy within %s", patience)
		case <-look.C:
			if w.Reload() == nil {
				return nil
			}
		}
	}
}

// Reload reads the endpoints again: the launcher rewrites them when it has started a part anew.
func (w *World) Reload() error {
	raw, err := os.ReadFile(w.endpointsFile())
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, &w.Endpoints)
}

func (w *World) signIn() error {
	out, err := w.command("token").Output()
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	w.token = strings.TrimSpace(string(out))
	return nil
}

// Token is the owner's bearer token.
func (w *World) Token() string { return w.token }

// Call sends a request to the admin API and decodes the answer.
func (w *World) Call(t *testing.T, method, path string, body any, headers ...string) (int, map[string]any) {
	t.Helper()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.AdminAPI+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if res.StatusCode == http.StatusNoContent {
		return res.StatusCode, answer
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s %s answered %d, not JSON: %s", method, path, res.StatusCode, raw)
	}
	return res.StatusCode, answer
}

// Browser reaches names under localhost as browsers do: on this machine (RFC 6761 §6.3), whatever the resolver says.
var Browser = &http.Client{Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(host, ".localhost") {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	},
}}

// Eventually asks until the answer is yes.
func Eventually(t *testing.T, within time.Duration, what string, ask func(context.Context) (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	var seen string
	for {
		var yes bool
		if yes, seen = ask(ctx); yes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s; last seen: %s", what, within, seen)
		case <-look.C:
		}
	}
}
