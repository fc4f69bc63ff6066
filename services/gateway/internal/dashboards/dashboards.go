// Package dashboards stands before OpenSearch Dashboards: it lets people ask there as themselves, in the space of their tenant and
// in no other. Nothing that a browser says about who asks, or about which space, gets through.
package dashboards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/roster"
)

// The faults of what is asked of Dashboards.
var (
	ErrAbsent      = fault.New(fault.NotFound, "gateway.dashboards_absent", "OpenSearch Dashboards does not run behind this address. Insights shows how the calls sounded.")
	ErrUnavailable = fault.New(fault.Unavailable, "gateway.dashboards_unavailable", "OpenSearch Dashboards does not answer now. Insights shows how the calls sounded; it needs no Dashboards.")
	ErrPath        = fault.New(fault.Malformed, "gateway.path_refused", "This path is written in a way that the gateway does not pass on: with an encoded slash or per cent sign, an empty step or a step up.")
	ErrClosed      = fault.New(fault.Forbidden, "gateway.route_closed", "This part of Dashboards is closed here: a person has the space of their tenant, and works in it through its pages.")
	ErrReadOnly    = fault.New(fault.Forbidden, "gateway.read_only", "You may look at this space, not change it. A manager of your tenant may.")
	ErrTooLarge    = fault.New(fault.TooLarge, "gateway.body_too_large", "Send at most 1 MiB, or 10 MiB when you import saved objects.")
)

// A Person is who asks.
type Person struct {
	Tenant  roster.Tenant
	Subject string // in the tenant's pool; empty for whoever asks for a static asset
	Address string // from where they come
	Editor  bool   // may change the space
}

// An Authenticator makes requests those of a person. Its methods may be called from any goroutine.
type Authenticator interface {
	// Base is where the tenant's Dashboards is: its origin, and the path that all of its own paths begin with, without a slash at
	// the end. It is nil for a tenant that has none.
	Base(t roster.Tenant) *url.URL
	// Authenticate makes r the person's, who is nobody when Subject is empty. The request has no header of identity yet, and
	// nothing of it changes afterwards.
	Authenticate(r *http.Request, body []byte, as Person) error
}

// Config is what a Proxy needs.
type Config struct {
	Authenticator Authenticator
	Transport     http.RoundTripper
	// Patience is how long Dashboards may take for an answer, to its last byte.
	Patience   time.Duration
	CacheBytes int64 // of static assets, kept in memory; 0: none
	Log        *slog.Logger
}

// A Proxy passes requests on. Its methods may be called from any goroutine.
type Proxy struct {
	config  Config
	static  http.RoundTripper
	buffers *buffers
}

// New returns a Proxy.
func New(c Config) *Proxy {
	p := &Proxy{config: c, static: c.Transport, buffers: &buffers{}}
	if c.CacheBytes > 0 {
		p.static = newCache(c.Transport, c.CacheBytes)
	}
	return p
}

// Home is the path of the tenant's space, and false when it has none.
func (p *Proxy) Home(t roster.Tenant) (string, bool) {
	base := p.config.Authenticator.Base(t)
	if base == nil {
		return "", false
	}
	return base.Path + "/app/dashboards", true
}

// Static reports whether the path is that of an asset that is the same for everybody, and needs no session.
func (p *Proxy) Static(t roster.Tenant, r *http.Request) bool {
	base := p.config.Authenticator.Base(t)
	if base == nil || checkPath(r.URL) != nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	inside, isInside := strings.CutPrefix(r.URL.Path, base.Path)
	return isInside && isStatic(inside)
}

// IsSignOut reports whether a person has pressed Dashboards' own button for signing out.
func (p *Proxy) IsSignOut(t roster.Tenant, r *http.Request) bool {
	return p.isFor(t, r, http.MethodPost, signOutRoute)
}

// IsSignIn reports whether the request is for Dashboards' own sign-in.
func (p *Proxy) IsSignIn(t roster.Tenant, r *http.Request) bool {
	return p.isFor(t, r, http.MethodGet, signInRoute)
}

