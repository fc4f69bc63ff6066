package postgres_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// TestCatalog asks Postgres itself whether anything of a tenant could be seen past row-level security.
func TestCatalog(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	for what, query := range map[string]string{
		"tables without forced row-level security": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = 'public' and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`,
		"tables without a policy": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = 'public' and relkind in ('r', 'p')
			and not exists (select from pg_policy p where p.polrelid = c.oid)`,
		"tables without a comment": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = 'public' and relkind in ('r', 'p') and obj_description(c.oid, 'pg_class') is null`,
		"views and functions with the rights of whoever made them": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = 'public' and relkind in ('v', 'm')
			union all select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
			where n.nspname = 'public' and prosecdef`,
		"roles of ours with a way around": `
			select rolname from pg_roles where rolname in ('earshot_app', 'earshot_owner')
			and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
		"roles that the service's role is a member of": `
			select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid
			where m.member = 'earshot_app'::regrole`,
		"things that the service's role owns": `
			select relname from pg_class where relowner = 'earshot_app'::regrole
			union all select nspname from pg_namespace where nspowner = 'earshot_app'::regrole
			union all select proname from pg_proc where proowner = 'earshot_app'::regrole`,
		"things that a superuser owns": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname in ('public', 'river', 'goose') and relowner <> 'earshot_owner'::regrole`,
		"tables that the service's role may truncate or refer to": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname in ('public', 'river', 'goose') and relkind in ('r', 'p')
			and has_table_privilege('earshot_app', c.oid, 'truncate, references, trigger')`,
		"stories that the service's role may rewrite": `
			select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = 'public' and relname in ('audit_events', 'operation_events')
			and has_table_privilege('earshot_app', c.oid, 'update, delete')`,
		"schemas in which the service's role may make things": `
			select nspname from pg_namespace where has_schema_privilege('earshot_app', oid, 'create')`,
		"keys without a name of ours": `
			select conname from pg_constraint c join pg_namespace n on n.oid = c.connamespace
			where n.nspname = 'public' and contype in ('c', 'f', 'u') and conname ~ '_(check|fkey|key)[0-9]*$'`,
	} {
		if found := names(t, db.SuperuserURL, query); len(found) > 0 {
			t.Errorf("%s: %v", what, found)
		}
	}
}

func names(t *testing.T, url, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return found
}

// A foreign call is one method called by somebody who reaches another tenant only.
type foreign func(ctx context.Context, db postgrestest.Database, stranger access.Actor, of operation.Started) error

func ignore[T any](_ T, err error) error { return err }

// methods says what each method must answer a stranger. A method that is missing here fails the test.
var methods = map[string]struct {
	call foreign
	want error // nil: the call succeeds and returns nothing of the tenant, which it checks itself
}{
	"Tenant": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.Tenant(ctx, a, of.Tenant.Slug))
	}, tenant.ErrNotFound},
	"Tenants": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		list, _, err := db.Tenants(ctx, a, tenant.Page{})
		return nothing(len(list), err)
	}, nil},
	"Cells": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		cells, err := db.Cells(ctx, a)
		return nothing(cells[0].Tenants, err)
	}, nil},
	"Cell": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		cell, err := db.Cell(ctx, a, of.Tenant.Cell)
		return nothing(cell.Tenants+cell.Shards, err)
	}, nil},
	"AddCell": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		return ignore(db.AddCell(ctx, a, tenant.Cell{Name: "mine", Region: "eu-central-1", StackName: "s"}))
	}, access.ErrForbidden},
	"ChangeCell": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.ChangeCell(ctx, a, of.Tenant.Cell, tenant.CellChange{Draining: new(true)}, nil))
	}, tenant.ErrNoSuchCell},
	"Operation": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.Operation(ctx, a, of.Operation.ID))
	}, operation.ErrNotFound},
	"Operations": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		list, _, err := db.Operations(ctx, a, operation.Filter{})
		return nothing(len(list), err)
	}, nil},
	"Events": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.Events(ctx, a, of.Operation.ID, 0, 10))
	}, operation.ErrNotFound},
	"StartOnboard": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		return ignore(db.StartOnboard(ctx, a, tenant.Draft{Slug: "another"}, operation.Write{}))
	}, access.ErrScope},
	"StartUpdate": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartUpdate(ctx, a, of.Tenant.Slug, tenant.Change{RetentionDays: new(1)}, nil, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartReplay": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartReplay(ctx, a, of.Tenant.Slug, operation.Span{}, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartRedrive": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartRedrive(ctx, a, of.Tenant.Slug, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartUpgrade": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartUpgrade(ctx, a, of.Tenant.Slug, "v2", operation.Write{}))
	}, tenant.ErrNotFound},
	"StartPreview": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartPreview(ctx, a, of.Tenant.Slug, "v2", operation.Write{}))
	}, tenant.ErrNotFound},
	"StartRollout": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartRollout(ctx, a, operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{of.Tenant.Slug}, Parallel: 1}, operation.Write{}))
	}, operation.ErrRolloutTenants},
	"Rollout": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		r, err := rolloutOf(ctx, db, of)
		if err != nil {
			return err
		}
		return ignore(db.Rollout(ctx, a, r.ID))
	}, operation.ErrNoRollout},
	"Rollouts": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		if _, err := rolloutOf(ctx, db, of); err != nil {
			return err
		}
		list, _, err := db.Rollouts(ctx, a, 0, "")
		return nothing(len(list), err)
	}, nil},
	"AdvanceRollout": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		r, err := rolloutOf(ctx, db, of)
		if err != nil {
			return err
		}
		if over, err := db.AdvanceRollout(ctx, operation.RolloutArgs{RolloutID: r.ID, TenantIDs: a.Scope.TenantIDs}); err != nil || !over {
			return errSeen
		}
		return nil
	}, nil},
	"StartSuspend": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartSuspend(ctx, a, of.Tenant.Slug, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartResume": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartResume(ctx, a, of.Tenant.Slug, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartOffboard": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartOffboard(ctx, a, of.Tenant.Slug, operation.DeleteData, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartErase": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartErase(ctx, a, of.Tenant.Slug, "mira.holm", operation.Write{}))
	}, tenant.ErrNotFound},
	"Record": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.Record(ctx, a, of.Tenant.Slug, "managers.invite", operation.Write{}, func(context.Context, tenant.Tenant) (operation.Deed, error) {
			return operation.Deed{}, errors.New("a stranger did something to the tenant")
		}))
	}, tenant.ErrNotFound},
	"StartRetry": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartRetry(ctx, a, of.Tenant.Slug, operation.Write{}))
	}, tenant.ErrNotFound},
	"StartRebuild": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.StartRebuild(ctx, a, of.Tenant.Slug))
	}, tenant.ErrNotFound},
	"Claim": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return ignore(db.Claim(ctx, a.Scope.TenantIDs[0], of.Operation.ID, "stranger", time.Minute))
	}, operation.ErrNotFound},
	"Save": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		op := of.Operation
		op.TenantID = a.Scope.TenantIDs[0]
		return db.Save(ctx, operation.Progress{Operation: op})
	}, operation.ErrLost},
	"Release": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		op := of.Operation
		op.TenantID = a.Scope.TenantIDs[0]
		return db.Release(ctx, op)
	}, operation.ErrLost},
	"Counts": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		operations, _, err := db.Counts(ctx, a)
		return nothing(len(operations), err)
	}, nil},
	"Requeue": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		requeued, err := db.Requeue(ctx, a, -time.Hour)
		return nothing(requeued, err)
	}, nil},
	"TakeOver": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		taken, err := db.TakeOver(ctx, a, postgres.Survivor{Lease: time.Second})
		return nothing(taken, err)
	}, nil},
	"TenantsToLookAt": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		list, err := db.TenantsToLookAt(ctx, a, time.Now(), 10)
		return nothing(len(list), err)
	}, nil},
	"PutSnapshot": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return db.PutSnapshot(ctx, a, of.Tenant.ID, tenant.Snapshot{At: time.Now(), Condition: tenant.Good})
	}, tenant.ErrNotFound},
	"ScheduleExpiry": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		scheduled, err := db.ScheduleExpiry(ctx, a, time.Minute)
		return nothing(scheduled, err)
	}, nil},
	"Audit": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return db.Audit(ctx, a, of.Tenant.ID, "tenants.expire", map[string]any{})
	}, tenant.ErrNotFound},
	"Refuse": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		if err := db.Refuse(ctx, a, access.Refusal{Action: "x", Target: "tenants/" + of.Tenant.Slug.String(), Tenant: of.Tenant.Slug.String(), Code: "x"}); err != nil {
			return err
		}
		list, _, err := db.AuditEvents(ctx, owner, access.AuditFilter{Actor: a.Subject, Outcome: access.Refused})
		if len(list) != 1 || list[0].TenantID != "" { // a stranger's try becomes nothing of the tenant's
			return errSeen
		}
		return err
	}, nil},
	"AuditEvents": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		list, _, err := db.AuditEvents(ctx, a, access.AuditFilter{})
		return nothing(len(list), err)
	}, nil},
	"ForgetOldKeys": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		removed, err := db.ForgetOldKeys(ctx, a)
		return nothing(int(removed), err)
	}, nil},
	"AddKey": {func(ctx context.Context, db postgrestest.Database, a access.Actor, of operation.Started) error {
		return third(db.AddKey(ctx, a, access.KeyDraft{Name: "x", Role: access.Owner, Tenants: []string{of.Tenant.Slug.String()}, Days: 1}))
	}, access.ErrKeyTenants},
	"ListKeys": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		if _, err := keyOfOwner(ctx, db); err != nil {
			return err
		}
		list, err := db.ListKeys(ctx, a)
		return nothing(len(list), err)
	}, nil},
	"RotateKey": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		key, err := keyOfOwner(ctx, db)
		if err != nil {
			return err
		}
		return third(db.RotateKey(ctx, a, key.ID, 1))
	}, access.ErrNoKey},
	"RevokeKey": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		key, err := keyOfOwner(ctx, db)
		if err != nil {
			return err
		}
		return db.RevokeKey(ctx, a, key.ID)
	}, access.ErrNoKey},
	"Admins": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		if err := db.Seen(ctx, owner); err != nil {
			return err
		}
		list, err := db.Admins(ctx, a)
		return nothing(len(list), err)
	}, nil},
	"SetDisabled": {func(ctx context.Context, db postgrestest.Database, a access.Actor, _ operation.Started) error {
		if err := db.Seen(ctx, owner); err != nil {
			return err
		}
		return db.SetDisabled(ctx, a, owner.Subject, true)
	}, access.ErrNoAdmin},
	"TenantIDs": {}, "KeyActor": {}, "Seen": {}, // asked before there is an actor, to make one
	"Close": {}, "Ping": {}, "Pool": {}, "Listen": {}, // nothing of a tenant
}

// keyOfOwner makes a key that reaches every tenant.
func keyOfOwner(ctx context.Context, db postgrestest.Database) (access.Key, error) {
	if err := db.Seen(ctx, owner); err != nil {
		return access.Key{}, err
	}
	key, _, err := db.AddKey(ctx, owner, access.KeyDraft{Name: "x", Role: access.Owner, Days: 1})
	return key, err
}

func third[K, S any](_ K, _ S, err error) error { return err }

var errSeen = errors.New("something of a foreign tenant was seen")

func nothing(seen int, err error) error {
	if err == nil && seen > 0 {
		return errSeen
	}
	return err
}

func TestAttackForeignScope(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	started := onboard(t, db, testenv.Slug(t))
	asSuperuser(t, db, "update river.river_job set state = 'running', attempt = 1, attempted_at = now() - interval '1 hour'") // for TakeOver
	stranger := access.Actor{Subject: "stranger", Role: access.Owner, Scope: access.Scope{TenantIDs: []string{uuid.NewString()}}}
	for _, name := range methodNames() {
		m, known := methods[name]
		switch {
		case !known:
			t.Errorf("%s: say in this test what a stranger gets from it", name)
		case m.call != nil:
			if err := m.call(t.Context(), db, stranger, started); !errors.Is(err, m.want) {
				t.Errorf("%s answers a stranger %v, want %v", name, err, m.want)
			}
		}
	}
	after, err := db.Operation(t.Context(), owner, started.Operation.ID)
	if err != nil || !reflect.DeepEqual(after, started.Operation) {
		t.Errorf("the operation was changed: %+v, %v", after, err)
	}
}

func methodNames() []string {
	var all []string
	db := reflect.TypeFor[*postgres.DB]()
	for i := range db.NumMethod() {
		all = append(all, db.Method(i).Name)
	}
	return slices.Sorted(slices.Values(all))
}

// TestAttackScopes tries scopes that are none, or that try to be more than they are.
func TestAttackScopes(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	started := onboard(t, db, testenv.Slug(t))
	for name, scope := range map[string]access.Scope{
		"the zero value": {}, "a star": {TenantIDs: []string{"*"}}, "an empty id": {TenantIDs: []string{""}},
		"two ids in one": {TenantIDs: []string{uuid.NewString() + "," + started.Tenant.ID}},
		"braces":         {TenantIDs: []string{"{" + started.Tenant.ID + "}"}},
	} {
		list, _, err := db.Tenants(t.Context(), access.Actor{Subject: "stranger", Role: access.Owner, Scope: scope}, tenant.Page{})
		if len(list) > 0 {
			t.Errorf("%s: sees %d tenants (%v)", name, len(list), err)
		}
	}
	mine := access.Actor{Subject: "s", Role: access.Owner, Scope: access.Scope{TenantIDs: []string{uuid.NewString(), started.Tenant.ID}}}
	if list, _, err := db.Tenants(t.Context(), mine, tenant.Page{}); err != nil || len(list) != 1 {
		t.Errorf("a scope of two tenants sees %d: %v", len(list), err)
	}
}

// TestAttackForgottenScope runs queries as the service's role without the helper that sets the scope.
func TestAttackForgottenScope(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	started := onboard(t, db, testenv.Slug(t))
	conn, err := pgx.Connect(t.Context(), db.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, scope := range []string{
		"", // none was ever set
		"begin; select set_config('earshot.scope', '*', true), set_config('earshot.subject', 'x', true); commit", // one was, before
	} {
		if _, err := conn.Exec(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"tenants", "connect_instances", "operations", "operation_events", "audit_events", "idempotency_keys", "rollouts", "tenant_name_endings"} {
			var rows int
			if err := conn.QueryRow(t.Context(), "select count(*) from "+table).Scan(&rows); err != nil || rows != 0 {
				t.Errorf("without a scope %s shows %d rows: %v", table, rows, err)
			}
		}
		tag, err := conn.Exec(t.Context(), "update operations set percent = 100 where id = $1", started.Operation.ID)
		if err != nil || tag.RowsAffected() != 0 {
			t.Errorf("without a scope %d operations were changed: %v", tag.RowsAffected(), err)
		}
		tag, err = conn.Exec(t.Context(), "update cells set max_tenants = 100000")
		if err != nil || tag.RowsAffected() != 0 {
			t.Errorf("without a scope %d cells were changed: %v", tag.RowsAffected(), err)
		}
	}
	for _, attack := range []string{
		"truncate tenants cascade", "set role earshot_owner", "alter table tenants no force row level security",
		"create table mine (id int)", "set row_security = off; select count(*) from tenants", "delete from audit_events",
		"create policy open on tenants using (true)", "update cells set external_id = 'mine'", "drop table operations", "delete from cells",
		"insert into cells (name, region, stack_name, max_tenants) values ('mine', 'eu-central-1', 'x', 1)",
	} {
		if _, err := conn.Exec(t.Context(), attack); err == nil {
			t.Errorf("the service's role may: %s", attack)
		}
	}
}

// TestScopeEndsWithItsTransaction borrows the same connection over and over.
func TestScopeEndsWithItsTransaction(t *testing.T) {
	t.Parallel()
	world := postgrestest.New(t, testenv.Postgres(t))
	db, err := postgres.Open(t.Context(), postgres.Config{URL: world.AppURL, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	onboard(t, world, testenv.Slug(t))
	stranger := access.ForTenant("stranger", uuid.NewString())
	for range 3 {
		if list, _, err := db.Tenants(t.Context(), owner, tenant.Page{}); err != nil || len(list) != 1 {
			t.Fatalf("the owner sees %d: %v", len(list), err)
		}
		var rows int
		if err := db.Pool().QueryRow(t.Context(), "select count(*) from tenants").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("the next borrower of the connection sees %d rows: %v", rows, err)
		}
		if list, _, err := db.Tenants(t.Context(), stranger, tenant.Page{}); err != nil || len(list) != 0 {
			t.Errorf("the stranger sees %d: %v", len(list), err)
		}
	}
}
