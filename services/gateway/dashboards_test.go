package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/throttle"
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
	log := slog.New(slog.NewJSONHandler(h.logs, nil))
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

// TestAttackHeadersThatSayWhoSomebodyIs: each row is what a manager of acme sends; Dashboards sees the same as without it.
func TestAttackHeadersThatSayWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	for name, headers := range map[string][]string{
		"nothing":                     nil,
		"another user":                {"x-proxy-user: kibanaserver"},
		"a tenant's name as the user": {"x-proxy-user: globex"},
		"administrators":              {"x-proxy-roles: admin"},
		"roles of two tenants":        {"x-proxy-roles: earshot-acme-editor,earshot-globex-editor"},
		"an address":                  {"x-forwarded-for: 127.0.0.2"},
		"an address, newer":           {"forwarded: for=127.0.0.2;host=globex.gateway.test"},
		"another address":             {"x-real-ip: 127.0.0.2"},
		"a password":                  {"authorization: Basic a2liYW5hc2VydmVyOng="},
		"a token":                     {"authorization: Bearer x", "jwtToken: x"},
		"another space":               {"securitytenant: globex"},
		"another space, capitals":     {"SecurityTenant: globex"},
		"another space, underscore":   {"security_tenant: globex"},
		"its other name":              {"securityTenant_: globex"},
		"one's own space":             {"securitytenant: acme:sub-acme"},
		"a private space":             {"securitytenant: __user__"},
		"underscores for hyphens":     {"x_proxy_user: kibanaserver", "x_proxy_roles: admin"},
		"Dashboards' cookies":         {"cookie: .tenant=globex; security_authentication=x"},
		"another user's name":         {"x-opensearch-security-user: admin", "x-remote-user: admin", "x-authenticated-user: admin"},
		"another host":                {"x-forwarded-host: globex.gateway.test", "x-original-url: /api/console", "x-rewrite-url: /api/console"},
		"a method":                    {"x-http-method-override: DELETE"},
		"its own connection's":        {"connection: securitytenant, x-proxy-user", "te: trailers", "keep-alive: x"},
		"a signature of AWS":          {"x-amz-security-token: x", "x-amz-date: 20261129T000000Z", "x-amz-content-sha256: x"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+find, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = at(acme)
		for _, header := range headers {
			field, value, _ := strings.Cut(header, ": ")
			req.Header[field] = append(req.Header[field], value)
		}
		for _, c := range who {
			req.AddCookie(c)
		}
		got := send(t, req)
		asked := h.dashboards.take()
		if got.status != http.StatusOK || !strings.Contains(got.body, `"space":"acme"`) || len(asked) != 1 {
			t.Errorf("%s: %d %s, asked %d times", name, got.status, got.body, len(asked))
			continue
		}
		if want := pinned("earshot-acme-editor"); !maps.EqualFunc(asked[0].Header, want, slices.Equal) {
			t.Errorf("%s: Dashboards sees %v, want %v", name, asked[0].Header, want)
		}
		if asked[0].Target != find {
			t.Errorf("%s: Dashboards is asked for %s", name, asked[0].Target)
		}
	}
}

// TestAttackQueryThatNamesASpace: what the browser asks for, and what is left of it.
func TestAttackQueryThatNamesASpace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	for query, want := range map[string]string{
		"a=1&securityTenant_=globex&b=2":       "a=1&b=2",
		"securitytenant=globex":                "",
		"security_tenant=globex":               "",
		"a=1&security_tenant":                  "a=1",
		"SECURITYTENANT=globex&a=1":            "a=1",
		"security%54enant_=globex&a=1":         "a=1",
		"%73ecuritytenant=globex":              "",
		"security%5Ftenant=globex":             "",
		"security_tenant[]=globex&a=1":         "a=1",
		"security-tenant=globex&a=1":           "a=1",
		"security_tenant%00=globex&a=1":        "a=1",
		"securitytenant=acme&securitytenant=x": "",
		"a=1;securitytenant=globex":            "",
		"a=%zz&securitytenant=globex&b=1":      "b=1",
		"a=1&&b=2":                             "a=1&b=2",
		"a=x%26securitytenant%3Dglobex":        "a=x%26securitytenant%3Dglobex",
		"fields=title&fields=type":             "fields=title&fields=type",
	} {
		got := h.ask(t, http.MethodGet, at(acme), "/api/saved_objects/_find?"+query, who)
		asked := h.dashboards.take()
		if got.status != http.StatusOK || len(asked) != 1 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
			continue
		}
		if _, left, _ := strings.Cut(asked[0].Target, "?"); left != want || asked[0].Header.Get("securitytenant") != "acme" {
			t.Errorf("%s: Dashboards is asked %q of space %s, want %q", query, left, asked[0].Header.Get("securitytenant"), want)
		}
	}
}

