package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
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