func (p *Proxy) isFor(t roster.Tenant, r *http.Request, method, route string) bool {
	base := p.config.Authenticator.Base(t)
	return base != nil && r.Method == method && r.URL.Path == base.Path+route
}

// Serve answers r with what Dashboards says to the person. It returns an error, and has written nothing, where it was not asked or
// did not answer.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, as Person) error {
	base := p.config.Authenticator.Base(as.Tenant)
	if base == nil {
		return ErrAbsent
	}
	if err := checkPath(r.URL); err != nil {
		return err
	}
	inside, isInside := strings.CutPrefix(r.URL.Path, base.Path)
	if !isInside || !strings.HasPrefix(inside, "/") {
		return ErrAbsent
	}
	q := question{inside: inside, as: as}
	switch own, err := q.rule(r.Method); {
	case err != nil:
		return err
	case own != nil:
		own(w, r, base.Path)
		return nil
	}
	if q.isStatic = isStatic(inside); q.isStatic {
		q.as = Person{Tenant: as.Tenant}
	}
	if isImport(inside) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(importPatience)) // without one: as long as the server has
	}
	var err error
	if q.body, err = readBody(r, inside); err != nil {
		return err
	}
	return p.pass(w, r, base, q)
}

// A question is a request that is passed on.
type question struct {
	inside   string // the path, as Dashboards itself would say it
	as       Person
	isStatic bool
	body     []byte
}

func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, base *url.URL, q question) (failed error) {
	ctx, cancel := context.WithTimeout(r.Context(), p.config.Patience)
	defer cancel()
	// The server's own bounds are those of a page of ours. A response writer that has none, in a test, goes on without.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(p.config.Patience + time.Second))
	var wrong error
	proxy := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			restrict(pr, base, q)
			wrong = p.config.Authenticator.Authenticate(pr.Out, q.body, q.as)
		},
		Transport: roundTripper(func(out *http.Request) (*http.Response, error) {
			switch {
			case wrong != nil:
				return nil, wrong
			case q.isStatic:
				return p.static.RoundTrip(out)
			}
			return p.config.Transport.RoundTrip(out)
		}),
		ModifyResponse: func(answer *http.Response) error { return mend(answer, base, q) },
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
		FlushInterval:  -1, // some answers are streams
		BufferPool:     p.buffers,
		ErrorLog:       slog.NewLogLogger(p.config.Log.Handler(), slog.LevelDebug), // what it says names addresses of pages
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
	if failed == nil {
		return nil
	}
	if _, isFault := fault.As(failed); isFault || r.Context().Err() != nil {
		return failed
	}
	return fmt.Errorf("%w (%w)", ErrUnavailable, withoutAddress(failed))
}

// importPatience is how long a person's line may take for saved objects.
const importPatience = time.Minute

// bufferSize is that of httputil.ReverseProxy itself.
const bufferSize = 32 << 10

// buffers are what answers are copied with.
type buffers struct{ free sync.Pool }

func (b *buffers) Get() []byte {
	if one, isOne := b.free.Get().(*[bufferSize]byte); isOne {
		return one[:]
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(one []byte) { b.free.Put((*[bufferSize]byte)(one)) }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// withoutAddress takes the query out of an error, for the log.
func withoutAddress(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}

// readBody reads a body whole: who signs needs its hash, and what is passed on has one length and no other framing.
func readBody(r *http.Request, inside string) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	const usual, objects = 1 << 20, 10 << 20 // as much as Dashboards takes by default; as much as a small domain takes
	most := int64(usual)
	if isImport(inside) {
		most = objects
	}
	if r.ContentLength > most {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return nil, problem.ErrMalformed.With("The body ended before it was whole. Send it again.")
	case int64(len(body)) > most:
		return nil, ErrTooLarge
	}
	return body, nil
}

// asBody gives r the body, which its length frames.
func asBody(r *http.Request, body []byte) {
	r.TransferEncoding = nil
	r.ContentLength = int64(len(body))
	if len(body) == 0 {
		r.Body, r.GetBody = http.NoBody, nil
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}
