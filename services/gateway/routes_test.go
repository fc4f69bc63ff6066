package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// changing are the gateway's own routes that change something. One more belongs here and into the tests of viewers and of foreign pages.
var changing = []string{"POST /auth/sign-out"}

// asked makes requests of a route: each parameter of its path and each filter of Insights names something of a tenant's, or tries to
// get out of the question.
func asked(t *testing.T, path string, of slug.Slug) []string {
	t.Helper()
	values := map[string][]string{":contactId": {
		"contact-0-of-" + of.String(), "*", "*-of-" + of.String(), url.PathEscape("../" + of.String() + "-callsummary-2026/_search"),
		url.PathEscape(`x" OR doc.contactId:*`), of.String() + "-callsummary-2026",
	}}
	paths := []string{path}
	for step := range strings.SplitSeq(path, "/") {
		if !strings.HasPrefix(step, ":") && !strings.HasPrefix(step, "*") {
			continue
		}
		if values[step] == nil {
			t.Fatalf("%s: say in this test what a neighbour's %s looks like", path, step)
		}
		var filled []string
		for _, p := range paths {
			for _, value := range values[step] {
				filled = append(filled, strings.Replace(p, step, value, 1))
			}
		}
		paths = filled
	}
	queries := []string{"", "?agent=agent-of-" + of.String(), "?from=2026-01-01T00:00:00Z&to=2026-12-31T00:00:00Z", "?index=" + of.String() + "-*", "?tenant=" + of.String()}
	for _, name := range insights.Names {
		for _, value := range []string{"agent-of-" + of.String(), "contact-0-of-" + of.String(), "queue-of-" + of.String(), "*"} {
			queries = append(queries, "?"+name+"="+url.QueryEscape(value))
		}
	}
	var list []string
	for _, p := range paths {
		for _, query := range queries {
			list = append(list, p+query)
		}
	}
	return list
}

// TestAttackNeighbourThroughEveryRoute goes over the routes that there are, not over a list that somebody keeps.
func TestAttackNeighbourThroughEveryRoute(t *testing.T) {
	t.Parallel()
	w := setup(t)
	who := w.signIn(t, w.own, "manager@example.com")
	if len(w.routes) < 10 {
		t.Fatalf("there are %d routes", len(w.routes))
	}
	told := []string{"told-of-" + w.other.Slug.String(), "Tenant " + w.other.Slug.String()}
	for _, route := range w.routes {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet {
			if !slices.Contains(changing, route) {
				t.Errorf("%s changes something and is not known to this test", route)
			}
			continue
		}
		if strings.HasPrefix(path, "/auth/") {
			continue // who asks there is nobody yet
		}
		for _, one := range asked(t, path, w.other.Slug) {
			here := w.ask(t, method, at(w.own), one, who, "X-Forwarded-Host: "+at(w.other), "Securitytenant: "+w.other.Slug.String())
			for _, mark := range told {
				if strings.Contains(here.body, mark) {
					t.Errorf("%s answers %d with %s", one, here.status, mark)
				}
			}
			if here.status >= http.StatusInternalServerError {
				t.Errorf("%s answers %d %.200s", one, here.status, here.body)
			}
		}
		one := asked(t, path, w.other.Slug)[0]
		if there := w.ask(t, method, at(w.other), one, who); there.status != http.StatusUnauthorized || strings.Contains(there.body, "-of-") {
			t.Errorf("%s at the neighbour's address answers %d %.200s", one, there.status, there.body)
		}
		if nobody := w.ask(t, method, at(w.own), one, nil); nobody.status != http.StatusUnauthorized {
			t.Errorf("%s answers %d to nobody", one, nobody.status)
		}
	}
}

