package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// TestMigrations takes each migration up, with rows in every table that it made, then down and up again.
func TestMigrations(t *testing.T) {
	t.Parallel()
	superuser := testenv.Postgres(t)
	owner, err := ensureRoles(t.Context(), superuser, appURL(t, superuser))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := poolAs(t.Context(), superuser, owner)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := makeSchemas(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	provider, err := newProvider(stdlib.OpenDBFromPool(pool))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for range provider.ListSources() {
			up(t, pool, provider)
		}
		if _, err := provider.Down(t.Context()); err != nil {
			t.Fatalf("one down: %v", err)
		}
		up(t, pool, provider)
		if _, err := provider.DownTo(t.Context(), 0); err != nil {
			t.Fatalf("all down: %v", err)
		}
		if left := query(t, pool, `select relname::text from pg_class where relnamespace = 'public'::regnamespace
			union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace`); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// up applies the next migration and its fixture.
func up(t *testing.T, pool *pgxpool.Pool, provider *goose.Provider) {
	t.Helper()
	result, err := provider.UpByOne(t.Context())
	if err != nil {
		t.Fatalf("up: %v", err)
	}
	fixture, err := os.ReadFile(filepath.Join("../../migrations/fixtures", fmt.Sprintf("%04d.sql", result.Source.Version)))
	if err != nil {
		t.Fatalf("each migration needs rows to be tested with: %v", err)
	}
	const everything = `select set_config('earshot.scope', '*', true), set_config('earshot.subject', 'somebody', true), set_config('earshot.role', 'owner', true);`
	if _, err := pool.Exec(t.Context(), everything+string(fixture)); err != nil {
		t.Fatalf("fixture %d: %v", result.Source.Version, err)
	}
	for _, table := range query(t, pool, `select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`) {
		if rows := query(t, pool, "select '1' from "+pgx.Identifier{table}.Sanitize()); len(rows) == 0 {
			t.Errorf("no fixture has a row for table %s", table)
		}
	}
}

// query runs one query under the widest scope.
func query(t *testing.T, pool *pgxpool.Pool, sql string) (found []string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `select set_config('earshot.scope', '*', true), set_config('earshot.subject', 'somebody', true), set_config('earshot.role', 'owner', true)`); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), sql)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return found
}

func appURL(t *testing.T, superuser string) string {
	t.Helper()
	u, err := url.Parse(superuser)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(appRole, "password of tests")
	return u.String()
}

// TestMigrateAtTheSameTime starts several migrations of one empty database, as several instances of a new release do.
func TestMigrateAtTheSameTime(t *testing.T) {
	t.Parallel()
	superuser := testenv.Postgres(t)
	c := MigrateConfig{OwnerURL: superuser, AppURL: appURL(t, superuser), Log: slog.New(slog.DiscardHandler)}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			mine := c
			mine.Cells = []tenant.Cell{{Name: "local", Region: "eu-central-1", StackName: "a-cell", MaxTenants: 10 + i}}
			if err := Migrate(t.Context(), mine); err != nil {
				t.Errorf("migration %d: %v", i, err)
			}
		})
	}
	group.Wait()
	db, err := Open(t.Context(), Config{URL: c.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("the service's role cannot sign in: %v", err)
	}
}

func TestMigrateRefusesAnotherRole(t *testing.T) {
	t.Parallel()
	_, err := ensureRoles(context.Background(), "postgres://x@127.0.0.1:1/x", "postgres://postgres@127.0.0.1:1/x")
	if err == nil || err.Error() != errAppRole.Error() {
		t.Errorf("got %v, want %v", err, errAppRole)
	}
}
