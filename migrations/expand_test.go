package migrations_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/migrations"
)

// breaks are what a migration may not do to the release before, which runs while it is applied: take away or rename what that reads,
// or refuse what that writes.
var breaks = map[string]*regexp.Regexp{
	"drops a table or view":   regexp.MustCompile(`\bdrop (table|view|materialized view|schema)\b`),
	"drops a column":          regexp.MustCompile(`\bdrop column\b`),
	"renames":                 regexp.MustCompile(`\brename\b`),
	"changes a column's type": regexp.MustCompile(`\balter( column)? \w+ (set data )?type\b`),
	"tightens a column":       regexp.MustCompile(`\bset not null\b`),
	"takes a default away":    regexp.MustCompile(`\bdrop default\b`),
	"takes a right away":      regexp.MustCompile(`\brevoke\b`),
}

var (
	comment   = regexp.MustCompile(`--[^\n]*`)
	body      = regexp.MustCompile(`(?s)\$\$.*?\$\$`)
	gaps      = regexp.MustCompile(`\s+`)
	added     = regexp.MustCompile(`^(column )?(if not exists )?\w+ .*\bnot null\b`)
	hasFiller = regexp.MustCompile(`\b(default|generated)\b`)
	dropped   = regexp.MustCompile(`\bdrop (constraint|function|policy|index|trigger)( if exists)? (\w+)`)
)

// upOf returns the way up alone, in small letters, without comments and bodies of functions.
func upOf(migration string) string {
	up, _, _ := strings.Cut(migration, "-- +goose Down")
	return gaps.ReplaceAllString(body.ReplaceAllString(comment.ReplaceAllString(strings.ToLower(up), ""), ""), " ")
}

// faults returns what of a migration breaks the release before.
func faults(migration string) (found []string) {
	up := upOf(migration)
	for statement := range strings.SplitSeq(up, ";") {
		if strings.Contains(statement, "create table") {
			continue // nobody uses it yet
		}
		for what, is := range breaks {
			if is.MatchString(statement) {
				found = append(found, what+": "+strings.TrimSpace(statement))
			}
		}
		for _, one := range strings.Split(statement, " add ")[1:] {
			if !strings.HasPrefix(one, "constraint ") && added.MatchString(one) && !hasFiller.MatchString(one) {
				found = append(found, "adds a column that an insert has to name: "+one)
			}
		}
		for _, gone := range dropped.FindAllStringSubmatch(statement, -1) {
			again := regexp.MustCompile(`\b(add constraint|create( or replace)? function|create policy|create( unique)? index|create trigger) ` + gone[3] + `\b`)
			if !again.MatchString(up) {
				found = append(found, "drops a "+gone[1]+" for good: "+strings.TrimSpace(statement))
			}
		}
	}
	return found
}

var (
	altered = regexp.MustCompile(`\balter table (if exists )?(only )?(\w+)`)
	created = regexp.MustCompile(`\bcreate table (if not exists )?(\w+)`)
)

// alters returns which tables of the release before a migration locks against everybody. It is one transaction: of two such locks
// the second may be held by somebody who waits for the first.
func alters(migration string) (tables []string) {
	up := upOf(migration)
	for _, one := range altered.FindAllStringSubmatch(up, -1) {
		isNew := slices.ContainsFunc(created.FindAllStringSubmatch(up, -1), func(c []string) bool { return c[2] == one[3] })
		if !isNew && !slices.Contains(tables, one[3]) {
			tables = append(tables, one[3])
		}
	}
	return tables
}

// contracts are migrations that take something away, with why nobody misses it. One comes a release after the last that used it.
var contracts = map[string]string{}

// TestMigrationsOnlyExpand looks for what would break the release before while both run.
func TestMigrationsOnlyExpand(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations (%v)", len(files), err)
	}
	for _, name := range files {
		text, err := migrations.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if tables := alters(string(text)); name >= "0015" && len(tables) > 1 { // those before were applied to no running release
			t.Errorf("%s alters %v in one transaction, which a running release can deadlock with: a migration for each", name, tables)
		}
		found := faults(string(text))
		switch why, isAllowed := contracts[name]; {
		case len(found) > 0 && !isAllowed:
			t.Errorf("%s breaks the release before (docs/decisions/0030-expand-contract.md):\n\t%s", name, strings.Join(found, "\n\t"))
		case isAllowed && (why == "" || len(found) == 0):
			t.Errorf("%s is listed as one that takes something away, without need or reason", name)
		}
	}
}

func TestTablesThatAMigrationAlters(t *testing.T) {
	t.Parallel()
	for migration, want := range map[string][]string{
		"alter table a add column x text; ALTER TABLE only b add y text;":                         {"a", "b"},
		"create table n (id uuid); alter table n enable row level security; alter table a add x;": {"a"},
		"alter table a add x text;\n-- alter table b\n-- +goose Down\nalter table c drop x;":      {"a"},
	} {
		if got := alters("-- +goose Up\n" + migration); !slices.Equal(got, want) {
			t.Errorf("%s alters %v, want %v", migration, got, want)
		}
	}
}

// TestBreaksAreFound holds the rules to what they are for.
func TestBreaksAreFound(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"alter table tenants drop column slug;", "alter table tenants rename column slug to name;", "ALTER TABLE tenants RENAME TO t;", "drop table cells;",
		"alter table tenants alter column slug type bytea;", "alter table tenants alter slug set data type bytea;", "alter table tenants alter column x set not null;",
		"alter table tenants add column x text not null;", "alter table tenants add x text not null constraint given check (x <> '');", "alter table tenants\n  add column a text not null default '',\n  add x text not null;",
		"alter table tenants drop constraint t_check;", "drop function scope_is_all();", "revoke select on tenants from earshot_app;",
		"alter table tenants alter column x drop default;", "drop policy seen on tenants;",
	} {
		if len(faults("-- +goose Up\n"+bad+"\n-- +goose Down\n")) == 0 {
			t.Errorf("%s was let through", bad)
		}
	}
	for _, good := range []string{
		"alter table tenants add column x text;", "alter table tenants add column x text not null default '';", "create table x (id uuid not null);",
		"alter table tenants drop constraint c; alter table tenants add constraint c check (true);", "-- drop table tenants\nselect 1;",
		"create index i on tenants (slug);", "grant select on tenants to earshot_app;", "drop policy p on t; create policy p on t using (true);",
	} {
		if found := faults("-- +goose Up\n" + good + "\n-- +goose Down\ndrop table tenants;"); len(found) > 0 {
			t.Errorf("%s was refused: %v", good, found)
		}
	}
}
