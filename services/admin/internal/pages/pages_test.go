package pages_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"

	"github.com/earshot-hq/earshot/api"
	"github.com/earshot-hq/earshot/internal/signin"
	"github.com/earshot-hq/earshot/services/admin/internal/pages"
)

var script = strings.Repeat("console.log('earshot');\n", 100)

func site() fs.FS {
	return fstest.MapFS{
		".gitkeep":                {},
		"index.html":              {Data: []byte("<!doctype html><title>Portal</title>")},
		"assets/index-a1b2.js":    {Data: []byte(script)},
		"assets/font-c3d4.woff2":  {Data: []byte("a font")},
		"assets/nothing-e5f6.css": {Data: []byte("a{}")},
	}
}

var endpoints = signin.Endpoints{
	Issuer: "https://issuer.example/pool", Authorization: "https://sign-in.example/oauth2/authorize",
	Token: "https://sign-in.example/oauth2/token", EndSession: "https://sign-in.example/logout",
}

// serve returns the portal before an API that answers every request with 418.
func serve(t *testing.T, change func(*pages.Config)) http.Handler {
	t.Helper()
	c := pages.Config{
		Site: site(), ClientID: "the client", URL: "https://earshot.example/", Log: slog.New(slog.DiscardHandler),
		API:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		SignIn: func(context.Context) (signin.Endpoints, error) { return endpoints, nil },
	}
	if change != nil {
		change(&c)
	}
	p, err := pages.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// Whoever opens an address of the portal gets its page, and nothing of the API is hidden behind it.
func TestWhoAnswers(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for _, test := range []struct {
		method, path, accept string
		want                 int
	}{
		{http.MethodGet, "/", "*/*", http.StatusOK},
		{http.MethodGet, "/?code=abc&state=xyz", browser, http.StatusOK},
		{http.MethodGet, "/tenants/acme/settings", browser, http.StatusOK},
		{http.MethodHead, "/tenants/acme", browser, http.StatusOK},
		{http.MethodGet, "/no/such/page", browser, http.StatusOK}, // the portal says so itself
		{http.MethodGet, "/no/such/page", "application/json", http.StatusTeapot},
		{http.MethodPost, "/tenants", browser, http.StatusTeapot},
		{http.MethodGet, "/v1/nothing", browser, http.StatusTeapot},
		{http.MethodGet, "/assets/missing.js", "*/*", http.StatusTeapot},
		{http.MethodGet, "/.gitkeep", "*/*", http.StatusTeapot},
		{http.MethodGet, "/../pages.go", "*/*", http.StatusTeapot},
	} {
		if got := ask(t, h, test.method, test.path, "Accept", test.accept).Code; got != test.want {
			t.Errorf("%s %s (%s): %d, want %d", test.method, test.path, test.accept, got, test.want)
		}
	}
}

// The API may be opened in a browser, each of its routes: the list in pages.go follows the contract.
func TestNoRouteOfTheAPIIsShadowed(t *testing.T) {
	t.Parallel()
	var contract struct{ Paths map[string]any }
	if err := yaml.Unmarshal(api.Specification, &contract); err != nil || len(contract.Paths) < 10 {
		t.Fatalf("%d paths, %v", len(contract.Paths), err)
	}
	h := serve(t, nil)
	for path := range contract.Paths {
		if got := ask(t, h, http.MethodGet, path, "Accept", browser).Code; got != http.StatusTeapot {
			t.Errorf("GET %s: the portal answers %d", path, got)
		}
	}
}

func TestThePageMaySpeakToUsAndTheSignInOnly(t *testing.T) {
	t.Parallel()
	answer := ask(t, serve(t, nil), http.MethodGet, "/tenants", "Accept", browser)
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; " +
		"connect-src 'self' https://sign-in.example; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if got := answer.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %s", got)
	}
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := answer.Header().Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWithoutASignInThePageSaysSo(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *pages.Config) {
		c.SignIn = func(context.Context) (signin.Endpoints, error) { return signin.Endpoints{}, signin.ErrUnavailable }
	})
	page := ask(t, h, http.MethodGet, "/", "Accept", browser)
	if policy := page.Header().Get("Content-Security-Policy"); page.Code != http.StatusOK || !strings.Contains(policy, "connect-src 'self';") {
		t.Errorf("%d, policy %s", page.Code, policy)
	}
	config := ask(t, h, http.MethodGet, "/portal-config.json")
	var problem struct{ Code string }
	if err := json.NewDecoder(config.Body).Decode(&problem); err != nil || config.Code != http.StatusServiceUnavailable || problem.Code != "signin.unavailable" {
		t.Errorf("%d %+v %v", config.Code, problem, err)
	}
}

func TestThePortalLearnsWhereToSignIn(t *testing.T) {
	t.Parallel()
	answer := ask(t, serve(t, nil), http.MethodGet, "/portal-config.json")
	var got map[string]string
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"url": "https://earshot.example/", "issuer": endpoints.Issuer, "client_id": "the client", "authorization_endpoint": endpoints.Authorization,
		"token_endpoint": endpoints.Token, "end_session_endpoint": endpoints.EndSession,
	} {
		if got[name] != want {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	if answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("it is kept: %v", answer.Header())
	}
}

func TestAssetsAreSentPackedAndKept(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	packed := ask(t, h, http.MethodGet, "/assets/index-a1b2.js", "Accept-Encoding", "gzip, br")
	if packed.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || packed.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("headers %v", packed.Header())
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(reader); err != nil || string(content) != script {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	plain := ask(t, h, http.MethodGet, "/assets/index-a1b2.js")
	if content, err := io.ReadAll(plain.Body); err != nil || string(content) != script || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("unpacked: %d bytes, %v", len(content), plain.Header())
	}
	if plain.Header().Get("ETag") == packed.Header().Get("ETag") || packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("a cache takes one for the other: %v", packed.Header())
	}
	if again := ask(t, h, http.MethodGet, "/assets/index-a1b2.js", "If-None-Match", plain.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("again: %d", again.Code)
	}
	if font := ask(t, h, http.MethodGet, "/assets/font-c3d4.woff2", "Accept-Encoding", "gzip"); font.Header().Get("Content-Encoding") != "" || font.Header().Get("Content-Type") != "font/woff2" {
		t.Errorf("font: %v", font.Header())
	}
}

// A binary that was built without the portal is the API.
func TestWithoutASite(t *testing.T) {
	t.Parallel()
	h := serve(t, func(c *pages.Config) { c.Site = fstest.MapFS{".gitkeep": {}} })
	for _, path := range []string{"/", "/tenants", "/portal-config.json"} {
		if got := ask(t, h, http.MethodGet, path, "Accept", browser).Code; got != http.StatusTeapot {
			t.Errorf("%s: %d", path, got)
		}
	}
	if site, err := pages.Site(); err != nil {
		t.Error(err)
	} else if _, err := fs.Stat(site, ".gitkeep"); err != nil {
		t.Errorf("the embedded site: %v", err)
	}
}

func TestAnAddressThatNoSignInCouldKnowIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"earshot.example", "https://earshot.example", "https://earshot.example/portal/", "ftp://earshot.example/", "::"} {
		if _, err := pages.New(pages.Config{Site: site(), URL: address}); err == nil || !strings.Contains(err.Error(), "EARSHOT_PORTAL_URL") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