// TestAttackRoutesOfDashboards: nothing of these reaches Dashboards, for a manager and for a viewer.
func TestAttackRoutesOfDashboards(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	for name, row := range map[string]struct {
		method, path string
		status       int
	}{
		"a switch of the space":             {"POST", "/api/v1/multitenancy/tenant", 403},
		"the same with a slash":             {"POST", "/api/v1/multitenancy/tenant/", 403},
		"the same in capitals":              {"POST", "/api/v1/Multitenancy/Tenant", 403},
		"the same by another method":        {"PUT", "/api/v1/multitenancy/tenant", 403},
		"the same, letters encoded":         {"POST", "/api/v1/multi%74enancy/tenant", 403},
		"the console":                       {"POST", "/api/console/proxy?path=_search&method=GET", 403},
		"the console's, letters encoded":    {"POST", "/api/%63onsole/proxy", 403},
		"roles":                             {"GET", "/api/v1/configuration/roles", 403},
		"a password":                        {"POST", "/api/v1/configuration/account", 403},
		"a user":                            {"POST", "/api/v1/configuration/internalusers/me", 403},
		"spaces of others":                  {"POST", "/api/v1/multitenancy/migrate/.kibana?force=true", 403},
		"the migration of all":              {"POST", "/api/saved_objects/_migrate", 403},
		"sample data":                       {"POST", "/api/sample_data/flights", 403},
		"a setting of all":                  {"POST", "/api/telemetry/v2/optIn", 403},
		"the process":                       {"GET", "/api/status", 403},
		"its figures":                       {"GET", "/api/stats?extended=true", 403},
		"another search":                    {"POST", "/internal/data-source-management/validate", 403},
		"search's own routes":               {"GET", "/_plugins/_security/api/roles", 403},
		"another way's sign-out":            {"POST", "/auth/proxy/logout", 404},
		"its own sign-in":                   {"GET", "/auth/proxy/login", 404},
		"a step up":                         {"GET", "/app/../api/console/proxy", 400},
		"an encoded step up":                {"GET", "/app/%2e%2e/api/console/proxy", 400},
		"half encoded":                      {"GET", "/app/.%2e/api/console/proxy", 400},
		"an encoded slash":                  {"POST", "/api%2fconsole/proxy", 400},
		"encoded twice":                     {"GET", "/app/%252e%252e/api/console/proxy", 400},
		"an encoded backslash":              {"GET", "/app/..%5capi/console/proxy", 400},
		"a backslash":                       {"GET", "/app\\..\\api", 400},
		"an empty step":                     {"POST", "//api/console/proxy", 400},
		"an empty step within":              {"POST", "/api//console/proxy", 400},
		"a zero":                            {"GET", "/api/console%00/proxy", 400},
		"a line end":                        {"GET", "/api/console%0d%0aSecuritytenant:%20globex", 400},
		"a step's parameter":                {"GET", "/app;x=1/home", 400},
		"bytes":                             {"GET", "/app/%ff%fe", 400},
		"an asset that leads elsewhere":     {"GET", "/1/bundles/%2e%2e/%2e%2e/api/console/proxy.js", 400},
		"an asset that leads elsewhere too": {"GET", "/ui/../api/status.js", 400},
		"the gateway's own, unknown":        {"GET", "/insights/api/nothing", 404},
		"a method of WebDAV":                {"PROPFIND", "/app/home", 405},
		"an address of a proxy":             {"CONNECT", "/app/home", 405},
		"options":                           {"OPTIONS", "/app/home", 405},
	} {
		got := h.ask(t, row.method, at(acme), row.path, who)
		if asked := h.dashboards.take(); got.status != row.status || len(asked) != 0 {
			t.Errorf("%s: %d %.200s; Dashboards was asked %v", name, got.status, got.body, asked)
		}
	}
	if got := h.ask(t, http.MethodGet, at(acme), "/api/v1/configuration/account", who); got.status != http.StatusOK || len(h.dashboards.take()) != 1 {
		t.Errorf("pages are not told who asks: %d", got.status)
	}
	if got := h.ask(t, http.MethodGet, at(acme), "/api/v1/multitenancy/tenant", who); got.status != http.StatusOK || got.body != "acme" || len(h.dashboards.take()) != 0 {
		t.Errorf("the space is told as %d %s", got.status, got.body)
	}
	if got := h.ask(t, http.MethodGet, at(acme), "/app/login?nextUrl=//evil.test", who); got.status != http.StatusFound || got.header.Get("Location") != "/app/dashboards" {
		t.Errorf("the sign-in of Dashboards: %d %v", got.status, got.header)
	}
}

