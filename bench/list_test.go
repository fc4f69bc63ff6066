package main

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// What the lists are measured over is as the product would have it: a table that changes, or one that is forgotten, shows here and not
// in the middle of a measurement.
func TestTheOfficeIsFilled(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	const tenants = 120
	if err := fill(t.Context(), db.SuperuserURL, tenants); err != nil {
		t.Fatal(err)
	}
	found, next, err := db.Tenants(t.Context(), postgrestest.Owner, tenant.Page{Limit: 200, State: tenant.Active})
	if err != nil || len(found) != tenants || next != "" {
		t.Fatalf("%d tenants, next %q, %v", len(found), next, err)
	}
	for _, one := range found {
		if len(one.ConnectInstances) != 1 || one.Snapshot == nil || one.Snapshot.At.IsZero() {
			t.Fatalf("%s: %d instances, %+v", one.Slug, len(one.ConnectInstances), one.Snapshot)
		}
	}
	if _, err := db.Tenant(t.Context(), postgrestest.Owner, firstSlug); err != nil {
		t.Errorf("the first tenant: %v", err)
	}
	if op, err := db.Operation(t.Context(), postgrestest.Owner, firstOperation); err != nil || op.State != operation.Succeeded {
		t.Errorf("the first operation: %v, %v", op.State, err)
	}
	watched, err := takeInHand(t.Context(), db.DB, slug.Slug("watched"))
	if err != nil {
		t.Fatal(err)
	}
	if err := say(t.Context(), db.DB, watched, "an event"); err != nil {
		t.Error(err)
	}
}
