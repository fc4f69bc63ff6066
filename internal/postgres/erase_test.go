package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// named lists the tables with a row that holds a text.
func named(t *testing.T, db postgrestest.Database, text string) (tables []string) {
	t.Helper()
	for _, table := range names(t, db.SuperuserURL, `select format('%I.%I', table_schema, table_name) from information_schema.tables
		where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`) {
		if rows := names(t, db.SuperuserURL, "select t::text from "+table+" t where strpos(t::text, '"+text+"') > 0"); len(rows) > 0 {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	return tables
}

// The name is in the operation alone, and leaves it with its end; the subject stays, in the audit too.
func TestTheNameOfWhoIsErasedIsForgotten(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	const agent = "mira.holm"
	of := active(t, db)
	started, err := db.StartErase(t.Context(), owner, of.Slug, agent, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	want := telemetry.SubjectOf(of.ExternalID, agent)
	if started.Operation.Erase.Agent != agent || started.Operation.Erase.Subject != want || started.Tenant.State != tenant.Active {
		t.Errorf("got %+v", started)
	}
	if tables := named(t, db, agent); len(tables) != 1 || tables[0] != "public.operations" {
		t.Errorf("while it runs the name is in %v", tables)
	}
	end(t, db, started.Operation, operation.Failed, nil)
	again, err := db.StartRetry(t.Context(), owner, of.Slug, operation.Write{})
	if err != nil || again.Operation.Erase.Agent != agent || again.Tenant.State != tenant.Active {
		t.Fatalf("the second attempt is %+v, %v", again, err)
	}
	end(t, db, again.Operation, operation.Succeeded, nil)
	if tables := named(t, db, agent); len(tables) > 0 {
		t.Errorf("afterwards the name is in %v", tables)
	}
	if tables := named(t, db, string(want)); strings.Join(tables, " ") != "public.audit_events public.operations" {
		t.Errorf("the subject is in %v", tables)
	}
}

// A failed erasure that nobody can retry any more keeps no name either; nor does one that an off-boarding has cancelled.
func TestTheNameGoesWithTheChanceOfARetry(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	const agent = "mira.holm"
	of := active(t, db)
	erase := func() operation.Started {
		t.Helper()
		started, err := db.StartErase(t.Context(), owner, of.Slug, agent, operation.Write{})
		if err != nil {
			t.Fatal(err)
		}
		return started
	}
	end(t, db, erase().Operation, operation.Failed, nil)
	update(t, db, of, ofDatabase)
	if tables := named(t, db, agent); len(tables) != 1 {
		t.Errorf("the name is in %v", tables)
	}
	running := erase()
	if rows := names(t, db.SuperuserURL, "select id::text from operations where erasure ? 'agent'"); len(rows) != 1 || rows[0] != running.Operation.ID {
		t.Errorf("the name is in %v, want the running one %s", rows, running.Operation.ID)
	}
	asSuperuser(t, db, "update tenants set settings = jsonb_set(settings, '{delete_protection}', 'false')")
	if _, err := db.StartOffboard(t.Context(), owner, of.Slug, operation.DeleteData, operation.Write{}); err != nil {
		t.Fatal(err)
	}
	end(t, db, running.Operation, operation.Cancelled, nil)
	if tables := named(t, db, agent); len(tables) > 0 {
		t.Errorf("afterwards the name is in %v", tables)
	}
}

// No code of ours can leave the name behind: the table refuses it.
func TestTheTableRefusesANameAfterwards(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	of := active(t, db)
	if _, err := db.StartErase(t.Context(), owner, of.Slug, "mira.holm", operation.Write{}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), db.SuperuserURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), "update operations set state = 'succeeded', finished_at = now() where kind = 'erase'")
	if err == nil || !strings.Contains(err.Error(), "operation_erasure_names_nobody_afterwards") {
		t.Errorf("got %v", err)
	}
}
