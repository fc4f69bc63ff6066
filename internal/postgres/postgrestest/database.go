// Package postgrestest gives tests the control plane's database, migrated and reached as the service's role.
package postgrestest

import (
	"fmt"
	"log/slog"
	"net/url"
	"testing"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Database is a migrated database of a test's own.
type Database struct {
	*postgres.DB
	SuperuserURL string
	AppURL       string
}

// Owner is an admin who reaches all tenants.
var Owner = access.Actor{Subject: "subject-of-owner", Name: "owner@earshot.example", Role: access.Owner, Scope: access.Scope{All: true}}

// New migrates the empty database at superuserURL and opens it as the service's role. Without cells it has one, called
// local, with room for many.
func New(tb testing.TB, superuserURL string, cells ...tenant.Cell) Database {
	tb.Helper()
	if len(cells) == 0 {
		cells = []tenant.Cell{{Name: "local", Region: "eu-central-1", StackName: "a-cell", MaxTenants: 1000}}
	}
	appURL := asApp(tb, superuserURL)
	silent := slog.New(slog.DiscardHandler)
	if err := postgres.Migrate(tb.Context(), postgres.MigrateConfig{OwnerURL: superuserURL, AppURL: appURL, Cells: cells, Log: silent}); err != nil {
		tb.Fatalf("migrate: %v", err)
	}
	db, err := postgres.Open(tb.Context(), postgres.Config{URL: appURL, Log: silent})
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(db.Close)
	return Database{DB: db, SuperuserURL: superuserURL, AppURL: appURL}
}

func asApp(tb testing.TB, superuserURL string) string {
	tb.Helper()
	u, err := url.Parse(superuserURL)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.UserPassword("earshot_app", "password of tests")
	return u.String()
}

// Draft is a valid draft of a tenant with one Connect instance of its own.
func Draft(tb testing.TB, s slug.Slug) tenant.Draft {
	tb.Helper()
	draft, err := tenant.Draft{
		Slug: s.String(), DisplayName: "Tenant " + s.String(), Settings: tenant.DefaultSettings(),
		ConnectInstances: []tenant.ConnectInstance{{
			Alias: "main", ARN: "arn:aws:connect:eu-central-1:111122223333:instance/" + uuid.NewString(),
			CCPURL: fmt.Sprintf("https://%s.my.connect.aws/ccp-v2", s),
		}},
	}.Check()
	if err != nil {
		tb.Fatal(err)
	}
	return draft
}
