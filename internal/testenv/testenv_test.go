package testenv_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestPostgresIsFreshForEachTest(t *testing.T) {
	t.Parallel()
	first, second := testenv.Postgres(t), testenv.Postgres(t)
	if first == second {
		t.Fatalf("both tests got %s", first)
	}
	run(t, first, "create table kept (id int)")
	if got := run(t, second, "select 1 from pg_tables where tablename = 'kept'"); got != 0 {
		t.Error("a table of one database is in the other")
	}
	if got := run(t, testenv.PostgresFrom(t, first), "select 1 from pg_tables where tablename = 'kept'"); got != 1 {
		t.Error("a copy lacks the table of its template")
	}
}

func run(t *testing.T, address, statement string) int64 {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(t.Context()) }() // the statement has been answered
	tag, err := connection.Exec(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	return tag.RowsAffected()
}

func TestOpenSearchKnowsItsAdministratorOnly(t *testing.T) {
	t.Parallel()
	search := testenv.OpenSearch(t)
	client := search.Client(t)
	for _, test := range []struct {
		name, password string
		header         string // an identity that a proxy would assert
		want           int
	}{
		{"the administrator", search.Password, "", http.StatusOK},
		{"a wrong password", "wrong", "", http.StatusUnauthorized},
		{"nobody", "", "", http.StatusUnauthorized},
		{"a proxy header from an address that is no proxy's", "", search.Username, http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, search.URL+"/_plugins/_security/api/roles", nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.password != "" {
				request.SetBasicAuth(search.Username, test.password)
			}
			if test.header != "" {
				request.Header.Set("X-Proxy-User", test.header)
				request.Header.Set("X-Proxy-Roles", "all_access")
				request.Header.Set("X-Forwarded-For", "127.0.0.2")
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }() // read only
			if body, _ := io.ReadAll(response.Body); response.StatusCode != test.want {
				t.Errorf("answered %d, want %d: %.200s", response.StatusCode, test.want, body)
			}
		})
	}
}

func TestAWSEnforcesIdentity(t *testing.T) {
	t.Parallel()
	root := testenv.AWS(t)
	who, err := sts.NewFromConfig(root).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Account != "000000000000" {
		t.Errorf("root's account is %s", *who.Account)
	}
	if _, err := sts.NewFromConfig(testenv.AWSAs(t, "AKIANOBODY", "wrong")).GetCallerIdentity(t.Context(), nil); err == nil {
		t.Error("an unknown key was accepted")
	}
}

func TestSlugsDiffer(t *testing.T) {
	t.Parallel()
	first, second := testenv.Slug(t), testenv.Slug(t)
	if first == second || !strings.HasPrefix(string(first), "t") {
		t.Errorf("slugs %s and %s", first, second)
	}
}
