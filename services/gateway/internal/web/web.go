// Package web answers managers over HTTP: it finds the tenant by the host's name, signs people in and out, and lets those whom it
// knows ask about their tenant's calls.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/logline"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
)

// The faults of a request as such.
var (
	errNoTenant  = fault.New(fault.NotFound, "gateway.tenant_unknown", "Nobody has this address.")
	errSignedOut = fault.New(fault.Unauthenticated, "gateway.signed_out", "You are not signed in, or no longer. Sign in at /auth/sign-in.")
	errCrossSite = fault.New(fault.Forbidden, "gateway.cross_site", "This request came from a page of another site.")
	errBusy      = fault.New(fault.Throttled, "gateway.too_many_requests", "Too many requests came at once. Try again in a moment.")
)

// A Directory knows which tenants there are.
type Directory interface {
	Tenant(s slug.Slug) (roster.Tenant, bool)
}

// A Gate signs people in at their tenant's pool.
type Gate interface {
	Begin(ctx context.Context, t roster.Tenant, back string) (string, session.SignIn, error)
	End(ctx context.Context, t roster.Tenant, begun session.SignIn, state, code string) (session.Session, error)
	Renew(ctx context.Context, t roster.Tenant, old session.Session) (session.Session, error)
	SignOut(ctx context.Context, t roster.Tenant, s session.Session) error
	Leave(ctx context.Context, t roster.Tenant) (string, error)
}

// Limits are of all people of a tenant together, and of one of them. Whoever is not signed in counts among the tenant's strangers, who
// may send as much as its people and take nothing of theirs.
type Limits struct{ Tenant, Person throttle.Limit }

// Config is what the gateway needs.
type Config struct {
	// Host is under which each tenant has a name, with the port where it is not the usual one: <slug>.<Host>.
	Host      string
	Secure    bool // managers come over TLS
	Directory Directory
	Gate      Gate
	Jar       *session.Jar
	// Calls answers as the tenant's reader.
	Calls      func(context.Context, roster.Tenant) (insights.Reader, error)
	Dashboards Dashboards // nil: none runs
	Limits     Limits
	Observe    func(method, route string, status int, took time.Duration)
	Log        *slog.Logger
	Now        func() time.Time
}

// Web is the gateway's HTTP interface.
type Web struct {
	Config
	handler            *gin.Engine
	guard              *http.CrossOriginProtection
	people             *throttle.Callers // by tenant and subject
	tenants, strangers *throttle.Callers // by tenant
}

// gin keeps its mode in a variable of the process.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// New builds it.
func New(c Config) (*Web, error) {
	releaseMode()
	if c.Dashboards == nil {
		c.Dashboards = noDashboards{}
	}
	w := &Web{
		Config: c, guard: http.NewCrossOriginProtection(),
		people: throttle.New(c.Limits.Person), tenants: throttle.New(c.Limits.Tenant), strangers: throttle.New(c.Limits.Tenant),
	}
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.ForwardedByClientIP = false
	if err := engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	engine.Use(w.observe, w.recover, w.enter)
	engine.NoRoute(w.elsewhere)
	engine.NoMethod(func(c *gin.Context) { w.fail(c, problem.ErrNoMethod) })
	w.route(engine)
	w.handler = engine
	return w, nil
}

// route lists what there is. Whoever is not signed in reaches nothing but the sign-in.
func (w *Web) route(engine *gin.Engine) {
	auth := engine.Group("/auth")
	auth.GET("/sign-in", w.signIn)
	auth.GET("/callback", w.callback)
	auth.GET("/leave", w.leave)
	auth.GET("/signed-out", w.signedOut)
	auth.POST("/sign-out", w.signOut)
	for _, name := range []string{"message.css", "icon.svg"} {
		auth.GET("/"+name, func(c *gin.Context) { c.FileFromFS("pages/"+name, http.FS(files)) })
	}
	known := engine.Group("", w.know)
	known.GET("/", func(c *gin.Context) { c.Redirect(http.StatusFound, "/insights") })
	api := known.Group("/insights/api")
	api.GET("/session", w.whoami)
	api.GET("/overview", w.overview)
	api.GET("/calls", w.calls)
	api.GET("/calls/:contactId", w.call)
	api.GET("/calls/:contactId/file.json", w.callJSON)
	api.GET("/calls/:contactId/file.csv", w.callCSV)
	w.pages(known)
}

// Routes are the gateway's own, as "GET /insights/calls/:contactId". All other paths are Dashboards'.
func (w *Web) Routes() []string {
	var list []string
	for _, r := range w.handler.Routes() {
		list = append(list, r.Method+" "+r.Path)
	}
	slices.Sort(list)
	return list
}

// ServeHTTP answers one request.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }

// The keys of what the hooks know of a request.
const (
	requestKey = "request"
	tenantKey  = "tenant"
	personKey  = "person"
	labelKey   = "label" // what a request is called where it has no route of our own
)

func tenantOf(c *gin.Context) roster.Tenant {
	t, _ := c.Get(tenantKey)
	tenant, _ := t.(roster.Tenant)
	return tenant
}

func personOf(c *gin.Context) session.Session {
	p, _ := c.Get(personKey)
	person, _ := p.(session.Session)
	return person
}

