package api_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// visitor is a directory of one tenant with two Connect instances, and notes which of them were looked at.
type visitor struct{ looked []string }

func (*visitor) Tenant(_ context.Context, actor access.Actor, s slug.Slug) (tenant.Tenant, error) {
	if s != "acme" || !actor.Scope.All {
		return tenant.Tenant{}, tenant.ErrNotFound
	}
	return tenant.Tenant{ID: "id", Slug: s, ConnectInstances: []tenant.ConnectInstance{{Alias: "berlin"}, {Alias: "leeds"}}}, nil
}

func (*visitor) Tenants(context.Context, access.Actor, tenant.Page) ([]tenant.Tenant, string, error) {
	return nil, "", nil
}

func (v *visitor) Setup(_ context.Context, t tenant.Tenant, c tenant.ConnectInstance) tenant.Setup {
	v.looked = append(v.looked, t.Slug.String()+"/"+c.Alias)
	return tenant.Setup{At: time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC), Items: []tenant.SetupItem{
		{Item: tenant.SetupDirectoryRole, State: tenant.SetupDone, Detail: "It works."},
		{Item: tenant.SetupApprovedOrigin, State: tenant.SetupNotDone, Detail: "It is missing.", Advice: "Add it."},
		{Item: tenant.SetupCCP, State: tenant.SetupUnknown, Detail: "Nobody looked.", Advice: "Look."},
	}}
}

const checkPath = "/v1/tenants/acme/connect-instances/leeds/check"

func TestCheckOfAConnectInstance(t *testing.T) {
	t.Parallel()
	v := &visitor{}
	w := serve(t, api.Config{Directory: v, Setups: v})
	got := w.send(t, "POST", checkPath, "", "Authorization: Bearer operator")
	const want = `{"checked_at":"2026-11-29T07:00:00Z","connect_instance":"leeds","items":[{"detail":"It works.","item":"directory_role","state":"done"},` +
		`{"advice":"Add it.","detail":"It is missing.","item":"approved_origin","state":"not_done"},{"advice":"Look.","detail":"Nobody looked.","item":"ccp_url","state":"unknown"}]}` + "\n"
	if got.status != 200 || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(v.looked) != 1 || v.looked[0] != "acme/leeds" {
		t.Errorf("looked at %v", v.looked)
	}
}

// Nothing is asked of a customer for whoever may not see the tenant, or may only read.
func TestAttackCheckOutOfReach(t *testing.T) {
	t.Parallel()
	v := &visitor{}
	w := serve(t, api.Config{Directory: v, Setups: v})
	for name, row := range map[string]struct {
		who, method, path, body string
		status                  int
	}{
		"an auditor":                 {"auditor", "POST", checkPath, "", 403},
		"out of scope":               {"operator@00000000-0000-4000-8000-000000000001", "POST", checkPath, "", 404},
		"another tenant":             {"owner", "POST", "/v1/tenants/beta/connect-instances/leeds/check", "", 404},
		"another instance":           {"owner", "POST", "/v1/tenants/acme/connect-instances/paris/check", "", 404},
		"a link that somebody opens": {"owner", "GET", checkPath, "", 405},
		"an address in the body":     {"owner", "POST", checkPath, `{"ccp_url": "https://169.254.169.254/ccp-v2"}`, 422},
		"an address in the query":    {"owner", "POST", checkPath + "?ccp_url=x", "", 422},
	} {
		if p := w.send(t, row.method, row.path, row.body, "Authorization: Bearer "+row.who).problem(t); p.Status != row.status {
			t.Errorf("%s: %d %s", name, p.Status, p.Code)
		}
	}
	if len(v.looked) > 0 {
		t.Errorf("looked at %v", v.looked)
	}
}

// An instance's looks are counted together, whoever asks for them, and apart from another's.
func TestChecksOfAnInstanceAreFew(t *testing.T) {
	t.Parallel()
	v := &visitor{}
	w := serve(t, api.Config{Directory: v, Setups: v, SetupLimit: throttle.Limit{PerSecond: tenth, Burst: 2}})
	for _, who := range []string{"owner", "operator"} {
		if got := w.send(t, "POST", checkPath, "", "Authorization: Bearer "+who); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	got := w.send(t, "POST", checkPath, "")
	wait, err := strconv.Atoi(got.header.Get("Retry-After"))
	if p := got.problem(t); p.Status != 429 || p.Code != "request.throttled" || err != nil || wait < 1 || wait > 10 {
		t.Errorf("%d %s, Retry-After %q", got.status, got.body, got.header.Get("Retry-After"))
	}
	other := into[apigen.SetupCheck](t, w.send(t, "POST", "/v1/tenants/acme/connect-instances/berlin/check", ""))
	if other.ConnectInstance != "berlin" || len(v.looked) != 3 {
		t.Errorf("%+v after %v", other, v.looked)
	}
}
