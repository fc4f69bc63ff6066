package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
)

// TestASessionForAllButAssets: only what Dashboards was built with is had without one.
func TestASessionForAllButAssets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{
		"/app/dashboards", find, "/api/core/capabilities", "/bootstrap.js", "/translations/en.json", "/goto/x", "/app/1/bundles/x.js", "/1/bundles", "/x/bundles/core.js",
		"/1/bundles/x.js/api", "/1/bundles/core", "/ui/settings", "/UI/logo.svg",
	} {
		if got := h.ask(t, http.MethodGet, at(acme), path, nil); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, got.status)
		}
		if got := h.ask(t, http.MethodGet, at(acme), path, nil, "Accept: text/html"); got.status != http.StatusFound || got.header.Get("Location") != "/auth/sign-in?return="+url.QueryEscape(path) {
			t.Errorf("a page %s: %d %v", path, got.status, got.header)
		}
	}
	if got := h.post(t, http.MethodPost, at(acme), "/1/bundles/core/core.entry.js", "{}", nil); got.status != http.StatusUnauthorized {
		t.Errorf("an asset that is posted: %d", got.status)
	}
	if asked := h.dashboards.take(); len(asked) != 0 {
		t.Errorf("Dashboards was asked without a session: %v", asked)
	}
	for _, path := range []string{"/7004/bundles/core/core.entry.js", "/ui/logos/mark.svg", "/node_modules/@osd/ui-framework/dist/kui_light.css"} {
		h.ask(t, http.MethodGet, at(acme), path, h.in(t, acme, true))
		if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("x-proxy-user")+asked[0].Header.Get("securitytenant") != "" {
			t.Errorf("%s is asked for as somebody: %v", path, asked)
		}
		got := h.ask(t, http.MethodGet, at(acme), path+"?securitytenant=globex&x=1", nil, "If-None-Match: x", "x-proxy-user: kibanaserver", "x-proxy-roles: admin", "x-forwarded-for: 127.0.0.2")
		asked := h.dashboards.take()
		if got.status != http.StatusOK || len(asked) != 1 || asked[0].Target != path {
			t.Fatalf("%s: %d, %v", path, got.status, asked)
		}
		if want := (http.Header{"Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}}); !maps.EqualFunc(asked[0].Header, want, slices.Equal) {
			t.Errorf("%s is asked for with %v", path, asked[0].Header)
		}
	}
}

// TestAnAssetIsNobodys, even where the caller says whose it is: what is kept must not depend on a person.
func TestAnAssetIsNobodys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/1/bundles/a.js", nil)
	if err := h.front.Dashboards.Serve(w, r, dashboards.Person{Tenant: acme, Subject: "somebody", Address: "192.0.2.1", Editor: true}); err != nil {
		t.Fatal(err)
	}
	if asked := h.dashboards.take(); len(asked) != 1 || asked[0].Header.Get("x-proxy-user")+asked[0].Header.Get("x-forwarded-for") != "" {
		t.Errorf("Dashboards was asked %v", asked)
	}
}

// TestAssetsAreKept: once for all tenants and people, in each form; nothing else is.
func TestAssetsAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	immutable := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=31536000")
		w.Header().Set("Content-Type", "application/javascript")
		if r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = io.WriteString(z, "packed "+r.URL.Path)
			_ = z.Close()
			_, _ = w.Write(packed.Bytes())
			return true
		}
		_, _ = io.WriteString(w, "plain "+r.URL.Path)
		return true
	}
	h.dashboards.will(immutable)
	for range 3 {
		for _, of := range []roster.Tenant{acme, globex} {
			packed := h.ask(t, http.MethodGet, at(of), "/1/bundles/a.js", nil)
			plain := h.ask(t, http.MethodGet, at(of), "/1/bundles/a.js", h.in(t, of, true), "Accept-Encoding: identity")
			if packed.body != "packed /1/bundles/a.js" || plain.body != "plain /1/bundles/a.js" || len(plain.cookies)+len(packed.cookies) != 0 {
				t.Errorf("at %s: %q %q", of.Slug, packed.body, plain.body)
			}
		}
	}
	if asked := h.dashboards.take(); len(asked) != 2 {
		t.Errorf("Dashboards was asked %d times", len(asked))
	}
	h.ask(t, http.MethodGet, at(acme), find, h.in(t, acme, true))
	h.ask(t, http.MethodGet, at(acme), find, h.in(t, acme, true))
	if asked := h.dashboards.take(); len(asked) != 2 {
		t.Errorf("a question was answered from the cache")
	}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"without an age":  func(http.ResponseWriter) {},
		"that is private": func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private, max-age=31536000") },
		"that is not there": func(w http.ResponseWriter) {
			w.Header().Set("Cache-Control", "max-age=31536000")
			w.WriteHeader(http.StatusNotFound)
		},
	} {
		h.dashboards.will(func(w http.ResponseWriter, _ *http.Request) bool {
			answer(w)
			_, _ = io.WriteString(w, "x")
			return true
		})
		path := "/1/bundles/" + strings.ReplaceAll(name, " ", "-") + ".js"
		h.ask(t, http.MethodGet, at(acme), path, nil)
		h.ask(t, http.MethodGet, at(acme), path, nil)
		if asked := h.dashboards.take(); len(asked) != 2 {
			t.Errorf("an asset %s was kept", name)
		}
	}
	h.dashboards.will(func(w http.ResponseWriter, r *http.Request) bool { // in chunks, as Dashboards does
		w.Header().Set("Cache-Control", "max-age=31536000")
		size := 400 << 10
		if strings.Contains(r.URL.Path, "large") {
			size = 9 << 20
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		return true
	})
	for range 2 {
		if got := h.ask(t, http.MethodGet, at(acme), "/2/bundles/large.js", nil); len(got.body) != 9<<20 || len(h.dashboards.take()) != 1 {
			t.Errorf("a large asset has %d bytes", len(got.body))
		}
	}
	for round := range 2 { // three assets of 400 KiB are more than the cache's MiB
		for n := range 4 {
			h.ask(t, http.MethodGet, at(acme), fmt.Sprintf("/2/bundles/%d.js", n), nil)
		}
		if asked := h.dashboards.take(); len(asked) != 4 {
			t.Errorf("round %d: asked %d times", round, len(asked))
		}
	}
	if h.ask(t, http.MethodGet, at(acme), "/2/bundles/3.js", nil); len(h.dashboards.take()) != 0 {
		t.Error("the last was not kept")
	}
}
