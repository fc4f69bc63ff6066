package web

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
)

// Dashboards passes on what is asked of OpenSearch Dashboards.
type Dashboards interface {
	// Home is where a person begins, and false when the tenant has no Dashboards.
	Home(t roster.Tenant) (string, bool)
	// Static reports whether the request is for an asset that needs no session.
	Static(t roster.Tenant, r *http.Request) bool
	// IsSignOut reports whether the request is what Dashboards' own button for signing out sends.
	IsSignOut(t roster.Tenant, r *http.Request) bool
	// IsSignIn reports whether the request is for Dashboards' own sign-in, where that button leads to.
	IsSignIn(t roster.Tenant, r *http.Request) bool
	// Serve answers, or returns why it has not.
	Serve(w http.ResponseWriter, r *http.Request, as dashboards.Person) error
}

// noDashboards is where none runs.
type noDashboards struct{}

func (noDashboards) Home(roster.Tenant) (string, bool)           { return "", false }
func (noDashboards) Static(roster.Tenant, *http.Request) bool    { return false }
func (noDashboards) IsSignOut(roster.Tenant, *http.Request) bool { return false }
func (noDashboards) IsSignIn(roster.Tenant, *http.Request) bool  { return false }
func (noDashboards) Serve(http.ResponseWriter, *http.Request, dashboards.Person) error {
	return dashboards.ErrAbsent
}

// dashboardsPolicy is what a page of Dashboards may do: it compiles charts from text, and speaks to this host alone, so that no
// picture or chart in a saved object tells another what is shown.
const dashboardsPolicy = "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; form-action 'self'; base-uri 'self'; frame-ancestors 'self'"

// spacePath is where everybody is told that their space is, whatever its Dashboards has before its own paths.
const spacePath = "/app/dashboards"

// elsewhere answers all that there is no route to: it is Dashboards', where one runs.
func (w *Web) elsewhere(c *gin.Context) {
	t := tenantOf(c)
	switch home, isThere := w.Dashboards.Home(t); {
	case w.Dashboards.IsSignOut(t, c.Request):
		w.endFromDashboards(c)
		return
	case isOwn(c.Request.URL.Path):
		w.nothing(c)
		return
	case !isThere:
		w.withoutDashboards(c, dashboards.ErrAbsent)
		return
	case c.Request.URL.Path == spacePath && home != spacePath:
		c.Redirect(http.StatusFound, home)
		return
	}
	as := dashboards.Person{Tenant: t, Address: addressOf(c.Request)}
	if w.Dashboards.Static(t, c.Request) {
		c.Set(labelKey, "dashboards assets")
	} else {
		c.Set(labelKey, "dashboards")
		if w.Dashboards.IsSignIn(t, c.Request) && !w.isKnown(c) {
			c.Redirect(http.StatusFound, leavePath)
			return
		}
		if w.know(c); c.IsAborted() {
			return
		}
		as.Subject, as.Editor = personOf(c).Subject, personOf(c).Editor
	}
	h := c.Writer.Header()
	own := h.Clone()
	h.Del("Cache-Control") // it says its own
	h.Set("Content-Security-Policy", dashboardsPolicy)
	if err := w.Dashboards.Serve(c.Writer, c.Request, as); err != nil {
		h.Set("Content-Security-Policy", own.Get("Content-Security-Policy"))
		h.Set("Cache-Control", "no-store")
		w.withoutDashboards(c, err)
	}
}

// endFromDashboards ends the person's sessions. The page then goes to Dashboards' own sign-in by itself, which leads on.
func (w *Web) endFromDashboards(c *gin.Context) {
	c.Set(labelKey, "dashboards sign-out")
	if w.end(c) {
		c.JSON(http.StatusOK, struct{}{})
	}
}

// isKnown reports whether the browser has a session, good or over.
func (w *Web) isKnown(c *gin.Context) bool {
	_, err := w.Jar.Get(c.Request, tenantOf(c).Slug)
	return err == nil
}

// isOwn reports whether the path is one of the gateway's own: what is not there is nowhere.
func isOwn(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return strings.EqualFold(first, "auth") || strings.EqualFold(first, "insights")
}

// addressOf is from where the connection came.
func addressOf(r *http.Request) string {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "0.0.0.0"
	}
	return address
}

// withoutDashboards says why there is no Dashboards, and offers what needs none.
func (w *Web) withoutDashboards(c *gin.Context, err error) {
	title := ""
	switch {
	case errors.Is(err, dashboards.ErrAbsent):
		title = "Dashboards does not run here"
	case errors.Is(err, dashboards.ErrUnavailable):
		title = "Dashboards does not answer"
		w.Log.WarnContext(c, "dashboards do not answer", "error", err)
	}
	if title == "" || !wantsPage(c.Request) || c.Writer.Written() {
		w.fail(c, err)
		return
	}
	p := problem.From(err)
	w.page(c, p.Status, title, p.Detail, "/insights")
}