// TestAttackAViewerChangesASpace: Dashboards is not even asked.
func TestAttackAViewerChangesASpace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	viewer, manager := h.in(t, acme, false), h.in(t, acme, true)
	for _, row := range []struct{ method, path string }{
		{"POST", "/api/saved_objects/dashboard"}, {"POST", "/api/saved_objects/dashboard/x?overwrite=true"}, {"PUT", "/api/saved_objects/dashboard/x"},
		{"DELETE", "/api/saved_objects/dashboard/x"}, {"POST", "/api/saved_objects/_bulk_create"}, {"PUT", "/api/saved_objects/_bulk_update"},
		{"POST", "/api/saved_objects/_import?overwrite=true"}, {"POST", "/api/saved_objects/_resolve_import_errors"}, {"POST", "/api/shorten_url"},
		{"POST", "/api/opensearch-dashboards/settings"}, {"POST", "/api/opensearch-dashboards/settings/defaultIndex"},
		{"DELETE", "/api/opensearch-dashboards/settings/defaultIndex"}, {"POST", "/api/opensearch-dashboards/dashboards/import"},
		{"PATCH", "/internal/search/opensearch"}, {"PUT", "/api/saved_objects/_bulk_get"}, {"POST", "/internal/search/"}, {"POST", "/api/saved_objects/_BULK_CREATE"},
		{"POST", "/unheard/of"},
	} {
		got := h.post(t, row.method, at(acme), row.path, `{}`, viewer)
		if asked := h.dashboards.take(); got.status != http.StatusForbidden || !strings.Contains(got.body, "gateway.read_only") || len(asked) != 0 {
			t.Errorf("a viewer's %s %s: %d %s, %v", row.method, row.path, got.status, got.body, asked)
		}
		h.post(t, row.method, at(acme), row.path, `{}`, manager)
		if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("x-proxy-roles") != "earshot-acme-editor" || asked[0].Body != "{}" {
			t.Errorf("a manager's %s %s: %v", row.method, row.path, asked)
		}
	}
	for _, path := range []string{"/internal/search/opensearch", "/internal/search/opensearch/id", "/api/saved_objects/_bulk_get", "/internal/_msearch", "/api/metrics/vis/data", "/api/timeline/run"} {
		got := h.post(t, http.MethodPost, at(acme), path, `{"q":1}`, viewer)
		if asked := h.dashboards.take(); got.status != http.StatusOK || len(asked) != 1 || asked[0].Header.Get("x-proxy-roles") != "earshot-acme-reader" || asked[0].Body != `{"q":1}` {
			t.Errorf("a viewer asks %s: %d %v", path, got.status, asked)
		}
	}
}

// TestOneBrowserTwoTenants is two tabs with the cookies of both tenants, asking at once: each answer is of its own host's tenant.
func TestOneBrowserTwoTenants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	both := append(h.in(t, acme, true), h.in(t, globex, false)...)
	var group sync.WaitGroup
	for range 100 {
		for _, of := range []roster.Tenant{acme, globex} {
			group.Go(func() {
				if got := h.ask(t, http.MethodGet, at(of), find, both); got.status != http.StatusOK || !strings.Contains(got.body, `"space":"`+of.Slug.String()+`"`) {
					t.Errorf("at %s: %d %s", of.Slug, got.status, got.body)
				}
			})
		}
	}
	group.Wait()
	for _, s := range h.dashboards.take() {
		user, role, space := s.Header.Get("x-proxy-user"), s.Header.Get("x-proxy-roles"), s.Header.Get("securitytenant")
		if !strings.HasPrefix(user, space+":") || space == "acme" && role != "earshot-acme-editor" || space == "globex" && role != "earshot-globex-reader" {
			t.Errorf("%s as %s in %s", user, role, space)
		}
	}
	for _, path := range []string{find, "/app/dashboards", "/", "/bootstrap.js", "/translations/en.json", "/api/core/capabilities", "/api/v1/multitenancy/tenant", "/insights"} {
		if got := h.ask(t, http.MethodGet, at(globex), path, h.in(t, acme, true)); got.status != http.StatusUnauthorized || len(h.dashboards.take()) != 0 {
			t.Errorf("acme's session at globex' %s: %d", path, got.status)
		}
	}
}

// TestASessionForAllButAssets: only what Dashboards was built with is had without one.
func TestASessionForAllButAssets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{
		"/app/dashboards", find, "/api/core/capabilities", "/bootstrap.js", "/translations/en.json", "/goto/x", "/app/1/bundles/x.js", "/1/bundles", "/x/bundles/core.js",
		"/1/bundles/x.js/api", "/1/bundles/core", "/ui/settings", "/UI/logo.svg",
	} {
		if got := h.ask(t, http.MethodGet, at(acme), path, nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, got.status)
		}
		if got := h.ask(t, http.MethodGet, at(acme), path, nil, "Accept: text/html"); got.status != http.StatusFound || got.header.Get("Location") != "/auth/sign-in?return="+url.QueryEscape(path) {
			t.Errorf("a page %s: %d %v", path, got.status, got.header)
		}
	}
	if got := h.post(t, http.MethodPost, at(acme), "/1/bundles/core/core.entry.js", "{}", nil); got.status != http.StatusUnauthorized {
		t.Errorf("an asset that is posted: %d", got.status)
	}
	if asked := h.dashboards.take(); len(asked) != 0 {
		t.Errorf("Dashboards was asked without a session: %v", asked)
	}
	for _, path := range []string{"/7004/bundles/core/core.entry.js", "/ui/logos/mark.svg", "/node_modules/@osd/ui-framework/dist/kui_light.css"} {
		h.ask(t, http.MethodGet, at(acme), path, h.in(t, acme, true))
		if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("x-proxy-user")+asked[0].Header.Get("securitytenant") != "" {
			t.Errorf("%s is asked for as somebody: %v", path, asked)
		}
		got := h.ask(t, http.MethodGet, at(acme), path+"?securitytenant=globex&x=1", nil, "If-None-Match: x", "x-proxy-user: kibanaserver", "x-proxy-roles: admin", "x-forwarded-for: 127.0.0.2")
		asked := h.dashboards.take()
		if got.status != http.StatusOK || len(asked) != 1 || asked[0].Target != path {
			t.Fatalf("%s: %d, %v", path, got.status, asked)
		}
		if want := (http.Header{"Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}}); !maps.EqualFunc(asked[0].Header, want, slices.Equal) {
			t.Errorf("%s is asked for with %v", path, asked[0].Header)
		}
	}
}

