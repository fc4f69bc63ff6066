package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

func queryEscape(text string) string { return url.QueryEscape(text) }

// maxReturn keeps the sign-in's cookie within what browsers keep.
const maxReturn = 1000

// ownPath returns path when it leads to somewhere on this host, else the front page. A browser reads //host and /\host as another
// host, drops tabs and line feeds, and takes a backslash for a slash.
func ownPath(path string) string {
	const home = "/"
	if len(path) > maxReturn || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return home
	}
	parsed, err := url.Parse(path)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil ||
		strings.HasPrefix(parsed.Path, "//") || strings.Contains(parsed.Path, "\\") || strings.HasPrefix(parsed.Path, "/auth/") {
		return home
	}
	return path
}

// signIn sends the browser to the tenant's pool.
func (w *Web) signIn(c *gin.Context) {
	t := tenantOf(c)
	at, begun, err := w.Gate.Begin(c.Request.Context(), t, ownPath(c.Query("return")))
	if err == nil {
		err = w.Jar.Begin(c.Writer, t.Slug, begun)
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusFound, at)
}

// callback takes what the pool sent the browser back with. Whoever had a session before gets another one in any case.
func (w *Web) callback(c *gin.Context) {
	t := tenantOf(c)
	begun, err := w.Jar.End(c.Writer, c.Request, t.Slug)
	if err != nil {
		w.page(c, http.StatusBadRequest, "This sign-in was not begun here", "It was begun in another browser, or more than ten minutes ago.", "/auth/sign-in")
		return
	}
	s, err := w.Gate.End(c.Request.Context(), t, begun, c.Query("state"), c.Query("code"))
	if err == nil {
		err = w.Jar.Put(c.Writer, t.Slug, s)
	}
	if err != nil {
		w.Log.InfoContext(c, "sign-in refused", "error", err)
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, ownPath(begun.Return))
}

// end ends all sessions of the person, here and at the pool. The browser's own goes also when the pool is away. It reports whether
// they have ended; if not, it has answered.
func (w *Web) end(c *gin.Context) bool {
	t := tenantOf(c)
	s, err := w.Jar.Get(c.Request, t.Slug)
	w.Jar.Drop(c.Writer)
	if err != nil {
		return true
	}
	if err := w.Gate.SignOut(c.Request.Context(), t, s); err != nil {
		w.fail(c, err)
		return false
	}
	return true
}

func (w *Web) signOut(c *gin.Context) {
	if w.end(c) {
		c.Redirect(http.StatusSeeOther, leavePath)
	}
}

// leavePath is where a browser goes whose session has ended.
const leavePath = "/auth/leave"

// leave sends the browser to the pool, whose own page would otherwise let the next person in without a question. No redirect does:
// browsers hold a form's, however many there are, to the hosts that the form's page may send to.
func (w *Web) leave(c *gin.Context) {
	at, err := w.Gate.Leave(c.Request.Context(), tenantOf(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Header("Refresh", "0; url="+at)
	w.page(c, http.StatusOK, "Signing you out", "The page where you sign in forgets you too.", "")
}

func (w *Web) signedOut(c *gin.Context) {
	w.page(c, http.StatusOK, "You are signed out", "All your sessions have ended.", "/auth/sign-in")
}
