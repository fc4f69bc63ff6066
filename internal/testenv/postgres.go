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
func Postgres(tb testing.TB) string {
	tb.Helper()
	return database(tb, "")
}

// PostgresFrom is Postgres with the content of another database of the test's process, to which nobody may be connected.
// Copying a migrated database takes a tenth of the time that migrating takes.
func PostgresFrom(tb testing.TB, template string) string {
	tb.Helper()
	return database(tb, " template "+pgx.Identifier{nameOf(tb, template)}.Sanitize())
}

func database(tb testing.TB, options string) string {
	tb.Helper()
	server := need(tb, "Postgres", postgresVariable)
	name := "test_" + strings.ToLower(rand.Text())
	execute(tb, server, "create database "+pgx.Identifier{name}.Sanitize()+options)
	tb.Cleanup(func() { execute(tb, server, "drop database "+pgx.Identifier{name}.Sanitize()+" with (force)") })
	address, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}

func nameOf(tb testing.TB, address string) string {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimPrefix(parsed.Path, "/")
}

// execute runs one statement on a connection of its own; a test's own context has ended when it cleans up.
func execute(tb testing.TB, server, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }() // the statement has been answered
	if _, err := connection.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}
