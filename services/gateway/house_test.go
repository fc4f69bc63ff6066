package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/gate"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// seen is a request as Dashboards got it.
type seen struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// recorder stands in for Dashboards: it notes what it is asked, and answers with the space that it was asked for.
type recorder struct {
	*httptest.Server

	mu     sync.Mutex
	asked  []seen                                            // guarded by mu
	answer func(w http.ResponseWriter, r *http.Request) bool // guarded by mu; false: as usual
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	b := &recorder{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.asked = append(b.asked, seen{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body)})
	answer := b.answer
	b.mu.Unlock()
	w.Header().Set("Set-Cookie", "security_authentication=theirs; Path=/")
	w.Header().Set("Www-Authenticate", "Basic")
	w.Header().Set("X-Powered-By", "theirs")
	w.Header().Set("Osd-Name", "dashboards")
	if answer != nil && answer(w, r) {
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"space": r.Header.Get("securitytenant"), "role": r.Header.Get("x-proxy-roles")})
}

func (b *recorder) will(answer func(w http.ResponseWriter, r *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

// take returns what was asked since it was last called.
func (b *recorder) take() []seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

// noGate lets nobody in and renews nobody: the sessions of these tests are made by their jar.
type noGate struct{ t *testing.T }

// outlives fails for a context that gin uses again after the answer: HTTP clients look at theirs once more when a connection is free.
func outlives(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, isGins := ctx.(*gin.Context); isGins {
		t.Error("a context of gin's was handed on")
	}
}

func (g noGate) Begin(ctx context.Context, _ roster.Tenant, _ string) (string, session.SignIn, error) {
	outlives(ctx, g.t)
	return "https://pool.test/authorize", session.SignIn{State: "s"}, nil
}

func (g noGate) End(ctx context.Context, _ roster.Tenant, _ session.SignIn, _, _ string) (session.Session, error) {
	outlives(ctx, g.t)
	return session.Session{}, gate.ErrRefused
}

func (g noGate) Renew(ctx context.Context, _ roster.Tenant, _ session.Session) (session.Session, error) {
	outlives(ctx, g.t)
	return session.Session{}, gate.ErrRefused
}

func (g noGate) SignOut(ctx context.Context, _ roster.Tenant, _ session.Session) error {
	outlives(ctx, g.t)
	return nil
}

func (g noGate) Leave(ctx context.Context, _ roster.Tenant) (string, error) {
	outlives(ctx, g.t)
	return "https://pool.test/logout", nil
}

// house is a gateway before a recording Dashboards, with people who are signed in.
type house struct {
	*world
	dashboards *recorder
	handler    http.Handler
	jar        *session.Jar
	front      web.Config
	logs       *bytes.Buffer // guarded by the handler's own lock
}

var acme, globex = roster.Tenant{Slug: "acme", DisplayName: "Acme", State: "active", Region: "eu-central-1"}, roster.Tenant{Slug: "globex", DisplayName: "Globex", State: "active", Region: "eu-central-1"}

type option func(*web.Config, *dashboards.Config)

func newHouse(t *testing.T, options ...option) *house {
	t.Helper()
	h := &house{world: &world{own: acme, other: globex, clock: &clock{}}, dashboards: newRecorder(t), logs: &bytes.Buffer{}}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	var err error
	if h.jar, err = session.NewJar([][]byte{key}, true, h.clock.now); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(h.dashboards.URL)
	if err != nil {
		t.Fatal(err)
	}
	log := service.NewLogger(h.logs, "gateway", slog.LevelInfo)
	wire, err := dashboardsSettings{Patience: 10 * time.Second}.transport("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.CloseIdleConnections)
	behind := dashboards.Config{Authenticator: dashboards.Headers{URL: at}, Transport: wire, Patience: 10 * time.Second, CacheBytes: 1 << 20, Log: log}
	front := web.Config{
		Host: host, Secure: true, Directory: tenants{"acme": acme, "globex": globex}, Gate: noGate{t}, Jar: h.jar,
		Calls: func(ctx context.Context, _ roster.Tenant) (insights.Reader, error) {
			outlives(ctx, t)
			return nil, insights.ErrAway
		},
		Observe: func(string, string, int, time.Duration) {}, Log: log, Now: h.clock.now,
	}
	for _, o := range options {
		o(&front, &behind)
	}
	front.Dashboards = dashboards.New(behind)
	h.front = front
	built, err := web.New(front)
	if err != nil {
		t.Fatal(err)
	}
	h.handler, h.routes = built, built.Routes()
	h.server = httptest.NewServer(h.handler)
	t.Cleanup(h.server.Close)
	return h
}

// in returns the cookies of a person who is signed in.
func (h *house) in(t *testing.T, of roster.Tenant, isEditor bool) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := h.jar.Put(w, of.Slug, session.Session{Subject: "sub-" + of.Slug.String(), Email: "p@example.com", Editor: isEditor, Until: h.clock.now().Add(session.Lasts), Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()
}

// post sends a body.
func (h *house) post(t *testing.T, method, hostname, path, body string, cookies []*http.Cookie, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = hostname
	for _, c := range cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	for _, header := range append([]string{"Osd-Xsrf: true", "Content-Type: application/json"}, headers...) {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	return send(t, req)
}

const find = "/api/saved_objects/_find?type=dashboard&per_page=100"

// pinned is all that Dashboards may see of acme's manager, whatever they send.
func pinned(role string) http.Header {
	return http.Header{
		"Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}, "Securitytenant": {"acme"}, "X-Proxy-User": {"acme:sub-acme"},
		"X-Proxy-Roles": {role}, "X-Forwarded-For": {"127.0.0.1"},
	}
}
