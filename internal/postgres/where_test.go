package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// TestAttackQueryWithoutWhere runs queries that forgot their WHERE, as the service's role in the scope of one tenant of two.
func TestAttackQueryWithoutWhere(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine := onboard(t, db, testenv.Slug(t))
	other, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, testenv.Slug(t)), operation.Write{
		Key: "a key", Render: func(operation.Started) ([]byte, error) { return []byte("{}"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for table, column := range map[string]string{
		"tenants": "id", "connect_instances": "tenant_id", "operations": "tenant_id", "operation_events": "tenant_id", "audit_events": "tenant_id",
		"tenant_name_endings": "tenant_id",
	} {
		all := names(t, db.SuperuserURL, "select "+column+"::text from "+table+" where "+column+" in ('"+mine.Tenant.ID+"', '"+other.Tenant.ID+"') group by 1")
		if len(all) != 2 {
			t.Errorf("%s: the superuser sees tenants %v, want both", table, all)
		}
		seen, changed, err := inScope(t, db.AppURL, mine.Tenant.ID, "select "+column+"::text from "+table, "update "+table+" set "+column+" = "+column)
		if err != nil && table != "operation_events" && table != "audit_events" && table != "tenant_name_endings" { // these may not be changed at all
			t.Errorf("%s: %v", table, err)
		}
		if len(seen) == 0 || changed > len(seen) {
			t.Errorf("%s: %d rows are seen, %d changed", table, len(seen), changed)
		}
		for _, id := range seen {
			if id != mine.Tenant.ID {
				t.Errorf("%s shows a row of tenant %s", table, id)
			}
		}
	}
	if keys, _, err := inScope(t, db.AppURL, mine.Tenant.ID, "select key from idempotency_keys", "delete from idempotency_keys"); err != nil || len(keys) > 0 {
		t.Errorf("another caller's keys: %v, %v", keys, err)
	}
	if left := names(t, db.SuperuserURL, "select key from idempotency_keys"); len(left) != 1 {
		t.Errorf("the keys are now %v", left)
	}
	if _, removed, err := inScope(t, db.AppURL, mine.Tenant.ID, "select ending from tenant_name_endings", "delete from tenant_name_endings"); err != nil ||
		removed != len(names(t, db.SuperuserURL, "select ending from tenant_name_endings where tenant_id = '"+mine.Tenant.ID+"'")) {
		t.Errorf("%d endings are removed: %v", removed, err)
	}
	for _, attack := range []string{
		"insert into audit_events (tenant_id, actor, action) values ('" + other.Tenant.ID + "', 'x', 'x')",
		"update operations set tenant_id = '" + other.Tenant.ID + "'",
		"update tenants set id = gen_random_uuid()",
		"insert into tenant_name_endings (ending, tenant_id) values ('x', '" + other.Tenant.ID + "')",
	} {
		if _, _, err := inScope(t, db.AppURL, mine.Tenant.ID, "select id::text from tenants", attack); err == nil {
			t.Errorf("in one tenant's scope may: %s", attack)
		}
	}
}

// inScope reads and changes as the service's role in the scope of one tenant, and takes the change back.
func inScope(t *testing.T, url, tenantID, read, change string) (seen []string, changed int, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "select set_config('earshot.scope', $1, true), set_config('earshot.subject', 'stranger', true)", tenantID); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(t.Context(), read)
	if err != nil {
		t.Fatal(err)
	}
	if seen, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	tag, err := tx.Exec(t.Context(), change)
	return seen, int(tag.RowsAffected()), err
}