// TestAnAssetIsNobodys, even where the caller says whose it is: what is kept must not depend on a person.
func TestAnAssetIsNobodys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/1/bundles/a.js", nil)
	if err := h.front.Dashboards.Serve(w, r, dashboards.Person{Tenant: acme, Subject: "somebody", Address: "192.0.2.1", Editor: true}); err != nil {
		t.Fatal(err)
	}
	if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("x-proxy-user")+asked[0].Header.Get("x-forwarded-for") != "" {
		t.Errorf("Dashboards was asked %v", asked)
	}
}

// TestAssetsAreKept: once for all tenants and people, in each form; nothing else is.
func TestAssetsAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	immutable := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=31536000")
		w.Header().Set("Content-Type", "application/javascript")
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = io.WriteString(z, "packed "+r.URL.Path)
			_ = z.Close()
			_, _ = w.Write(packed.Bytes())
			return true
		}
		_, _ = io.WriteString(w, "plain "+r.URL.Path)
		return true
	}
	h.dashboards.will(immutable)
	for range 3 {
		for _, of := range []roster.Tenant{acme, globex} {
			packed := h.ask(t, http.MethodGet, at(of), "/1/bundles/a.js", nil)
			plain := h.ask(t, http.MethodGet, at(of), "/1/bundles/a.js", h.in(t, of, true), "Accept-Encoding: identity")
			if packed.body != "packed /1/bundles/a.js" || plain.body != "plain /1/bundles/a.js" || len(plain.cookies)+len(packed.cookies) != 0 {
				t.Errorf("at %s: %q %q", of.Slug, packed.body, plain.body)
			}
		}
	}
	if asked := h.dashboards.take(); len(asked) != 2 {
		t.Errorf("Dashboards was asked %d times", len(asked))
	}
	h.ask(t, http.MethodGet, at(acme), find, h.in(t, acme, true))
	h.ask(t, http.MethodGet, at(acme), find, h.in(t, acme, true))
	if asked := h.dashboards.take(); len(asked) != 2 {
		t.Errorf("a question was answered from the cache")
	}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"without an age":  func(http.ResponseWriter) {},
		"that is private": func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private, max-age=31536000") },
		"that is not there": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "max-age=31536000")
			w.WriteHeader(http.StatusNotFound)
		},
	} {
		h.dashboards.will(func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w)
			_, _ = io.WriteString(w, "x")
			return true
		})
		path := "/1/bundles/" + strings.ReplaceAll(name, " ", "-") + ".js"
		h.ask(t, http.MethodGet, at(acme), path, nil)
		h.ask(t, http.MethodGet, at(acme), path, nil)
		if asked := h.dashboards.take(); len(asked) != 2 {
			t.Errorf("an asset %s was kept", name)
		}
	}
	h.dashboards.will(func(w http.ResponseWriter, r *http.Request) bool { // in chunks, as Dashboards does
		w.Header().Set("Cache-Control", "max-age=31536000")
		size := 400 << 10
		if strings.Contains(r.URL.Path, "large") {
			size = 9 << 20
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		return true
	})
	for range 2 {
		if got := h.ask(t, http.MethodGet, at(acme), "/2/bundles/large.js", nil); len(got.body) != 9<<20 || len(h.dashboards.take()) != 1 {
			t.Errorf("a large asset has %d bytes", len(got.body))
		}
	}
	for round := range 2 { // three assets of 400 KiB are more than the cache's MiB
		for n := range 4 {
			h.ask(t, http.MethodGet, at(acme), fmt.Sprintf("/2/bundles/%d.js", n), nil)
		}
		if asked := h.dashboards.take(); len(asked) != 4 {
			t.Errorf("round %d: asked %d times", round, len(asked))
		}
	}
	if h.ask(t, http.MethodGet, at(acme), "/2/bundles/3.js", nil); len(h.dashboards.take()) != 0 {
		t.Error("the last was not kept")
	}
}

