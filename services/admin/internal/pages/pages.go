// Package pages serves the portal over HTTP: the site that is embedded in this binary, and what a browser needs to know to
// sign people in. Everything else goes to the admin API.
package pages

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/signin"
)

// The launcher, or a release, puts the built portal there before it builds this binary. Without it there is the API alone.
//
//go:embed all:site
var embedded embed.FS

// Site is the portal that was built into this binary; it holds no page when none was.
func Site() (fs.FS, error) { return fs.Sub(embedded, "site") }

// Config is what the pages need.
type Config struct {
	Site     fs.FS
	API      http.Handler
	SignIn   func(ctx context.Context) (signin.Endpoints, error)
	ClientID string
	URL      string // where browsers reach the portal, as the sign-in knows it; empty: wherever they have opened it
	Log      *slog.Logger
}

// Pages is the portal in front of the API.
type Pages struct {
	Config
	files map[string]*file // by path below the root
}

// ownPaths are the API's, besides those below apiPrefix: a browser that opens them wants no page of the portal.
var ownPaths = []string{"/healthz", "/readyz", "/openapi.json", "/docs"}

const (
	apiPrefix  = "/v1/"
	indexName  = "index.html"
	configPath = "/portal-config.json"
)

// New reads the site.
func New(c Config) (*Pages, error) {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.Path != "/" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("settings: EARSHOT_PORTAL_URL is %q, want the address of an origin, such as https://earshot.example/", c.URL)
		}
	}
	files, err := readSite(c.Site)
	return &Pages{Config: c, files: files}, err
}

// ServeHTTP answers one request.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	index, name := p.files[indexName], strings.TrimPrefix(r.URL.Path, "/")
	if index == nil || !isRead(r) {
		p.API.ServeHTTP(w, r)
		return
	}
	found := p.files[name]
	switch {
	case r.URL.Path == configPath:
		p.config(w, r)
	case found != nil && found != index:
		found.serve(w, r)
	case r.URL.Path == "/" || wantsPage(r):
		p.page(w, r, index)
	default:
		p.API.ServeHTTP(w, r)
	}
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// wantsPage reports whether a browser opens an address: all but the API's are the portal's, whose router knows them.
func wantsPage(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, apiPrefix) || slices.Contains(ownPaths, r.URL.Path) {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// page answers with the site's one page, under a policy that lets it speak to us and to the sign-in alone. While the sign-in
// cannot be reached it may speak to us only: the page says so, and is loaded again.
func (p *Pages) page(w http.ResponseWriter, r *http.Request, index *file) {
	connect := "'self'"
	endpoints, err := p.SignIn(r.Context())
	switch token, parseErr := url.Parse(endpoints.Token); {
	case err != nil:
		p.Log.WarnContext(r.Context(), "the portal is shown without a sign-in", "error", err)
	case parseErr == nil && token.Host != "":
		connect += " " + token.Scheme + "://" + token.Host
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; "+
		"connect-src "+connect+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address may carry the sign-in's code
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-write=(self)")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	index.serve(w, r)
}

// settings is what the portal reads before it can sign anybody in. None of it is secret.
type settings struct {
	URL                   string `json:"url,omitempty"`
	Issuer                string `json:"issuer"`
	ClientID              string `json:"client_id"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint,omitempty"`
}

func (p *Pages) config(w http.ResponseWriter, r *http.Request) {
	endpoints, err := p.SignIn(r.Context())
	if err != nil {
		p.Log.WarnContext(r.Context(), "the portal's settings are asked for without a sign-in", "error", err)
		problem.From(err).Write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(settings{ // the caller has gone: nobody is left to be told
		URL: p.URL, Issuer: endpoints.Issuer, ClientID: p.ClientID, AuthorizationEndpoint: endpoints.Authorization,
		TokenEndpoint: endpoints.Token, EndSessionEndpoint: endpoints.EndSession,
	})
}
