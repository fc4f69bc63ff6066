package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func slugsOf(list []tenant.Tenant) string {
	var all []string
	for _, t := range list {
		all = append(all, t.Slug.String())
	}
	return strings.Join(all, " ")
}

// activeTenants makes tenants that keep documents.
func activeTenants(t *testing.T, db postgrestest.Database, slugs ...slug.Slug) map[string]tenant.Tenant {
	t.Helper()
	made := map[string]tenant.Tenant{}
	for _, s := range slugs {
		end(t, db, onboard(t, db, s).Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})
		made[s.String()] = tenantOf(t, db, s)
	}
	return made
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	made := activeTenants(t, db, "acme", "beta", "gamma")
	now := time.Now().UTC().Truncate(time.Millisecond)
	put := func(s string, at time.Time, condition tenant.Condition, calls *int64) {
		t.Helper()
		id := made[s].ID
		if err := db.PutSnapshot(t.Context(), access.ForTenant("health", id), id, tenant.Snapshot{At: at, Condition: condition, Reason: "So it is.", CallsToday: calls}); err != nil {
			t.Fatal(err)
		}
	}
	due := func(since time.Time, most int) string {
		t.Helper()
		list, err := db.TenantsToLookAt(t.Context(), owner, since, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if len(one.ConnectInstances) == 0 {
				t.Errorf("%s has no instances", one.Slug)
			}
		}
		return slugsOf(list)
	}
	listed := func(condition tenant.Condition) string {
		t.Helper()
		list, _, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: condition})
		if err != nil {
			t.Fatal(err)
		}
		return slugsOf(list)
	}
	if got := listed(tenant.Unknown); got != "acme beta gamma" {
		t.Errorf("whom nobody has looked at: %s", got)
	}
	put("beta", now.Add(-time.Minute), tenant.Good, new(int64(4)))
	put("acme", now.Add(-2*time.Minute), tenant.Bad, nil)
	if got := due(now, 10); got != "gamma acme beta" {
		t.Errorf("due: %s, want those that were left alone for the longest first", got)
	}
	if got := due(now, 2); got != "gamma acme" {
		t.Errorf("two that are due: %s", got)
	}
	if got := due(now.Add(-90*time.Second), 10); got != "gamma acme" {
		t.Errorf("due a while ago: %s", got)
	}
	put("acme", now, tenant.Warning, new(int64(12)))
	put("acme", now.Add(-time.Hour), tenant.Good, nil) // a look that took long
	if good, warning, bad, unknown := listed(tenant.Good), listed(tenant.Warning), listed(tenant.Bad), listed(tenant.Unknown); good != "beta" || warning != "acme" || bad != "" || unknown != "gamma" {
		t.Errorf("good %q, warning %q, bad %q, unknown %q", good, warning, bad, unknown)
	}
	list, _, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: tenant.Warning})
	if err != nil || list[0].Snapshot == nil {
		t.Fatalf("%+v, %v", list, err)
	}
	if s := list[0].Snapshot; !s.At.Equal(now) || s.Condition != tenant.Warning || s.Reason != "So it is." || s.CallsToday == nil || *s.CallsToday != 12 {
		t.Errorf("kept %+v", s)
	}
}

// Pages of a list go on where they were though conditions change between them: nobody is shown twice, and nobody whose condition stays
// is left out.
func TestPagesOfAConditionStayRight(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	made := activeTenants(t, db, "aaa", "bbb", "ccc", "ddd", "eee")
	put := func(s string, condition tenant.Condition) {
		t.Helper()
		id := made[s].ID
		if err := db.PutSnapshot(t.Context(), access.ForTenant("health", id), id, tenant.Snapshot{At: time.Now(), Condition: condition}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"aaa", "bbb", "ddd", "eee"} {
		put(s, tenant.Warning)
	}
	first, next, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: tenant.Warning, Limit: 2})
	if err != nil || slugsOf(first) != "aaa bbb" {
		t.Fatalf("%s, %v", slugsOf(first), err)
	}
	put("bbb", tenant.Good)
	put("ccc", tenant.Warning)
	put("aaa", tenant.Warning)
	rest, _, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: tenant.Warning, Limit: 10, Cursor: next})
	if err != nil || slugsOf(rest) != "ccc ddd eee" {
		t.Errorf("%s, %v", slugsOf(rest), err)
	}
	if _, _, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: tenant.Good, Cursor: next}); err == nil {
		t.Error("a cursor of another filter is taken")
	}
}

// A snapshot belongs to its tenant's row: an actor of one tenant sees and writes no other's, and an auditor writes none.
func TestAttackSnapshots(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	made := activeTenants(t, db, "acme", "beta")
	own := access.ForTenant("health", made["acme"].ID)
	if err := db.PutSnapshot(t.Context(), own, made["beta"].ID, tenant.Snapshot{At: time.Now(), Condition: tenant.Bad}); err == nil {
		t.Error("acme's look is kept as beta's")
	}
	if list, err := db.TenantsToLookAt(t.Context(), own, time.Now(), 10); err != nil || slugsOf(list) != "acme" {
		t.Errorf("%s, %v", slugsOf(list), err)
	}
	auditor := access.Actor{Subject: "a", Role: access.Auditor, Scope: access.Scope{All: true}}
	if err := db.PutSnapshot(t.Context(), auditor, made["acme"].ID, tenant.Snapshot{At: time.Now(), Condition: tenant.Bad}); err == nil {
		t.Error("an auditor has written how acme does")
	}
	if list, _, err := db.Tenants(t.Context(), owner, tenant.Page{Condition: tenant.Unknown}); err != nil || slugsOf(list) != "acme beta" {
		t.Errorf("%s, %v", slugsOf(list), err)
	}
}