// TestWhatDashboardsAnswers: no cookie, no challenge and no other host gets to the browser.
func TestWhatDashboardsAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	got := h.ask(t, http.MethodGet, at(acme), find, who)
	if len(got.cookies) != 0 || got.header.Get("Www-Authenticate")+got.header.Get("X-Powered-By") != "" || got.header.Get("Osd-Name") != "dashboards" ||
		!slices.Equal(got.header.Values("Cache-Control"), []string{"private, no-store"}) || len(got.header.Values("Content-Security-Policy")) != 1 {
		t.Errorf("the browser gets %v", got.header)
	}
	for to, want := range map[string]string{
		"/app/home#/x": "/app/home#/x", h.dashboards.URL + "/app/home?a=1": "/app/home?a=1", "/goto?security_tenant=globex&a=1": "/goto?a=1", "app/home": "app/home",
		"//evil.test": "", "https://evil.test/": "", "/\\evil.test": "", "javascript:alert(1)": "", h.dashboards.URL + "//evil.test": "", "http://evil.test@" + strings.TrimPrefix(h.dashboards.URL, "http://") + "/x": "/x",
	} {
		h.dashboards.will(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return true
		})
		got := h.ask(t, http.MethodGet, at(acme), "/app/x", who)
		if want == "" && (got.status != http.StatusServiceUnavailable || got.header.Get("Location") != "") || want != "" && got.header.Get("Location") != want {
			t.Errorf("%s: %d %q, want %q", to, got.status, got.header.Get("Location"), want)
		}
	}
	h.dashboards.will(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusUnauthorized); return true })
	if got := h.ask(t, http.MethodGet, at(acme), find, who); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "gateway.dashboards_unavailable") {
		t.Errorf("a gateway that is not let in: %d %s", got.status, got.body)
	}
}

// TestAViewerSeesNoButtons: pages of Dashboards go by the capabilities.
func TestAViewerSeesNoButtons(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const told = `{"navLinks":{"dashboards":true,"management":true},"management":{"opensearchDashboards":{"objects":true}},"dashboard":{"createNew":true,"show":true,"showWriteControls":true,"saveQuery":true},` +
		`"visualize":{"createShortUrl":true,"delete":true,"save":true,"show":true},"savedObjectsManagement":{"read":true,"edit":true,"delete":true,"copyIntoSpace":true,"inner":{"save":true}}}`
	h.dashboards.will(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", "x")
		_, _ = io.WriteString(w, told)
		return r.URL.Path == "/api/core/capabilities"
	})
	viewer := h.post(t, http.MethodPost, at(acme), "/api/core/capabilities", `{"applications":[]}`, h.in(t, acme, false))
	const want = `{"dashboard":{"createNew":false,"saveQuery":false,"show":true,"showWriteControls":false},"management":{},"navLinks":{"dashboards":true,"management":false},` +
		`"savedObjectsManagement":{"copyIntoSpace":false,"delete":false,"edit":false,"inner":{"save":false},"read":true},"visualize":{"createShortUrl":false,"delete":false,"save":false,"show":true}}`
	if viewer.body != want || viewer.header.Get("Etag") != "" {
		t.Errorf("a viewer: %s", viewer.body)
	}
	if manager := h.post(t, http.MethodPost, at(acme), "/api/core/capabilities", `{"applications":[]}`, h.in(t, acme, true)); manager.body != told {
		t.Errorf("a manager: %s", manager.body)
	}
	h.dashboards.will(func(w http.ResponseWriter, _ *http.Request) bool { _, _ = io.WriteString(w, "["); return true })
	if got := h.post(t, http.MethodPost, at(acme), "/api/core/capabilities", `{}`, h.in(t, acme, false)); got.status != http.StatusServiceUnavailable {
		t.Errorf("what cannot be read: %d %s", got.status, got.body)
	}
}

// TestWithoutDashboards: a page of ours says so, and offers Insights.
func TestWithoutDashboards(t *testing.T) {
	t.Parallel()
	behind := func(headers dashboards.Headers) *house {
		headers.URL, _ = url.Parse("http://127.0.0.1:1")
		return newHouse(t, func(_ *web.Config, c *dashboards.Config) { c.Authenticator = headers })
	}
	away, elsewhere := behind(dashboards.Headers{}), behind(dashboards.Headers{Search: "https://search.test"})
	for name, row := range map[string]struct {
		house  *house
		status int
		title  string
		code   string
	}{
		"away":                   {away, 503, "Dashboards does not answer", "gateway.dashboards_unavailable"},
		"of another search only": {elsewhere, 404, "Dashboards does not run here", "gateway.dashboards_absent"},
	} {
		who := row.house.in(t, acme, true)
		page := row.house.ask(t, http.MethodGet, at(acme), "/app/dashboards", who, "Accept: text/html")
		if page.status != row.status || !strings.Contains(page.body, row.title) || !strings.Contains(page.body, `href="/insights"`) ||
			!strings.HasPrefix(page.header.Get("Content-Security-Policy"), "default-src 'none'") || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, page.status, page.header, page.body)
		}
		if got := row.house.ask(t, http.MethodGet, at(acme), find, who); got.status != row.status || !strings.Contains(got.body, row.code) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := away.ask(t, http.MethodGet, at(acme), "/app/dashboards", away.in(t, acme, true)); got.header.Get("Retry-After") == "" {
		t.Errorf("nothing says when to come again: %v", got.header)
	}
}

