// Package e2e_test walks through the product as its users do, against the processes that `make up` starts.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

// endpoints is what the launcher writes when all is healthy.
type endpoints struct {
	AdminAPI    string `json:"admin_api"`
	AWSEndpoint string `json:"aws_endpoint"`
	OpenSearch  struct {
		URL      string `json:"url"`
		Username string `json:"username"`
		Password string `json:"password"`
		CAFile   string `json:"ca_file"`
	} `json:"opensearch"`
	Processes map[string]int `json:"processes"`
}

// A world is a running Earshot of the test's own.
type world struct {
	endpoints
	dir   string
	token string
}

var shared *world

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if strings.Contains(strings.Join(os.Args, " "), "-test.short=true") {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "earshot-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	w, stop, err := start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	shared = w
	return m.Run()
}

// start launches Earshot as `make up` does, with a state folder of its own, and returns when it says that all is healthy.
func start(dir string) (*world, func(), error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, nil, err
	}
	launcher := filepath.Join(dir, "localstack")
	build := exec.Command("go", "build", "-o", launcher, "./services/localstack")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("build the launcher: %w\n%s", err, out)
	}
	state := filepath.Join(dir, "state")
	up := exec.Command(launcher, "up")
	up.Dir = root
	up.Env = append(os.Environ(), "EARSHOT_LOCAL="+state)
	up.Stdout, up.Stderr = os.Stdout, os.Stderr
	if err := up.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	stop := func() {
		_ = up.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	w := &world{dir: state}
	if err := w.await(ended); err != nil {
		stop()
		return nil, nil, err
	}
	token := exec.Command(launcher, "token")
	token.Dir, token.Env = root, up.Env
	out, err := token.Output()
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("token: %w", err)
	}
	w.token = strings.TrimSpace(string(out))
	return w, stop, nil
}

// await waits for the launcher's file of endpoints.
func (w *world) await(ended chan error) error {
	const patience = 8 * time.Minute
	deadline := time.After(patience)
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("the launcher ended: %w", err)
		case <-deadline:
			return fmt.Errorf("not healthy within %s", patience)
		case <-look.C:
			raw, err := os.ReadFile(filepath.Join(w.dir, "endpoints.json"))
			if err == nil {
				return json.Unmarshal(raw, &w.endpoints)
			}
		}
	}
}

func setup(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole product: run make test")
	}
	return shared
}

// call sends a request to the admin API and decodes the answer.
func (w *world) call(t *testing.T, method, path string, body any, headers ...string) (int, map[string]any) {
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
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s %s answered %d, not JSON: %s", method, path, res.StatusCode, raw)
	}
	return res.StatusCode, answer
}

// browser reaches names under localhost as browsers do: on this machine (RFC 6761 §6.3), whatever the resolver says.
var browser = &http.Client{Transport: &http.Transport{
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

// eventually asks until the answer is yes.
func eventually(t *testing.T, within time.Duration, what string, ask func(context.Context) (bool, string)) {
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
