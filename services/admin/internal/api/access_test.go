package api_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// routes lists the specification's routes: method and path, and whether they need no sign-in.
func routes(t *testing.T, w world) map[string]bool {
	t.Helper()
	document := into[struct {
		Paths map[string]map[string]json.RawMessage
	}](t, w.send(t, "GET", "/openapi.json", "", "Authorization: "))
	open := map[string]bool{}
	for path, item := range document.Paths {
		for method, operation := range item {
			if method == "parameters" {
				continue
			}
			open[strings.ToUpper(method)+" "+path] = bytes.Contains(operation, []byte(`"security":[]`))
		}
	}
	return open
}

func TestAttackWithoutSignIn(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var open []string
	for name, isOpen := range routes(t, w) {
		if isOpen {
			open = append(open, name)
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "acme")
		for _, header := range []string{"Authorization: ", "Authorization: Bearer ", "Authorization: Bearer stranger", "Authorization: Basic owner", "Authorization: owner"} {
			got := w.send(t, method, path, strings.Repeat("x", 100), header)
			if p := got.problem(t); p.Status != 401 || p.Code != "access.unauthenticated" || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q answers %d %s", name, header, got.status, got.body)
			}
		}
	}
	slices.Sort(open)
	if want := []string{"GET /docs", "GET /healthz", "GET /openapi.json", "GET /readyz"}; !slices.Equal(open, want) {
		t.Errorf("without sign-in: %v, want %v", open, want)
	}
	for _, name := range open {
		_, path, _ := strings.Cut(name, " ")
		if got := w.send(t, "GET", path, "", "Authorization: "); got.status != 200 {
			t.Errorf("%s answers %d", path, got.status)
		}
	}
}

func TestAttackAuditorChanges(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, row := range map[string]struct{ method, path, body string }{
		"onboard":   {"POST", "/v1/tenants", draft("acme")},
		"change":    {"PATCH", "/v1/tenants/acme", "{}"},
		"off-board": {"DELETE", "/v1/tenants/acme?confirm=acme&data=delete", ""},
		"erase":     {"POST", "/v1/tenants/acme/actions/erase", `{"agent": "a"}`},
		"retry":     {"POST", "/v1/tenants/acme/actions/retry", ""},
	} {
		got := w.send(t, row.method, row.path, row.body, "Authorization: Bearer auditor")
		if p := got.problem(t); p.Status != 403 || p.Code != "access.forbidden" {
			t.Errorf("%s as an auditor answers %d %s", name, got.status, got.body)
		}
	}
	if got := w.send(t, "GET", "/v1/tenants", "", "Authorization: bearer auditor"); got.status != 200 || got.body != "{\"items\":[]}\n" {
		t.Errorf("an auditor reads %d %s", got.status, got.body)
	}
}
