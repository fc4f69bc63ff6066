package dashboards

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/problem"
)

// checkPath refuses paths that another program might read as another path: what is compared here must be what Dashboards sees.
func checkPath(u *url.URL) error {
	written := strings.ToLower(u.EscapedPath())
	for _, odd := range []string{"%2f", "%5c", "%25", "//", "\\"} {
		if strings.Contains(written, odd) {
			return ErrPath
		}
	}
	if !strings.HasPrefix(u.Path, "/") || strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' || r == ';' }) {
		return ErrPath
	}
	for step := range strings.SplitSeq(u.Path, "/") {
		if step == "." || step == ".." {
			return ErrPath
		}
	}
	return nil
}

var staticPath = regexp.MustCompile(`^/(?:[0-9]+/bundles|ui|node_modules/@osd/[a-z-]+/dist)/[A-Za-z0-9@._/-]+\.(?:js|css|svg|png|gif|ico|jpe?g|json|woff2?|ttf|eot|map|wasm|webmanifest|xml)$`)

// isStatic reports whether the path is that of an asset which Dashboards was built with.
func isStatic(inside string) bool { return staticPath.MatchString(inside) }

func isImport(inside string) bool {
	return inside == "/api/saved_objects/_import" || inside == "/api/saved_objects/_resolve_import_errors"
}

const (
	signInRoute  = "/app/login"
	signOutRoute = "/auth/logout"
	tenantRoute  = "/api/v1/multitenancy/tenant"
	accountRoute = "/api/v1/configuration/account" // GET tells pages who asks; POST would set a password
)

// closed are the routes that nobody is let to, with what is below them. They choose the space, write past Dashboards' own checks,
// keep rights, tell of the whole process, or reach further than a space.
var closed = []string{
	"/api/console", "/api/v1/configuration", "/api/v1/multitenancy/migrate", "/api/saved_objects/_migrate", "/api/sample_data",
	"/api/telemetry", "/api/stats", "/api/status", "/status", "/internal/data-source-management", "/_opendistro", "/_plugins",
}

// questions are the routes that only ask, though by POST: a dashboard needs them. A row that ends with a slash is all below it.
var questions = []string{
	"/api/core/capabilities", "/api/saved_objects/_bulk_get", "/api/saved_objects/_export", "/internal/_msearch", "/internal/bsearch",
	"/internal/search/", "/api/metrics/vis/data", "/api/timeline/run", "/api/opensearch-dashboards/suggestions/values/",
	"/api/opensearch-dashboards/management/saved_objects/scroll/counts", "/api/opensearch-dashboards/management/saved_objects/scroll/export",
}

// rule refuses what nobody, or not this person, may ask. Some questions have an answer of our own.
func (q question) rule(method string) (func(http.ResponseWriter, *http.Request, string), error) {
	// Dashboards compares letters; who compares more loosely refuses more.
	route := strings.ToLower(strings.TrimSuffix(q.inside, "/"))
	isReading := method == http.MethodGet || method == http.MethodHead
	switch {
	case !isReading && !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method):
		return nil, problem.ErrNoMethod
	case route == tenantRoute && isReading:
		return q.tellSpace, nil
	case route == accountRoute && isReading:
		return nil, nil
	case route == tenantRoute, slices.ContainsFunc(closed, func(c string) bool { return route == c || strings.HasPrefix(route, c+"/") }):
		return nil, ErrClosed
	case route == signInRoute && isReading:
		return goHome, nil
	case !isReading && !q.as.Editor && !isQuestion(method, q.inside):
		return nil, ErrReadOnly
	}
	return nil, nil
}

// isQuestion reports whether the request only asks. A search that takes too long is ended by DELETE.
func isQuestion(method, inside string) bool {
	return (method == http.MethodPost || method == http.MethodDelete) && slices.ContainsFunc(questions, func(known string) bool {
		if strings.HasSuffix(known, "/") {
			return strings.HasPrefix(inside, known) && inside != known
		}
		return inside == known
	})
}

// tellSpace answers which space this is: Dashboards would look into a cookie, which it never gets.
func (q question) tellSpace(w http.ResponseWriter, r *http.Request, _ string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, q.as.Tenant.Slug.Space()) // the caller has gone: nobody is left to be told
	}
}

// goHome leads away from Dashboards' own sign-in, which lets nobody in.
func goHome(w http.ResponseWriter, _ *http.Request, prefix string) {
	w.Header().Set("Location", prefix+"/app/dashboards")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}
