package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/service"
)

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
		_ = conn.(*net.TCPConn).CloseWrite() // it is one
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
