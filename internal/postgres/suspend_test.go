package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	of := active(t, db)
	if err := ignore(db.StartResume(t.Context(), owner, of.Slug, operation.Write{})); !errors.Is(err, tenant.ErrNotSuspended) {
		t.Errorf("an active tenant is resumed: %v", err)
	}
	got, err := db.StartSuspend(t.Context(), owner, of.Slug, operation.Write{})
	if err != nil || got.Operation.Kind != operation.Suspend || got.Tenant.State != tenant.Updating || got.Tenant.Version <= of.Version {
		t.Fatalf("got %+v, %v", got, err)
	}
	if err := ignore(db.StartSuspend(t.Context(), owner, of.Slug, operation.Write{})); !errors.Is(err, operation.ErrRunning) {
		t.Errorf("a second suspension: %v", err)
	}
	end(t, db, got.Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Suspended})

	for what, err := range map[string]error{
		"suspend": ignore(db.StartSuspend(t.Context(), owner, of.Slug, operation.Write{})),
		"update":  ignore(db.StartUpdate(t.Context(), owner, of.Slug, ofStack, nil, operation.Write{})),
		"rebuild": ignore(db.StartRebuild(t.Context(), owner, of.Slug)),
	} {
		if !errors.Is(err, tenant.ErrNotActive) {
			t.Errorf("%s of a suspended tenant: %v", what, err)
		}
	}
	if err := ignore(db.StartSuspend(t.Context(), owner, of.Slug, operation.Write{})); err == nil || !strings.Contains(err.Error(), "resume it first") {
		t.Errorf("the refusal does not say what to do: %v", err)
	}
	resumed, err := db.StartResume(t.Context(), owner, of.Slug, operation.Write{})
	if err != nil || resumed.Tenant.State != tenant.Updating {
		t.Fatalf("resume: %+v, %v", resumed, err)
	}
	end(t, db, resumed.Operation, operation.Failed, &operation.TenantChange{State: tenant.Suspended})
	again, err := db.StartRetry(t.Context(), owner, of.Slug, operation.Write{})
	if err != nil || again.Operation.ID != resumed.Operation.ID || again.Tenant.State != tenant.Updating {
		t.Fatalf("retry: %+v, %v", again, err)
	}
	end(t, db, again.Operation, operation.Failed, &operation.TenantChange{State: tenant.Suspended})
	// A customer who was suspended may go.
	if leaving, err := db.StartOffboard(t.Context(), owner, of.Slug, operation.DeleteData, operation.Write{}); err != nil || leaving.Operation.State != operation.Running {
		t.Errorf("off-boarding of a suspended tenant: %+v, %v", leaving.Operation, err)
	}
}