// TestDashboardsMayTakeTheirTimeUpToABound with a Dashboards that never answers.
func TestDashboardsMayTakeTheirTimeUpToABound(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(_ *web.Config, c *dashboards.Config) { c.Patience = 50 * time.Millisecond })
	release := make(chan struct{})
	h.dashboards.will(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-release:
		}
		return true
	})
	defer close(release)
	if got := h.ask(t, http.MethodGet, at(acme), find, h.in(t, acme, true)); got.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	for _, row := range []struct {
		path   string
		size   int
		status int
	}{
		{"/api/saved_objects/dashboard", 1 << 20, 200}, {"/api/saved_objects/dashboard", 1<<20 + 1, 413},
		{"/api/saved_objects/_import", 10 << 20, 200}, {"/api/saved_objects/_import", 10<<20 + 1, 413},
	} {
		if got := h.post(t, http.MethodPost, at(acme), row.path, strings.Repeat("x", row.size), who); got.status != row.status {
			t.Errorf("%d bytes to %s: %d %.200s", row.size, row.path, got.status, got.body)
		}
		asked := h.dashboards.take()
		if row.status == 200 && (len(asked) != 1 || len(asked[0].Body) != row.size || asked[0].Header.Get("Content-Length") == "") || row.status != 200 && len(asked) != 0 {
			t.Errorf("%d bytes to %s: Dashboards was asked %d times", row.size, row.path, len(asked))
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+row.path, io.MultiReader(strings.NewReader(strings.Repeat("x", row.size)))) // in chunks
		req.Host = at(acme)
		req.AddCookie(who[0])
		if got := send(t, req); got.status != row.status {
			t.Errorf("%d bytes in chunks to %s: %d", row.size, row.path, got.status)
		}
		if asked := h.dashboards.take(); row.status == 200 && (len(asked) != 1 || asked[0].Header.Get("Content-Length") != fmt.Sprint(row.size)) {
			t.Errorf("%d bytes in chunks to %s arrive in chunks", row.size, row.path)
		}
	}
}

// TestTooManyRequests: of a person, of all people of a tenant, and of its strangers, who hold up none of them; other tenants have their
// own count.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	still := time.Now()
	h := newHouse(t, func(c *web.Config, _ *dashboards.Config) {
		c.Limits = web.Limits{Person: throttle.Limit{PerSecond: 1, Burst: 3}, Tenant: throttle.Limit{PerSecond: 1, Burst: 6}}
		c.Now = func() time.Time { return still }
	})
	who := h.in(t, acme, true)
	ask := func(of roster.Tenant, path string, cookies []*http.Cookie) answer {
		return h.ask(t, http.MethodGet, at(of), path, cookies)
	}
	flood := 0
	for ask(acme, "/1/bundles/a.js", nil).status == http.StatusOK {
		flood++
	}
	if got := ask(acme, "/auth/sign-in", nil); flood > 6 || got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("after %d requests of strangers: %d", flood, got.status)
	}
	for n, want := range []int{200, 200, 200, 429} {
		if got := ask(acme, find, who); got.status != want || want == 429 && (got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "gateway.too_many_requests")) {
			t.Errorf("question %d: %d %v", n, got.status, got.header)
		}
	}
	if got := ask(acme, "/1/bundles/a.js", who); got.status != http.StatusOK {
		t.Errorf("an asset counts as the person's: %d", got.status)
	}
	ask(acme, "/1/bundles/a.js", who)
	if got := ask(acme, "/1/bundles/a.js", who); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the seventh of a tenant: %d", got.status)
	}
	page := h.ask(t, http.MethodGet, at(acme), "/app/home", who, "Accept: text/html")
	if page.status != http.StatusTooManyRequests || page.header.Get("Retry-After") == "" {
		t.Errorf("a page: %d %v", page.status, page.header)
	}
	if got := ask(globex, find, h.in(t, globex, true)); got.status != http.StatusOK {
		t.Errorf("another tenant: %d", got.status)
	}
}