// observe gives the request an id and its answer the headers of a page that may do nothing but its own. Neither line nor figure
// holds a query or a path: they hold names of people.
func (w *Web) observe(c *gin.Context) {
	began := w.Now()
	id := uuid.NewString()
	c.Set(requestKey, id)
	say(c, slog.String("request_id", id))
	h := c.Writer.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if w.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	defer func() { // an answer that breaks off ends in a panic
		route := cmp.Or(c.FullPath(), c.GetString(labelKey), "none")
		took := w.Now().Sub(began)
		w.Observe(service.Method(c.Request.Method), route, c.Writer.Status(), took)
		tracing.Name(c.Request.Context(), tracing.Request{ID: id, Method: service.Method(c.Request.Method), Route: route, Tenant: tenantOf(c).Slug.String()})
		w.Log.InfoContext(c, "request", "method", service.Method(c.Request.Method), "route", route, "status", c.Writer.Status(),
			"duration_ms", took.Milliseconds(), "bytes", c.Writer.Size(), "subject", personOf(c).Subject)
	}()
	c.Next()
}

// say has each line of the request name something from now on.
func say(c *gin.Context, what slog.Attr) {
	c.Request = c.Request.WithContext(logline.With(c.Request.Context(), what))
}

func (w *Web) recover(c *gin.Context) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			panic(cause)
		default:
			w.fail(c, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	c.Next()
}

// enter finds the tenant by the host's name alone, and refuses what no browser sends to us.
func (w *Web) enter(c *gin.Context) {
	name, isOurs := strings.CutSuffix(strings.ToLower(c.Request.Host), "."+w.Host)
	if !isOurs {
		w.page(c, http.StatusMisdirectedRequest, "Nobody has this address", "It is none of this service's.", "")
		return
	}
	s, err := slug.Parse(name)
	if err != nil {
		w.fail(c, errNoTenant)
		return
	}
	t, isThere := w.Directory.Tenant(s)
	if !isThere {
		w.fail(c, errNoTenant)
		return
	}
	c.Set(tenantKey, t)
	say(c, slog.String("tenant", s.String()))
	if c.GetHeader("Upgrade") != "" || c.Request.Method == http.MethodConnect || c.Request.Method == http.MethodTrace {
		w.fail(c, problem.ErrNoMethod)
		return
	}
	if c.FullPath() != "" { // what goes to Dashboards is bounded there
		const most = 64 << 10
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
	}
	among := w.strangers
	if w.isKnown(c) {
		among = w.tenants
	}
	if wait := among.Take(s.String(), w.Now()); wait > 0 {
		w.throttle(c, wait)
		return
	}
	if err := w.guard.Check(c.Request); err != nil {
		w.fail(c, errCrossSite)
	}
}

// know lets a person through whose session is good. One that is over is asked about at the pool; a page sends whoever is not
// signed in there to sign in, everything else says so.
func (w *Web) know(c *gin.Context) {
	t := tenantOf(c)
	s, err := w.Jar.Get(c.Request, t.Slug)
	if err == nil && w.Jar.IsOver(s) {
		if s, err = w.Gate.Renew(c.Request.Context(), t, s); err == nil {
			err = w.Jar.Put(c.Writer, t.Slug, s)
		}
	}
	switch f, isFault := fault.As(err); {
	case err == nil:
	case isFault && f.Kind != fault.Unauthenticated:
		w.fail(c, err)
		return
	case !isFault && !errors.Is(err, session.ErrNone):
		w.fail(c, err)
		return
	case wantsPage(c.Request):
		w.Jar.Drop(c.Writer)
		c.Redirect(http.StatusFound, "/auth/sign-in?return="+queryEscape(c.Request.URL.RequestURI()))
		c.Abort()
		return
	default:
		w.Jar.Drop(c.Writer)
		w.fail(c, errSignedOut)
		return
	}
	c.Set(personKey, s)
	if wait := w.people.Take(t.Slug.String()+" "+s.Subject, w.Now()); wait > 0 {
		w.throttle(c, wait)
	}
}

// throttle refuses the request for a time.
func (w *Web) throttle(c *gin.Context, wait time.Duration) {
	c.Header("Retry-After", throttle.RetryAfter(wait))
	w.fail(c, errBusy)
}

// wantsPage reports whether a person looks at what is asked for.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/insights/api/")
}

// fail answers with the problem of err: as a page to a person, else as a document.
func (w *Web) fail(c *gin.Context, err error) {
	c.Abort()
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		const gone = 499
		c.Status(gone)
		return
	}
	p := problem.From(err)
	p.Instance = "urn:earshot:request:" + c.GetString(requestKey)
	if p.Status >= http.StatusInternalServerError {
		w.Log.ErrorContext(c, "request failed", "code", p.Code, "error", err)
	}
	switch {
	case c.Writer.Written():
	case wantsPage(c.Request):
		if c.Writer.Header().Get("Retry-After") == "" && (p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable) {
			c.Header("Retry-After", "5")
		}
		next := "/auth/sign-in"
		if personOf(c).Subject != "" {
			next = "/insights"
		}
		w.page(c, p.Status, p.Title, p.Detail, next)
	default:
		p.Write(c.Writer)
	}
}
