package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles of the database. Migrations act as the owner, which nobody can sign in as; the service signs in as the other.
const (
	ownerRole = "earshot_owner"
	appRole   = "earshot_app"
)

// oneAtATime is the lock that migrations of one database take: a number of ours.
const oneAtATime = 7_310_582_163_114_905_777

var errAppRole = errors.New("the service's database URL must name role " + appRole + ", which the migrations grant to")

// ensureRoles makes both roles and what the owner needs in this database, where the migrating role may, and returns the
// role to migrate as: empty for the migrating role itself, when it may not make roles and somebody else has made them.
func ensureRoles(ctx context.Context, ownerURL, appURL string) (owner string, err error) {
	app, err := pgx.ParseConfig(appURL)
	if err != nil {
		return "", fmt.Errorf("read the service's URL: %w", err)
	}
	if app.User != appRole {
		return "", errAppRole
	}
	conn, err := connect(ctx, ownerURL)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, int64(oneAtATime)); err != nil { // until the connection is closed
		return "", fmt.Errorf("wait for other migrations: %w", err)
	}
	var may bool
	const mayMakeRoles = `select rolsuper or rolcreaterole from pg_roles where rolname = current_user`
	if err := conn.QueryRow(ctx, mayMakeRoles).Scan(&may); err != nil || !may {
		return "", err
	}
	if err := makeRoles(ctx, conn); err != nil {
		return "", err
	}
	if err := again(func() error { _, err := conn.Exec(ctx, prepareDatabase); return err }); err != nil {
		return "", fmt.Errorf("prepare the database for %s: %w", ownerRole, err)
	}
	return ownerRole, setPassword(ctx, conn, appURL, app.Password)
}

// prepareDatabase is run before migrating, by a role that may. Public loses what it has by default.
const prepareDatabase = `
do $$ begin
  execute format('grant create on database %I to earshot_owner', current_database());
  execute format('revoke temporary on database %I from public', current_database());
end $$;
grant usage, create on schema public to earshot_owner;
revoke create on schema public from public;`

const makeBothRoles = `
do $$ begin
  if not exists (select from pg_roles where rolname = 'earshot_owner') then
    create role earshot_owner nologin nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
  if not exists (select from pg_roles where rolname = 'earshot_app') then
    create role earshot_app login nosuperuser nobypassrls nocreatedb nocreaterole noinherit;
  end if;
  if not pg_has_role(current_user, 'earshot_owner', 'usage') then
    execute format('grant earshot_owner to %I', current_user);
  end if;
end $$`

// makeRoles makes both roles where they are missing. Roles belong to the whole server: a migration of a neighbouring
// database may make them at the same moment, and then the second try finds them.
func makeRoles(ctx context.Context, conn *pgx.Conn) error {
	return again(func() error {
		_, err := conn.Exec(ctx, makeBothRoles)
		return err
	})
}

// setPassword gives the service's role its password, unless it already signs in with it.
func setPassword(ctx context.Context, conn *pgx.Conn, appURL, password string) error {
	if app, err := connect(ctx, appURL); err == nil {
		return app.Close(ctx)
	}
	return again(func() error {
		_, err := conn.Exec(ctx, "alter role "+appRole+" login password "+literal(password))
		if err != nil {
			return fmt.Errorf("set the password of %s: %w", appRole, err)
		}
		return nil
	})
}

// literal writes a string for SQL, where no parameter is allowed.
func literal(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// again repeats what lost against another session that changed the same role.
func again(do func() error) (err error) {
	const tries = 10
	for range tries {
		err = do()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42710" && pg.Code != "23505" && pg.Code != "XX000" {
			return err
		}
	}
	return err
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}
