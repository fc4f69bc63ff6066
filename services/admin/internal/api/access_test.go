package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/slug"
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

// named is a request to a route about tenant acme and what belongs to it.
func named(route, operationID string) (method, path string) {
	method, path, _ = strings.Cut(route, " ")
	path = strings.NewReplacer("{slug}", "acme", "{alias}", "main", "{id}", operationID).Replace(path)
	return method, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
}

// TestEveryRouteAsEachRoleAndScope asks every route as every role with every kind of scope, and compares what is refused with the
// table of rights. A route without an action is refused to all; a tenant out of scope is not there.
func TestEveryRouteAsEachRoleAndScope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	onboarded := into[apigen.Started](t, w.send(t, "POST", "/v1/tenants", draft("acme")))
	acme, err := w.db.Tenant(t.Context(), owner, "acme")
	if err != nil {
		t.Fatal(err)
	}
	actions := actionsOf(t, w)
	for name, isOpen := range routes(t, w) {
		if isOpen {
			continue
		}
		method, path := named(name, onboarded.Operation.Id)
		for _, role := range roles {
			for _, scope := range []struct {
				token           string
				whole, includes bool
			}{{"", true, true}, {"@" + acme.ID, false, true}, {"@" + uuid.NewString(), false, false}, {"@", false, false}} {
				got := w.send(t, method, path, "", "Authorization: Bearer "+string(role)+scope.token)
				actor := access.Actor{Role: role, Scope: access.Scope{All: scope.whole}}
				if refused, want := got.status == 403, actor.May(actions[name]) != nil; refused != want {
					t.Errorf("%s as %s%s answers %d %s", name, role, scope.token, got.status, got.body)
				}
				if !scope.includes && (got.status < 300 && strings.Contains(got.body, "acme") || got.status == 409 || got.status == 412) {
					t.Errorf("%s shows %s%s something of acme: %d %s", name, role, scope.token, got.status, got.body)
				}
				isAbout := strings.Contains(name, "/v1/tenants/{slug}") || strings.Contains(name, "/v1/operations/{id}")
				if isAbout && method == "GET" && scope.includes != (got.status != 404) {
					t.Errorf("%s as %s%s answers %d %s", name, role, scope.token, got.status, got.body)
				}
			}
		}
	}
}

// actionsOf returns the action that each route needs.
func actionsOf(t *testing.T, w world) map[string]access.Action {
	t.Helper()
	document := into[struct {
		Paths map[string]map[string]json.RawMessage
	}](t, w.send(t, "GET", "/openapi.json", "", "Authorization: "))
	actions := map[string]access.Action{}
	for path, item := range document.Paths {
		for method, operation := range item {
			var o struct {
				Action access.Action `json:"x-action"`
			}
			if json.Unmarshal(operation, &o) == nil {
				actions[strings.ToUpper(method)+" "+path] = o.Action
			}
		}
	}
	return actions
}

// TestAttackScope tries to get out of a scope of one tenant.
func TestAttackScope(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, s := range []slug.Slug{"acme", "beta", "gamma"} {
		w.send(t, "POST", "/v1/tenants", draft(s))
	}
	acme, err := w.db.Tenant(t.Context(), owner, "acme")
	if err != nil {
		t.Fatal(err)
	}
	beta, err := w.db.Tenant(t.Context(), owner, "beta")
	if err != nil {
		t.Fatal(err)
	}
	scoped := "Authorization: Bearer operator@" + acme.ID
	all := into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants?limit=1", ""))
	operations := into[apigen.OperationPage](t, w.send(t, "GET", "/v1/operations?limit=1", ""))
	audits := into[apigen.AuditEventPage](t, w.send(t, "GET", "/v1/audit-events?limit=1", ""))
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"f":"","p":{"s":"b","i":"` + beta.ID + `"}}`))
	for name, row := range map[string]struct {
		method, path, body string
		status             int
	}{
		"onboarding":                      {"POST", "/v1/tenants", draft("delta"), 403},
		"another's Connect instance":      {"POST", "/v1/tenants/beta/connect-instances", instance("more", uuid.NewString()), 404},
		"another's id in the body":        {"PATCH", "/v1/tenants/acme", `{"display_name": "x", "id": "` + beta.ID + `"}`, 422},
		"another's id in the path":        {"GET", "/v1/tenants/" + beta.ID, "", 404},
		"another's off-boarding":          {"DELETE", "/v1/tenants/beta?confirm=beta&data=delete", "", 404},
		"a scope in the query":            {"GET", "/v1/tenants?scope=*", "", 422},
		"SQL in a filter":                 {"GET", "/v1/tenants?q=" + url.QueryEscape(`' or true); select set_config('earshot.scope', '*', true) --`), "", 200},
		"SQL in the audit's filter":       {"GET", "/v1/audit-events?actor=" + url.QueryEscape(`x' or '1'='1`), "", 200},
		"another's name in the filter":    {"GET", "/v1/operations?tenant=beta", "", 200},
		"the audit of another":            {"GET", "/v1/audit-events?tenant=beta", "", 200},
		"a cursor of who reaches all":     {"GET", "/v1/tenants?limit=1&cursor=" + *all.NextCursor, "", 200},
		"the same of operations":          {"GET", "/v1/operations?limit=200&cursor=" + *operations.NextCursor, "", 200},
		"the same of the audit":           {"GET", "/v1/audit-events?limit=200&cursor=" + *audits.NextCursor, "", 200},
		"a cursor that is invented":       {"GET", "/v1/tenants?cursor=" + forged, "", 422},
		"a cursor of another list":        {"GET", "/v1/operations?cursor=" + *all.NextCursor, "", 422},
		"a cursor that is no JSON at all": {"GET", "/v1/audit-events?cursor=AAAA", "", 422},
	} {
		got := w.send(t, row.method, row.path, row.body, scoped, "If-Match: *")
		if got.status != row.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		for _, hidden := range []string{`"beta"`, `"gamma"`, "Tenant beta", "tenants/beta"} {
			if got.status < 300 && strings.Contains(got.body, hidden) {
				t.Errorf("%s shows %s: %s", name, hidden, got.body)
			}
		}
	}
	if found, err := w.db.Tenant(t.Context(), owner, "beta"); err != nil || !reflect.DeepEqual(found, beta) {
		t.Errorf("beta is now %+v: %v", found, err)
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for role, rights := range map[access.Role][]string{
		access.Owner:    {"admins.change", "audit.read", "caller.read", "cells.change", "cells.read", "instances.check", "keys.change", "keys.read", "managers.change", "managers.read", "spaces.change", "spaces.read", "tenants.add", "tenants.change", "tenants.read"},
		access.Operator: {"audit.read", "caller.read", "cells.read", "instances.check", "managers.change", "managers.read", "spaces.change", "spaces.read", "tenants.add", "tenants.change", "tenants.read"},
		access.Auditor:  {"audit.read", "caller.read", "cells.read", "managers.read", "spaces.read", "tenants.read"},
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
	if scoped.Scope.All || !slices.Equal(scoped.Scope.TenantIds, twoTenants) {
		t.Errorf("who reaches two tenants is told of %+v", scoped.Scope)
	}
}