// TestTheLogHasNoQuestions: neither paths, nor queries, nor headers, nor bodies, and no address of a page when Dashboards fails.
func TestTheLogHasNoQuestions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	h.post(t, http.MethodPost, at(acme), "/internal/search/secretpath?agent=secretquery", `{"secretbody":1}`, who, "Accept-Language: secretheader")
	h.ask(t, http.MethodGet, at(acme), "/1/bundles/secretpath.js?secretquery", nil)
	h.ask(t, http.MethodGet, at(acme), "/api//secretpath", who)
	h.dashboards.Close()
	h.ask(t, http.MethodGet, at(acme), "/app/secretpath?secretquery", who, "Accept: text/html")
	h.ask(t, http.MethodGet, at(acme), "/api/secretpath?secretquery", who)
	h.server.Close()
	text := h.logs.String()
	if strings.Contains(text, "secret") || strings.Count(text, `"msg":"request"`) != 5 || !strings.Contains(text, `"route":"dashboards"`) || !strings.Contains(text, `"route":"dashboards assets"`) ||
		!strings.Contains(text, `"subject":"sub-acme"`) || !strings.Contains(text, `"tenant":"acme"`) {
		t.Errorf("the log: %s", text)
	}
}

// last is a request after which a server hangs up.
const last = "GET /auth/signed-out HTTP/1.1\r\nHost: acme.gateway.test\r\nConnection: close\r\n\r\n"

// raw writes bytes to a server and returns the statuses of what comes back until it hangs up.
func raw(t *testing.T, address, text string) []int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(text, last) {
		_ = conn.(*net.TCPConn).CloseWrite() //nolint:forcetypeassert // it is one
	}
	var statuses []int
	reader := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		statuses = append(statuses, res.StatusCode)
	}
}

