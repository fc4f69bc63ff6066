package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// dials is a directory of one tenant, and gauges that note who was looked at.
type dials struct {
	state  tenant.State
	health tenant.Health
	read   []slug.Slug
}

func (d *dials) Tenant(_ context.Context, _ access.Actor, s slug.Slug) (tenant.Tenant, error) {
	if s != "acme" {
		return tenant.Tenant{}, tenant.ErrNotFound
	}
	return tenant.Tenant{Slug: s, State: d.state}, nil
}

func (*dials) Tenants(context.Context, access.Actor, tenant.Page) ([]tenant.Tenant, string, error) {
	return nil, "", nil
}

func (d *dials) Health(_ context.Context, t tenant.Tenant) tenant.Health {
	d.read = append(d.read, t.Slug)
	return d.health
}

func TestHealth(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	d := &dials{state: tenant.Active, health: tenant.Health{
		At: at,
		Figures: &tenant.Figures{Calls: 2, RecordsIn: 122, Indexed: 120, Retried: 3, Rejected: map[string]int64{"timestamp_missing": 2},
			Refused: map[string]int64{}, LagP95Millis: new(1234.5), Summaries: tenant.SummaryFigures{Written: 2, Again: 1, LagP95Millis: new(61000.0)}},
		Queue: &tenant.QueueDepth{Waiting: 1, InFlight: 2}, DeadLetters: new(int64),
		Unreadable: []tenant.Unreadable{{Part: "oldest_message", Reason: "It is not kept."}},
	}}
	w := serve(t, api.Config{Directory: d, Gauges: d})
	for _, who := range []string{"owner", "auditor"} {
		got := w.send(t, "GET", "/v1/tenants/acme/health", "", "Authorization: Bearer "+who)
		if got.status != 200 {
			t.Fatalf("%s: %d %s", who, got.status, got.body)
		}
		const want = `{"at":"2026-11-24T09:00:00Z","dead_letters":0,"figures":{"calls":2,"indexed":120,"lag_p95_millis":1234.5,"records_in":122,` +
			`"refused":{},"rejected":{"timestamp_missing":2},"retried":3,"summaries":{"again":1,"dropped":0,"lag_p95_millis":61000,"without_report":0,"written":2},"suspect_samples":0,"unknown_agents":0},` +
			`"queue":{"delayed":0,"in_flight":2,"waiting":1},"state":"active","tenant":"acme",` +
			`"unreadable":[{"part":"oldest_message","reason":"It is not kept."}],"window_seconds":3600}`
		if strings.TrimSpace(got.body) != want {
			t.Errorf("answered %s", got.body)
		}
	}
}

// A tenant that is not active has a health too, with what is known of it.
func TestHealthOfATenantInAnyState(t *testing.T) {
	t.Parallel()
	for _, state := range []tenant.State{tenant.Pending, tenant.Provisioning, tenant.Updating, tenant.Suspended, tenant.Failed, tenant.Deleting, tenant.Deleted} {
		d := &dials{state: state, health: tenant.Health{Unreadable: []tenant.Unreadable{{Part: "queue", Reason: "The tenant has no stack."}}}}
		w := serve(t, api.Config{Directory: d, Gauges: d})
		got := w.send(t, "GET", "/v1/tenants/acme/health", "")
		if health := into[apigen.TenantHealth](t, got); got.status != 200 || string(health.State) != string(state) || len(health.Unreadable) != 1 {
			t.Errorf("%s: %d %s", state, got.status, got.body)
		}
		var members map[string]json.RawMessage
		if _ = json.Unmarshal([]byte(got.body), &members); members["figures"] != nil || members["queue"] != nil {
			t.Errorf("%s: what is not known is shown: %s", state, got.body)
		}
	}
}

// Nothing is read of a tenant whom the caller does not reach.
func TestAttackHealthOutOfScope(t *testing.T) {
	t.Parallel()
	d := &dials{state: tenant.Active}
	w := serve(t, api.Config{Directory: d, Gauges: d})
	for _, path := range []string{"beta", "acme-eu", "ACME", "%2e%2e", "earshot"} {
		if p := w.send(t, "GET", "/v1/tenants/"+path+"/health", "").problem(t); p.Status != 404 {
			t.Errorf("%s answers %d", path, p.Status)
		}
	}
	if len(d.read) > 0 {
		t.Errorf("read %v", d.read)
	}
}

func TestListsSayHowTenantsDo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ids := map[string]string{}
	for _, s := range []slug.Slug{"acme", "beta", "gamma"} {
		made := into[apigen.Started](t, w.send(t, "POST", "/v1/tenants", draft(s)))
		if s != "gamma" {
			w.end(t, made.Operation.Id, operation.Succeeded, tenant.Active)
		}
		of, err := w.db.Tenant(t.Context(), owner, s)
		if err != nil {
			t.Fatal(err)
		}
		ids[s.String()] = of.ID
	}
	now := time.Now()
	for s, snapshot := range map[string]tenant.Snapshot{
		"acme": {At: now, Condition: tenant.Warning, Reason: "Dead letters: 3.", CallsToday: new(int64(12))},
		"beta": {At: now.Add(-48 * time.Hour), Condition: tenant.Good, Reason: "Nothing waits.", CallsToday: new(int64(7))},
	} {
		if err := w.db.PutSnapshot(t.Context(), access.ForTenant("health", ids[s]), ids[s], snapshot); err != nil {
			t.Fatal(err)
		}
	}
	all := into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants", "")).Items
	if h := all[0].Health; h == nil || h.State != "warning" || h.Reason != "Dead letters: 3." || h.Stale || h.At == nil || all[0].CallsToday == nil || *all[0].CallsToday != 12 {
		t.Errorf("acme: %+v, calls %v", h, all[0].CallsToday)
	}
	if h := all[1].Health; h == nil || h.State != "good" || !h.Stale || all[1].CallsToday != nil {
		t.Errorf("two days old: %+v, calls %v", h, all[1].CallsToday)
	}
	if h := all[2].Health; h != nil || all[2].CallsToday != nil {
		t.Errorf("a tenant without a stack: %+v", h)
	}
	for query, want := range map[string]string{"health=warning": "acme", "health=good": "beta", "health=bad": "", "health=unknown": "", "health=good&q=acme": ""} {
		var found []string
		for _, one := range into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants?"+query, "")).Items {
			found = append(found, one.Slug)
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if p := w.send(t, "GET", "/v1/tenants?health=ill", "").problem(t); p.Status != 422 {
		t.Errorf("a health that there is not: %d", p.Status)
	}
	other := "Authorization: Bearer auditor@" + ids["beta"]
	if got := w.send(t, "GET", "/v1/tenants?health=warning", "", other); got.body != "{\"items\":[]}\n" {
		t.Errorf("out of scope: %s", got.body)
	}
	if one := into[apigen.Tenant](t, w.send(t, "GET", "/v1/tenants/acme", "")); one.Health != nil || one.CallsToday != nil {
		t.Errorf("one tenant has a snapshot: %+v", one.Health)
	}
}