// TestAttackAForeignPageChanges: what the browser says of the page that sends, on our own writes and on those of Dashboards.
func TestAttackAForeignPageChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	paths := []string{"/api/saved_objects/dashboard", "/internal/search/opensearch", "/api/opensearch-dashboards/settings"}
	for _, route := range h.routes {
		if method, path, _ := strings.Cut(route, " "); method != http.MethodGet {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.test"}, {"Origin: https://" + at(globex)}, {"Origin: null"},
			{"Origin: http://" + at(acme) + ".evil.test"},
		} {
			got := h.post(t, http.MethodPost, at(acme), path, "{}", who, headers...)
			if asked := h.dashboards.take(); got.status != http.StatusForbidden || !strings.Contains(got.body, "gateway.cross_site") || len(asked) != 0 || len(got.cookies) != 0 {
				t.Errorf("%s with %v: %d %.200s", path, headers, got.status, got.body)
			}
		}
	}
	if got := h.post(t, http.MethodPost, at(acme), paths[0], "{}", who, "Sec-Fetch-Site: same-origin", "Origin: http://"+at(acme)); got.status != http.StatusOK {
		t.Errorf("the own page: %d %s", got.status, got.body)
	}
}

// TestAttackSessionFixation: a session that somebody else put into the browser ends with the sign-in, and the cookies are such that
// no neighbour's page can put one there.
func TestAttackSessionFixation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	planted := w.signIn(t, w.own, "viewer@example.com")
	for _, isFirst := range []bool{true, false} {
		page, begun := w.begin(t, w.own, "/insights")
		back := w.enter(t, page, "manager@example.com")
		cookies := append(slices.Clone(begun), planted...)
		if isFirst {
			cookies = append(slices.Clone(planted), begun...)
		}
		got := w.ask(t, http.MethodGet, at(w.own), back.RequestURI(), cookies)
		made := kept(got.cookies)
		if got.status != http.StatusSeeOther || len(made) != 1 || made[0].Value == planted[0].Value {
			t.Fatalf("planted first %v: %d %v", isFirst, got.status, got.cookies)
		}
		if !strings.HasPrefix(made[0].Name, "__Host-") || !made[0].Secure || !made[0].HttpOnly || made[0].Path != "/" || made[0].Domain != "" || made[0].SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie is %+v", made[0])
		}
		if who := w.ask(t, http.MethodGet, at(w.own), "/insights/api/session", made); !strings.Contains(who.body, "manager@example.com") {
			t.Errorf("planted first %v: signed in as %s", isFirst, who.body)
		}
	}
}

// TestNobodyKeepsGinsContext: each of the gateway's own routes, with what it asks.
func TestNobodyKeepsGinsContext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	who := h.in(t, acme, true)
	begun := httptest.NewRecorder()
	if err := h.jar.Begin(begun, acme.Slug, session.SignIn{State: "s"}); err != nil {
		t.Fatal(err)
	}
	all := append(begun.Result().Cookies(), who...)
	for _, route := range h.routes {
		method, path, _ := strings.Cut(route, " ")
		h.ask(t, method, at(acme), strings.ReplaceAll(path, ":", "")+"?code=c&state=s", all)
		h.ask(t, method, at(acme), strings.ReplaceAll(path, ":", ""), all)
	}
	h.clock.move(session.Lasts + time.Second)
	h.ask(t, http.MethodGet, at(acme), "/insights/api/session", who)
}

// TestARequestIsCountedAndHasAnId: by what it is, not by its address.
func TestARequestIsCountedAndHasAnId(t *testing.T) {
	t.Parallel()
	var counted []string
	h := newHouse(t, func(c *web.Config, _ *dashboards.Config) {
		c.Observe = func(method, route string, _ int, _ time.Duration) { counted = append(counted, method+" "+route) }
	})
	who := h.in(t, acme, true)
	ids := map[string]bool{}
	for _, path := range []string{find, "/1/bundles/a.js", "/insights/api/session", "/auth/nothing", "/app/../x"} {
		ids[h.ask(t, http.MethodGet, at(acme), path, who).header.Get("X-Request-Id")] = true
	}
	ids[h.ask(t, "PROPFIND", at(acme), "/app/x", who).header.Get("X-Request-Id")] = true
	if len(ids) != 6 || ids[""] {
		t.Errorf("the ids are %v", ids)
	}
	h.server.Close() // the last has been counted
	if want := []string{"GET dashboards", "GET dashboards assets", "GET /insights/api/session", "GET none", "GET dashboards", "other dashboards"}; !slices.Equal(counted, want) {
		t.Errorf("counted %q, want %q", counted, want)
	}
}
