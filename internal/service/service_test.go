package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

// part notes what is done to it.
type part struct {
	name string
	log  *[]string
	err  error
}

func (p part) Start(context.Context) error {
	*p.log = append(*p.log, "start "+p.name)
	return p.err
}

func (p part) Stop(context.Context) error {
	*p.log = append(*p.log, "stop "+p.name)
	return nil
}

func TestGroup(t *testing.T) {
	t.Parallel()
	var log []string
	var g service.Group
	if err := g.Start(t.Context(), part{"a", &log, nil}, part{"b", &log, nil}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"start a", "start b", "stop b", "stop a"}; !slices.Equal(log, want) {
		t.Errorf("got %v, want %v", log, want)
	}
}

func TestGroupThatCannotStart(t *testing.T) {
	t.Parallel()
	var log []string
	var g service.Group
	broken := errors.New("broken")
	if err := g.Start(t.Context(), part{"a", &log, nil}, part{"b", &log, broken}, part{"c", &log, nil}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if want := []string{"start a", "start b", "stop a"}; !slices.Equal(log, want) {
		t.Errorf("got %v, want %v", log, want)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestServerEndsItsStreams(t *testing.T) {
	t.Parallel()
	closing, inside := make(chan struct{}), make(chan struct{})
	s := service.NewServer("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-closing
		_, _ = w.Write([]byte("the end"))
	}), silent, func() { close(closing) })
	if err := s.Stop(t.Context()); err != nil || s.Addr() != "" {
		t.Errorf("a server that never started: %v %q", err, s.Addr())
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := make(chan string)
	go func() {
		_, text := get(t, "http://"+s.Addr())
		body <- text
	}()
	<-inside
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-body; got != "the end" {
		t.Errorf("the request under way got %q", got)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var away error
	h := service.NewHealth(silent)
	h.Add("database", func(context.Context) error { return away })
	h.Add("search", func(context.Context) error { return nil })
	server := httptest.NewServer(service.NewMetrics().Handler(h))
	defer server.Close()
	if status, body := get(t, server.URL+"/readyz"); status != 200 || !strings.Contains(body, `"database":"ok"`) {
		t.Errorf("ready: %d %s", status, body)
	}
	away = &fault.Fault{Kind: fault.Unavailable, Code: "test.away", Detail: "It is away."}
	status, body := get(t, server.URL+"/readyz")
	var p problem.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != 503 || len(p.Errors) != 1 || p.Errors[0].Code != "test.away" {
		t.Errorf("not ready: %d %s", status, body)
	}
	if status, _ := get(t, server.URL+"/healthz"); status != 200 {
		t.Errorf("a process whose database is away runs: %d", status)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := service.NewMetrics()
	m.Observe("GET", "/v1/tenants/:slug", 404, time.Second)
	m.Observe("MADEUP", "none", 404, time.Second)
	server := httptest.NewServer(m.Handler(service.NewHealth(silent)))
	defer server.Close()
	_, body := get(t, server.URL+"/metrics")
	for _, want := range []string{`route="/v1/tenants/:slug",status="404"`, `method="other",route="none"`, "go_goroutines", "process_"} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// signalled ends the process by a signal once it runs.
type signalled struct{ closed bool }

func (s *signalled) Run(context.Context) error {
	return syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
}

func (s *signalled) Close(ctx context.Context) error {
	s.closed = ctx.Err() == nil
	return nil
}

func TestUntil(t *testing.T) {
	var out bytes.Buffer
	main := &signalled{}
	if err := service.Until(t.Context(), main, service.NewLogger(&out, "admin", slog.LevelInfo)); err != nil || !main.closed {
		t.Errorf("closed: %v, %v", main.closed, err)
	}
	if !strings.Contains(out.String(), `"service":"admin"`) {
		t.Errorf("logged %s", &out)
	}
}