// TestAttackSmuggling: whatever is hidden in a request's framing, Dashboards sees no request that has not passed the gateway as one.
func TestAttackSmuggling(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	log := slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	server := service.NewServer("127.0.0.1:0", h.handler, log, nil)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.WithoutCancel(t.Context())) })
	cookie := "Cookie: " + h.in(t, acme, true)[0].Name + "=" + h.in(t, acme, true)[0].Value + "\r\n"
	const hidden = "GET /api/hidden HTTP/1.1\r\nHost: globex.gateway.test\r\nSecuritytenant: globex\r\n\r\n"
	head := "POST /internal/_msearch HTTP/1.1\r\nHost: acme.gateway.test\r\n" + cookie
	chunked := "0\r\n\r\n" + hidden
	for name, row := range map[string]struct {
		text  string
		first int // status of the first answer
		body  string
		isCut bool // it ends there
	}{
		"a length and chunks":       {head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s", len(chunked), chunked), 200, "", false},
		"chunks and a short length": {head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", false},
		"two lengths":               {head + fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s", len(hidden), hidden), 400, "", false},
		"two lengths in one":        {head + fmt.Sprintf("Content-Length: 0, %d\r\n\r\n%s", len(hidden), hidden), 400, "", false},
		"a length with a sign":      {head + "Content-Length: +5\r\n\r\nhello", 400, "", false},
		"a negative length":         {head + "Content-Length: -1\r\n\r\n", 400, "", false},
		"a folded header":           {head + "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false},
		"a folded first header":     {"POST /internal/_msearch HTTP/1.1\r\n Host: acme.gateway.test\r\n\r\n", 400, "", false},
		"a space before the colon":  {head + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\nhello", 400, "", false},
		"an unknown encoding":       {head + "Transfer-Encoding: xchunked\r\n\r\n" + chunked, 501, "", false},
		"two encodings":             {head + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunked, 501, "", false},
		"an encoding twice":         {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked, 501, "", false},
		"a tab in an encoding":      {head + "Transfer-Encoding: \tchunked\r\n\r\n" + chunked, 200, "", false},
		"a broken chunk":            {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", 400, "", false},
		"a chunk without an end":    {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 400, "", true},
		"a body that is cut":        {head + "Content-Length: 9\r\n\r\nhello", 400, "", true},
		"two hosts":                 {"GET " + find + " HTTP/1.1\r\nHost: acme.gateway.test\r\nHost: globex.gateway.test\r\n" + cookie + "\r\n", 400, "", false},
		"no host":                   {"GET " + find + " HTTP/1.1\r\n" + cookie + "\r\n", 400, "", false},
		"a whole address":           {"GET http://globex.gateway.test" + find + " HTTP/1.1\r\nHost: acme.gateway.test\r\n" + cookie + "\r\n", 401, "", false},
		"a name with a line end":    {"GET " + find + " HTTP/1.1\r\nHost: acme.gateway.test\r\nX\r: y\r\n" + cookie + "\r\n", 400, "", false},
		"a zero in a value":         {"GET " + find + " HTTP/1.1\r\nHost: acme.gateway.test\r\nX: a\x00b\r\n" + cookie + "\r\n", 400, "", false},
		"HTTP/1.0 that stays":       {"GET " + find + " HTTP/1.0\r\nHost: acme.gateway.test\r\nConnection: keep-alive\r\n" + cookie + "\r\n", 200, "", false},
		"a body of a GET":           {"GET " + find + " HTTP/1.1\r\nHost: acme.gateway.test\r\n" + cookie + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hidden), hidden), 200, hidden, false},
		"an upgrade":                {"GET /app/home HTTP/1.1\r\nHost: acme.gateway.test\r\n" + cookie + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + hidden, 405, "", false},
		"an upgrade to HTTP/2":      {"GET /app/home HTTP/1.1\r\nHost: acme.gateway.test\r\n" + cookie + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 405, "", false},
		"HTTP/2 at once":            {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421, "", false},
	} {
		if !row.isCut {
			row.text += last
		}
		statuses := raw(t, server.Addr(), row.text)
		if len(statuses) == 0 || statuses[0] != row.first {
			t.Errorf("%s: answered %v, want %d first", name, statuses, row.first)
		}
		asked := h.dashboards.take()
		if row.first == 200 && (len(asked) != 1 || asked[0].Body != row.body) || row.first != 200 && len(asked) != 0 {
			t.Errorf("%s: Dashboards was asked %+v", name, asked)
		}
		for _, s := range asked {
			if strings.Contains(s.Target, "hidden") || s.Header.Get("securitytenant") != "acme" || s.Header.Get("Transfer-Encoding") != "" {
				t.Errorf("%s: Dashboards was asked %+v", name, s)
			}
		}
	}
}

// parting is a pool that notes whom it forgets.
type parting struct {
	noGate
	left *[]string
}

func (p parting) SignOut(_ context.Context, _ roster.Tenant, s session.Session) error {
	*p.left = append(*p.left, s.Subject)
	return nil
}

// TestSignOutWithinDashboards goes the way of Dashboards' own button: its page asks for the end of the session, and then goes to a
// sign-in of its own. It is there, though Dashboards offers it to nobody whom it knows by headers.
func TestSignOutWithinDashboards(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/_dashboards"} {
		t.Run("at "+base+"/", func(t *testing.T) {
			t.Parallel()
			var left []string
			h := newHouse(t, func(front *web.Config, behind *dashboards.Config) {
				front.Gate = parting{noGate{t}, &left}
				at := *behind.Authenticator.(dashboards.Headers).URL
				at.Path = base
				behind.Authenticator = dashboards.Headers{URL: &at}
			})
			who := h.in(t, acme, false)
			packed := false
			h.dashboards.will(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				if packed {
					w.Header().Set("Content-Encoding", "br")
				}
				_, _ = io.WriteString(w, `<x data="{&quot;auth&quot;:{&quot;type&quot;:&quot;proxy&quot;,&quot;a&quot;:1}}"></x>`)
				return true
			})
			page := h.ask(t, http.MethodGet, at(acme), base+"/app/dashboards", who, "Accept: text/html", "Accept-Encoding: gzip, br")
			if page.body != `<x data="{&quot;auth&quot;:{&quot;type&quot;:&quot;basicauth&quot;,&quot;a&quot;:1}}"></x>` {
				t.Errorf("the page is %q", page.body)
			}
			if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("Dashboards is asked %+v", asked)
			}
			packed = true
			if got := h.ask(t, http.MethodGet, at(acme), base+"/app/dashboards", who, "Accept-Encoding: br"); got.status != http.StatusServiceUnavailable {
				t.Errorf("a page that cannot be read: %d", got.status)
			}
			h.dashboards.take()

			if got := h.post(t, http.MethodPost, at(acme), base+"/auth/logout", "", who, "Sec-Fetch-Site: cross-site"); got.status != http.StatusForbidden || len(left) != 0 {
				t.Errorf("another site's page ends a session: %d, %v", got.status, left)
			}
			got := h.post(t, http.MethodPost, at(acme), base+"/auth/logout", "", who, "Sec-Fetch-Site: same-origin", "Osd-Xsrf: true")
			if got.status != http.StatusOK || got.body != "{}" || len(kept(got.cookies)) != 0 || len(got.cookies) == 0 || !slices.Equal(left, []string{"sub-acme"}) {
				t.Errorf("the end: %d %s, cookies %v, the pool forgets %v", got.status, got.body, got.cookies, left)
			}
			if got := h.post(t, http.MethodPost, at(acme), base+"/auth/logout", "", nil); got.status != http.StatusOK || len(left) != 1 {
				t.Errorf("a second end: %d, %v", got.status, left)
			}
			for who, to := range map[string]string{"somebody": base + "/app/dashboards", "nobody": "/auth/leave"} {
				var cookies []*http.Cookie
				if who == "somebody" {
					cookies = h.in(t, acme, false)
				}
				if got := h.ask(t, http.MethodGet, at(acme), base+"/app/login?nextUrl=%2F", cookies, "Accept: text/html"); got.status != http.StatusFound || got.header.Get("Location") != to {
					t.Errorf("%s is sent from the sign-in to %s (%d)", who, got.header.Get("Location"), got.status)
				}
			}
			if got := h.ask(t, http.MethodGet, at(acme), "/auth/leave", nil); got.status != http.StatusOK || got.header.Get("Refresh") != "0; url=https://pool.test/logout" {
				t.Errorf("the way out: %d %v", got.status, got.header)
			}
			if asked := h.dashboards.take(); len(asked) != 0 {
				t.Errorf("Dashboards is asked %+v", asked)
			}
		})
	}
}
