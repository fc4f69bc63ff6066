package testenv

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the superuser's URL of a fresh, empty database of this test's own, which is dropped when the test ends.
// A superuser sees past row-level security: what the service does must be tested as the service's role.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, "")
}

// PostgresFrom is Postgres with the content of another database of the test's process, to which nobody may be connected.
// Copying a migrated database takes a tenth of the time that migrating takes.
func PostgresFrom(t testing.TB, template string) string {
	t.Helper()
	return database(t, " template "+pgx.Identifier{nameOf(t, template)}.Sanitize())
}

func database(t testing.TB, options string) string {
	t.Helper()
	server := need(t, "Postgres", func(e environment) string { return e.Postgres })
	name := "test_" + strings.ToLower(rand.Text())
	execute(t, server, "create database "+pgx.Identifier{name}.Sanitize()+options)
	t.Cleanup(func() { execute(t, server, "drop database "+pgx.Identifier{name}.Sanitize()+" with (force)") })
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}

func nameOf(t testing.TB, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(parsed.Path, "/")
}

// execute runs one statement on a connection of its own; a test's own context has ended when it cleans up.
func execute(t testing.TB, server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }() // the statement has been answered
	if _, err := connection.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
