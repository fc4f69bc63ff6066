package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func auditEvents(t *testing.T, db postgrestest.Database, f access.AuditFilter) []access.AuditEvent {
	t.Helper()
	list, _, err := db.AuditEvents(t.Context(), owner, f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAuditTellsWhoChangedWhat(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	actor := owner
	actor.Origin = access.Origin{Address: "192.0.2.7", RequestID: "the request"}
	if _, err := db.StartOnboard(t.Context(), actor, postgrestest.Draft(t, s), operation.Write{}); err != nil {
		t.Fatal(err)
	}
	first := auditEvents(t, db, access.AuditFilter{Tenant: s.String()})
	if len(first) != 1 {
		t.Fatalf("an onboarding is told by %d events", len(first))
	}
	e := first[0]
	if e.Actor.Subject != actor.Subject || e.Actor.Name != actor.Name || e.Actor.Role != access.Owner || e.Actor.Origin != actor.Origin {
		t.Errorf("done by %+v", e.Actor)
	}
	var after map[string]any
	if err := json.Unmarshal(e.After, &after); err != nil || e.Before != nil || after["state"] != "pending" || after["settings.retention_days"] != 90.0 {
		t.Errorf("from %s to %s: %v", e.Before, e.After, err)
	}
	if e.Action != "tenants.onboard" || e.Outcome != access.Done || e.Target != "tenants/"+s.String() || e.Tenant != s.String() {
		t.Errorf("the event is %+v", e)
	}
}

func TestAuditOfAnUpdateHasWhatDiffers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	update(t, db, before, ofDatabase)
	list := auditEvents(t, db, access.AuditFilter{Action: "tenants.update"})
	const was, is = `{"settings.retention_days": 90, "settings.delete_protection": false}`, `{"settings.retention_days": 30, "settings.delete_protection": true}`
	if len(list) != 1 || string(list[0].Before) != was || string(list[0].After) != is {
		t.Errorf("got %s", list[0].Before)
	}
}

func TestAuditPagesAndFilters(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	for range 5 {
		if err := db.Refuse(t.Context(), owner, access.Refusal{Action: "cells.add", Target: "cells/" + "x", Code: "access.forbidden"}); err != nil {
			t.Fatal(err)
		}
	}
	onboard(t, db, testenv.Slug(t))
	var seen []int64
	for filter := (access.AuditFilter{Limit: 2, Outcome: access.Refused}); ; {
		list, next, err := db.AuditEvents(t.Context(), owner, filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			seen = append(seen, e.ID)
		}
		onboard(t, db, testenv.Slug(t)) // rows are added between two pages
		if filter.Cursor = next; next == "" {
			break
		}
	}
	if !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) || len(slices.Compact(slices.Clone(seen))) != 5 || len(seen) != 5 {
		t.Errorf("saw %v", seen)
	}
	now := time.Now()
	for name, row := range map[string]struct {
		filter access.AuditFilter
		want   bool
	}{
		"by name": {access.AuditFilter{Actor: owner.Name}, true}, "by subject": {access.AuditFilter{Actor: owner.Subject}, true},
		"of nobody": {access.AuditFilter{Actor: "nobody"}, false}, "until before": {access.AuditFilter{To: now.Add(-time.Hour)}, false},
		"from later": {access.AuditFilter{From: now.Add(time.Hour)}, false}, "about now": {access.AuditFilter{From: now.Add(-time.Hour), To: now.Add(time.Hour)}, true},
		"with quotes": {access.AuditFilter{Action: "' or true --"}, false}, "another's": {access.AuditFilter{Tenant: "nobody"}, false},
	} {
		if list := auditEvents(t, db, row.filter); (len(list) > 0) != row.want {
			t.Errorf("%s: %d events", name, len(list))
		}
	}
	_, next, err := db.AuditEvents(t.Context(), owner, access.AuditFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.AuditEvents(t.Context(), owner, access.AuditFilter{Limit: 1, Cursor: next, Outcome: access.Refused}); !errors.Is(err, tenant.ErrCursor) {
		t.Errorf("another filter's cursor: %v", err)
	}
}

// TestAttackAudit tries, as the service's role and in the widest scope, to change what was written down, or to write in
// another's name.
func TestAttackAudit(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	started := onboard(t, db, testenv.Slug(t))
	for _, attack := range []string{
		"update audit_events set actor = 'another'", "delete from audit_events", "truncate audit_events",
		"update audit_events set detail = '{}' where true", "alter table audit_events disable row level security",
		"drop policy audit_events_in_own_name on audit_events", "drop table audit_events",
		"insert into audit_events (id, actor, action) values (1, 'me', 'x')", // ids are given
		"insert into audit_events (tenant_id, actor, action) values ('" + started.Tenant.ID + "', 'another', 'x')",
		"insert into audit_events (actor, action) values ('another', 'x')",
		"insert into audit_events (actor, action) select subject, 'x' from (select 'operation:1' as subject) s",
	} {
		if err := asMe(t, db, attack); err == nil {
			t.Errorf("the service's role may: %s", attack)
		}
	}
	if err := asMe(t, db, "insert into audit_events (actor, action) values ('me', 'x')"); err != nil {
		t.Errorf("in its own name: %v", err)
	}
}

// asMe runs one statement as the service's role, in the scope of all, for the subject me.
func asMe(t *testing.T, db postgrestest.Database, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select set_config('earshot.scope', '*', true), set_config('earshot.subject', 'me', true)"); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Exec(t.Context(), statement)
		return err
	})
}

