package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

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
	refused := h.ask(t, http.MethodGet, at(acme), "/api//secretpath", who)
	h.dashboards.Close()
	h.ask(t, http.MethodGet, at(acme), "/app/secretpath?secretquery", who, "Accept: text/html")
	h.ask(t, http.MethodGet, at(acme), "/api/secretpath?secretquery", who)
	h.server.Close()
	text := h.logs.String()
	if strings.Contains(text, "secret") || strings.Count(text, `"msg":"request"`) != 5 || !strings.Contains(text, `"route":"dashboards"`) || !strings.Contains(text, `"route":"dashboards assets"`) ||
		!strings.Contains(text, `"subject":"sub-acme"`) || strings.Count(text, `"tenant":"acme"`) != strings.Count(text, "\n") ||
		!strings.Contains(text, `"request_id":"`+refused.header.Get("X-Request-Id")+`"`) {
		t.Errorf("the log: %s", text)
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
