package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/migrations"
)

// MigrateConfig says what to bring up to date.
type MigrateConfig struct {
	OwnerURL string        // as a role that may make roles and schemas, or as the owner of everything
	AppURL   string        // the service's: its role gets this password
	Cells    []tenant.Cell // added, or changed to this; a cell that is missing here stays
	Log      *slog.Logger
}

// Migrate brings the schema, River's and the cells up to date. It may run any number of times, also at the same time: one
// goes first, the others find the work done. What it makes belongs to a role without a login and without any way around
// row-level security; the service's role owns nothing.
func Migrate(ctx context.Context, c MigrateConfig) error {
	owner, err := ensureRoles(ctx, c.OwnerURL, c.AppURL)
	if err != nil {
		return err
	}
	pool, err := poolAs(ctx, c.OwnerURL, owner)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := makeSchemas(ctx, pool); err != nil {
		return err
	}
	if err := migrateSchema(ctx, pool, c.Log); err != nil {
		return err
	}
	if err := migrateRiver(ctx, pool, c.Log); err != nil {
		return err
	}
	return putCells(ctx, pool, c.Cells)
}

// poolAs opens connections that act as the owner's role.
func poolAs(ctx context.Context, url, owner string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the owner's URL: %w", err)
	}
	if owner != "" {
		config.ConnConfig.RuntimeParams["role"] = owner
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// makeSchemas makes the schemas of goose's and River's own tables.
func makeSchemas(ctx context.Context, pool *pgxpool.Pool) error {
	return again(func() error {
		_, err := pool.Exec(ctx, `create schema if not exists goose; create schema if not exists `+RiverSchema)
		if err != nil {
			return fmt.Errorf("make schemas: %w", err)
		}
		return nil
	})
}

func migrateSchema(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		log.InfoContext(ctx, "migration applied", "name", m.Source.Path, "duration", m.Duration.String())
	}
	if err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// newProvider returns goose over the embedded files. Its table has a schema of its own; a lock lets one migration run at
// a time.
func newProvider(db *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // asks every second, for five minutes
	if err != nil {
		return nil, fmt.Errorf("make goose's lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files,
		goose.WithTableName("goose.version"), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}

// grantRiver lets the service's role work River's tables. They hold ids only and belong to no tenant.
const grantRiver = `
grant usage on schema river to earshot_app;
grant select, insert, update, delete on all tables in schema river to earshot_app;
grant usage, select on all sequences in schema river to earshot_app;
grant execute on all functions in schema river to earshot_app;`

func migrateRiver(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(oneAtATime)); err != nil {
			return fmt.Errorf("wait for other migrations: %w", err)
		}
		migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema, Logger: log})
		if err != nil {
			return fmt.Errorf("make River's migrator: %w", err)
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate River: %w", err)
		}
		if _, err := tx.Exec(ctx, grantRiver); err != nil {
			return fmt.Errorf("grant River's tables: %w", err)
		}
		return nil
	})
}

func putCells(ctx context.Context, pool *pgxpool.Pool, cells []tenant.Cell) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		queries := dbsqlc.New(tx)
		if err := queries.SetScope(ctx, dbsqlc.SetScopeParams{Scope: "*", Subject: "migrate", Role: string(access.System)}); err != nil {
			return fmt.Errorf("put cells: %w", err)
		}
		for _, cell := range cells {
			if err := queries.PutCell(ctx, dbsqlc.PutCellParams{
				Name: cell.Name, Region: cell.Region, StackName: cell.StackName, RoleArn: cell.RoleARN,
				ExternalID: cell.ExternalID, MaxTenants: int32(cell.MaxTenants), MaxShards: int32(cell.MaxShards),
			}); err != nil {
				return fmt.Errorf("put cell %s: %w", cell.Name, err)
			}
		}
		return nil
	})
}