// A try at a tenant out of scope is written down, and neither the one who tried nor the other tenant's people read of it.
func TestARefusalOutOfScopeIsForThoseWhoReachAll(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine, other := onboard(t, db, testenv.Slug(t)), onboard(t, db, testenv.Slug(t))
	scoped := access.Actor{Subject: "scoped", Role: access.Operator, Scope: access.Scope{TenantIDs: []string{mine.Tenant.ID}}}
	for _, s := range []tenant.Tenant{mine.Tenant, other.Tenant} {
		name := s.Slug.String()
		if err := db.Refuse(t.Context(), scoped, access.Refusal{Action: "tenants.update", Target: "tenants/" + name, Tenant: name, Code: "x.y"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		actor access.Actor
		want  int
	}{
		{owner, 2}, {scoped, 1},
		{access.Actor{Subject: "neighbour", Role: access.Owner, Scope: access.Scope{TenantIDs: []string{other.Tenant.ID}}}, 0},
	} {
		list, _, err := db.AuditEvents(t.Context(), row.actor, access.AuditFilter{Outcome: access.Refused})
		if err != nil || len(list) != row.want {
			t.Errorf("%s reads of %d tries: %v", row.actor.Subject, len(list), err)
		}
	}
}

// TestAttackAuditorInTheDatabase is an auditor whom a route let through by mistake.
func TestAttackAuditorInTheDatabase(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	auditor := access.Actor{Subject: "auditor", Role: access.Auditor, Scope: access.Scope{All: true}}
	for name, change := range map[string]func() error{
		"onboard": func() error {
			return ignore(db.StartOnboard(t.Context(), auditor, postgrestest.Draft(t, testenv.Slug(t)), operation.Write{}))
		},
		"update": func() error {
			return ignore(db.StartUpdate(t.Context(), auditor, before.Slug, tenant.Change{RetentionDays: new(1)}, nil, operation.Write{}))
		},
		"suspend": func() error { return ignore(db.StartSuspend(t.Context(), auditor, before.Slug, operation.Write{})) },
		"off-board": func() error {
			return ignore(db.StartOffboard(t.Context(), auditor, before.Slug, operation.DeleteData, operation.Write{}))
		},
	} {
		if err := change(); !errors.Is(err, access.ErrForbidden) && !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s as an auditor: %v", name, err)
		}
	}
	if after := tenantOf(t, db, before.Slug); after.Version != before.Version {
		t.Errorf("the tenant was changed: %+v", after)
	}
	if list, _, err := db.Tenants(t.Context(), auditor, tenant.Page{}); err != nil || len(list) != 1 {
		t.Errorf("an auditor reads of %d tenants: %v", len(list), err)
	}
}
