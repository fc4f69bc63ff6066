package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// found returns the slugs that a search finds, page by page.
func found(t *testing.T, db *postgres.DB, actor access.Actor, part string) (slugs []slug.Slug) {
	t.Helper()
	page := tenant.Page{Query: part, Limit: 90}
	for {
		list, next, err := db.Tenants(t.Context(), actor, page)
		if err != nil {
			t.Fatalf("search for %q: %v", part, err)
		}
		for _, one := range list {
			slugs = append(slugs, one.Slug)
		}
		if page.Cursor = next; next == "" {
			return slugs
		}
	}
}

// write runs a statement as the service's role in a scope, by hand: as the release before, which knows of no endings.
func write(t *testing.T, url, scope, role, statement string, args ...any) (rows int64, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select set_config('earshot.scope', $1, true), set_config('earshot.role', $2, true)", scope, role); err != nil {
			return err
		}
		tag, err := tx.Exec(t.Context(), statement, args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// TestSearch holds what is found against a look at every name, for parts that few tenants have and parts that many have.
func TestSearch(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	const crowd = 250 // more than are asked for by their ids
	all := map[slug.Slug]string{"acmeuk": "Acme Ökonomie 100%", "banana": "Banana_Republic", "zebra": "ZEBRA 日本 👩‍💻", "plain": `An an\an 'an'`}
	for s, name := range all {
		draft := postgrestest.Draft(t, s)
		draft.DisplayName = name
		if _, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := write(t, db.AppURL, "*", "owner", `insert into tenants (id, slug, display_name, state, isolation, cell, external_id, settings)
		select gen_random_uuid(), 'crowd' || n, 'Contact Centre ' || n, 'active', 'pooled', 'local', 'of-crowd-' || n, '{}'::jsonb
		from generate_series(1, $1::int) n`, crowd); err != nil {
		t.Fatal(err)
	}
	for n := range crowd {
		all[slug.Slug(fmt.Sprint("crowd", n+1))] = fmt.Sprint("Contact Centre ", n+1)
	}
	for _, part := range []string{
		"uk", "acmeuk", "ACME", "ökonomie", "ÖKO", "100%", "%", "_", "a_r", "ana", "an", "a", "日本", "本 👩", "👩‍💻", "\U0010ffff", `\`, "'", "acmeukx", "banana_republics",
		"centre", "entre 24", "tact centre 250", "crowd", "wd1", "1", "centre 251", "of this name", " ", "  ",
	} {
		var want []slug.Slug
		for s, name := range all {
			if strings.Contains(s.String(), strings.ToLower(part)) || strings.Contains(strings.ToLower(name), strings.ToLower(part)) {
				want = append(want, s)
			}
		}
		slices.Sort(want)
		if got := found(t, db.DB, owner, part); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", part, got, want)
		}
	}
}

func TestSearchAfterRenaming(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	id := onboard(t, db, "renamed").Tenant.ID
	onboard(t, db, "another")
	for _, name := range []string{"A shared part and more", "A shared part", "RENAMED"} {
		if rows, err := write(t, db.AppURL, id, "system", "update tenants set display_name = $1", name); err != nil || rows != 1 {
			t.Fatalf("%d tenants were renamed: %v", rows, err)
		}
	}
	for part, want := range map[string]int{"shared": 0, "part": 0, "tenant": 1, "tenant renamed": 0, "named": 1, "a": 2} {
		if got := found(t, db.DB, owner, part); len(got) != want {
			t.Errorf("%q finds %v", part, got)
		}
	}
	endings := names(t, db.SuperuserURL, "select ending from tenant_name_endings where tenant_id = '"+id+"' order by 1")
	if want := []string{"amed", "d", "ed", "enamed", "med", "named", "renamed"}; !slices.Equal(endings, want) {
		t.Errorf("what is kept of its names is %v, want %v", endings, want)
	}
}

// TestAttackSearch looks for names outside of a scope, and changes what is found by as an auditor.
func TestAttackSearch(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	mine := onboard(t, db, "mine").Tenant.ID
	onboard(t, db, "theirs")
	stranger := access.Actor{Subject: "s", Role: access.Operator, Scope: access.Scope{TenantIDs: []string{mine}}}
	for part, want := range map[string][]slug.Slug{"tenant": {"mine"}, "mine": {"mine"}, "theirs": nil, "' or true --": nil} {
		if got := found(t, db.DB, stranger, part); !slices.Equal(got, want) {
			t.Errorf("%q finds %v in the scope of one tenant", part, got)
		}
	}
	if _, err := write(t, db.AppURL, "*", "auditor", "insert into tenant_name_endings (ending, tenant_id) values ('x', $1)", mine); err == nil {
		t.Error("an auditor has added to a tenant's names")
	}
	if rows, err := write(t, db.AppURL, "*", "auditor", "delete from tenant_name_endings"); err != nil || rows > 0 {
		t.Errorf("an auditor has removed %d endings: %v", rows, err)
	}
}

// TestSearchAsksAnIndex has Postgres say how it looks for a part as the service's role. Row-level security keeps from an index whatever
// might tell of rows out of scope.
func TestSearchAsksAnIndex(t *testing.T) {
	t.Parallel()
	world := postgrestest.New(t, testenv.Postgres(t))
	onboard(t, world, "sought")
	var asked statements
	db, err := postgres.Open(t.Context(), postgres.Config{URL: world.AppURL, Tracer: &asked})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := found(t, db, owner, "ought"); len(got) != 1 {
		t.Fatalf("found %v", got)
	}
	for table, want := range map[string]string{"tenant_name_endings e": "Index Cond: ((ending >= ", "tenants t left join": "(id = ANY ('{"} {
		if plan := explain(t, world.AppURL, asked.of(table)); !strings.Contains(plan, want) {
			t.Errorf("%s is asked without %q:\n%s", table, want, plan)
		}
	}
}

// statements keeps what a database was asked.
type statements struct {
	mu   sync.Mutex
	kept []pgx.TraceQueryStartData
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, one pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, one)
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) of(table string) (found pgx.TraceQueryStartData) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.kept {
		if strings.Contains(one.SQL, table) {
			found = one
		}
	}
	return found
}

// explain returns the plan of a statement where an index is preferred however few rows there are.
func explain(t *testing.T, url string, statement pgx.TraceQueryStartData) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "set enable_seqscan = off"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), "explain "+statement.SQL, statement.Args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("explain %s: %v", statement.SQL, err)
	}
	return strings.Join(lines, "\n")
}
