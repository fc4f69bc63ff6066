// Package postgres keeps tenants, operations and audit events in Postgres, and enqueues the jobs that drive operations in
// the same transactions. No query runs outside inTx, which sets what row-level security lets the caller reach.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// RiverSchema is where River's tables are.
const RiverSchema = "river"

// Config says how to reach the database. Zero values get the defaults named.
type Config struct {
	URL      string        // as the service's role, which owns nothing
	MaxConns int32         // 10
	Timeout  time.Duration // 10 s: for one transaction, and a little less for one statement
	Log      *slog.Logger

	Tracer pgx.QueryTracer        // nil: nobody watches statements
	Jobs   []rivertype.Middleware // around the adding of jobs
}

// DB is the control plane's database. Its methods may be called from any goroutine.
type DB struct {
	pool    *pgxpool.Pool
	jobs    *river.Client[pgx.Tx]
	timeout time.Duration
}

var (
	_ tenant.Directory   = (*DB)(nil)
	_ operation.Starter  = (*DB)(nil)
	_ operation.History  = (*DB)(nil)
	_ operation.Store    = (*DB)(nil)
	_ operation.Recorder = (*DB)(nil)
	_ operation.Rollouts = (*DB)(nil)
	_ access.Ledger      = (*DB)(nil)
	_ tenant.Cells       = (*DB)(nil)
	_ access.Keys        = (*DB)(nil)
)

// Open prepares a pool of connections. It does not connect: a service may start while the database is away.
func Open(ctx context.Context, c Config) (*DB, error) {
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	config.MaxConns = c.MaxConns
	if c.MaxConns == 0 {
		config.MaxConns = 10
	}
	config.MaxConnLifetime = time.Hour
	config.MaxConnIdleTime = 10 * time.Minute
	config.ConnConfig.ConnectTimeout = 3 * time.Second
	config.ConnConfig.Tracer = c.Tracer
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = "earshot"
	params["statement_timeout"] = millis(timeout * 9 / 10)
	params["lock_timeout"] = millis(timeout / 2)
	params["idle_in_transaction_session_timeout"] = millis(2 * timeout)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the connection pool: %w", err)
	}
	jobs, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: RiverSchema, Middleware: c.Jobs, Logger: c.Log})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("make the job client: %w", err)
	}
	return &DB{pool: pool, jobs: jobs, timeout: timeout}, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Close waits for borrowed connections and closes all.
func (db *DB) Close() { db.pool.Close() }

// Pool is the pool for River's own client, whose tables belong to no tenant.
func (db *DB) Pool() *pgxpool.Pool { return db.pool }

// Ping asks the database for an answer; ErrUnavailable when there is none.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	return translate(db.pool.Ping(ctx))
}

// tx is one transaction under one actor's scope.
type tx struct {
	*dbsqlc.Queries
	raw   pgx.Tx
	actor access.Actor
}

// inTx runs fn in one transaction that reaches the tenants of the actor's scope and no other. A deadlock runs fn again, so
// that fn must keep nothing of its first run. Errors come back as faults where the database's own words mean one.
func (db *DB) inTx(ctx context.Context, actor access.Actor, fn func(context.Context, tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	scope, err := scopeOf(actor)
	if err != nil {
		return err
	}
	const tries = 3
	for try := 1; ; try++ {
		err = pgx.BeginFunc(ctx, db.pool, func(raw pgx.Tx) error {
			t := tx{Queries: dbsqlc.New(raw), raw: raw, actor: actor}
			if err := t.SetScope(ctx, scope); err != nil {
				return err
			}
			return fn(ctx, t)
		})
		if try == tries || !isDeadlock(err) {
			return translate(err)
		}
	}
}
