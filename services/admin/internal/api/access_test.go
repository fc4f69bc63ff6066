package api_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
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

// Whoever reads may be anyone with a role; whoever changes may be no auditor. A route without an action is refused to all.
func TestEveryRouteAsEachRole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, isOpen := range routes(t, w) {
		if isOpen {
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "acme")
		for _, role := range roles {
			got := w.send(t, method, path, "", "Authorization: Bearer "+string(role))
			refused := got.status == 403
			if want := role == access.Auditor && method != "GET"; refused != want {
				t.Errorf("%s as %s answers %d %s", name, role, got.status, got.body)
			}
		}
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for role, rights := range map[access.Role][]string{
		access.Owner:    {"audit.read", "caller.read", "managers.change", "managers.read", "tenants.change", "tenants.read"},
		access.Operator: {"audit.read", "caller.read", "managers.change", "managers.read", "tenants.change", "tenants.read"},
		access.Auditor:  {"audit.read", "caller.read", "managers.read", "tenants.read"},
	} {
		got := into[apigen.Caller](t, w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer "+string(role)))
		if got.Subject != string(role) || got.Name != string(role)+"@earshot.example" || string(got.Role) != string(role) {
			t.Errorf("%s is %+v", role, got)
		}
		if !slices.Equal(got.Rights, rights) || !got.Scope.All || got.Scope.TenantIds == nil || len(got.Scope.TenantIds) != 0 {
			t.Errorf("%s may %v in %+v", role, got.Rights, got.Scope)
		}
	}
	scoped := into[apigen.Caller](t, w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer scoped"))
	if scoped.Scope.All || !slices.Equal(scoped.Scope.TenantIds, []string{"one", "two"}) {
		t.Errorf("who reaches two tenants is told of %+v", scoped.Scope)
	}
}
