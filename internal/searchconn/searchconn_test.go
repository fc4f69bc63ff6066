package searchconn_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/opensearch-project/opensearch-go/v2"

	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/sendonce"
)

// world is a search and a secrets manager that say what a test needs.
type world struct {
	search  *httptest.Server
	account aws.Config

	mu       sync.Mutex
	password string   // guarded by mu: what search takes
	secret   string   // guarded by mu: what the secret says
	reads    int      // guarded by mu: of the secret
	auths    []string // guarded by mu: headers that search saw
	bodies   []string // guarded by mu: unpacked
	hangUp   bool     // guarded by mu: search closes the connection instead of answering
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{password: "first", secret: "first"}
	secrets := httptest.NewServer(http.HandlerFunc(w.serveSecret))
	t.Cleanup(secrets.Close)
	w.search = httptest.NewServer(http.HandlerFunc(w.serveSearch))
	t.Cleanup(w.search.Close)
	w.account = aws.Config{
		Region: "eu-central-1", BaseEndpoint: &secrets.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	}
	sendonce.Apply(&w.account)
	return w
}

func (w *world) serveSecret(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	inner, _ := json.Marshal(searchconn.Credentials{Username: "writer", Password: w.secret})
	_ = json.NewEncoder(rw).Encode(map[string]string{"SecretString": string(inner)})
}

func (w *world) serveSearch(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.auths = append(w.auths, r.Header.Get("Authorization"))
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		if zip, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(zip)
		}
		w.bodies = append(w.bodies, string(body))
	}
	if w.hangUp {
		panic(http.ErrAbortHandler)
	}
	_, password, isBasic := r.BasicAuth()
	if isBasic && password != w.password {
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

// seen is what happened so far.
type seen struct {
	reads         int
	auths, bodies []string
}

func (w *world) seen() seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return seen{w.reads, slices.Clone(w.auths), slices.Clone(w.bodies)}
}

func (w *world) settings(auth searchconn.Auth) searchconn.Settings {
	return searchconn.Settings{Endpoint: w.search.URL, Auth: auth, SecretARN: "arn:aws:secretsmanager:eu-central-1:0:secret:x"}
}

func post(t *testing.T, client *opensearch.Client) (int, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/_bulk", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Perform(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestBasicReadsTheSecretOnceAndAgainWhenItIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	client, err := searchconn.Open(w.settings(searchconn.Basic), w.account)
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name             string
		password, secret string
		wantStatus       int
		wantReads        int // in all
		wantRequests     int // in all
	}{
		{"first use", "first", "first", 200, 1, 1},
		{"known by then", "first", "first", 200, 1, 2},
		{"changed since", "second", "second", 200, 2, 4},
		{"refused for good: tried once more only when the secret changed", "third", "second", 401, 3, 5},
	}
	for _, step := range steps {
		w.mu.Lock()
		w.password, w.secret = step.password, step.secret
		w.mu.Unlock()
		status, err := post(t, client)
		if err != nil || status != step.wantStatus {
			t.Fatalf("%s: status %d, %v", step.name, status, err)
		}
		if got := w.seen(); got.reads != step.wantReads || len(got.auths) != step.wantRequests {
			t.Errorf("%s: %d reads, %d requests", step.name, got.reads, len(got.auths))
		}
	}
	got := w.seen()
	for _, body := range got.bodies {
		if body != "hello" {
			t.Errorf("a body arrived as %q", body)
		}
	}
	if len(got.bodies) != len(got.auths) {
		t.Error("a request was not compressed")
	}
}

func TestSigV4SignsEachRequest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	client, err := searchconn.Open(w.settings(searchconn.SigV4), w.account)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := post(t, client); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	got := w.seen()
	if !strings.Contains(got.auths[0], "/eu-central-1/es/aws4_request") {
		t.Errorf("signed with %q", got.auths[0])
	}
	if got.reads != 0 || got.bodies[0] != "hello" {
		t.Errorf("%d secrets read, body %q", got.reads, got.bodies[0])
	}
}

func TestAClosedConnectionIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, auth := range []searchconn.Auth{searchconn.Basic, searchconn.SigV4} {
		w := setup(t)
		w.hangUp = true
		client, err := searchconn.Open(w.settings(auth), w.account)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := post(t, client); err == nil || len(w.seen().auths) != 1 {
			t.Errorf("%s: %d requests, %v", auth, len(w.seen().auths), err)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings searchconn.Settings
		want     string
	}{
		{"plain http", searchconn.Settings{Endpoint: "http://search.example.com", Auth: "sigv4"}, "https"},
		{"a password in the address", searchconn.Settings{Endpoint: "https://a:b@search.example.com", Auth: "sigv4"}, "https://host:port"},
		{"basic without a secret", searchconn.Settings{Endpoint: "https://search.example.com", Auth: "basic"}, "secret"},
		{"no auth", searchconn.Settings{Endpoint: "https://search.example.com"}, "basic or sigv4"},
		{"no certificate", searchconn.Settings{Endpoint: "https://search.example.com", Auth: "sigv4", CAPem: "x"}, "certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := searchconn.Open(test.settings, aws.Config{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "a:b@") {
				t.Error("the error shows a password")
			}
		})
	}
}

func TestASecretThatIsNoneIsNotQuoted(t *testing.T) {
	t.Parallel()
	secrets := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"SecretString": "hunter2"}`)
	}))
	t.Cleanup(secrets.Close)
	w := setup(t)
	w.account.BaseEndpoint = &secrets.URL
	client, err := searchconn.Open(w.settings(searchconn.Basic), w.account)
	if err != nil {
		t.Fatal(err)
	}
	_, err = post(t, client)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if len(w.seen().auths) != 0 {
		t.Error("search was asked without a password")
	}
}

func TestContextEndsARequest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	client, err := searchconn.Open(w.settings(searchconn.Basic), w.account)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := client.Perform(request); err == nil {
		_ = answer.Body.Close()
		t.Error("a request without time was sent")
	}
}
