package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

var owner = postgrestest.Owner

// onboard starts an onboarding of a new tenant.
func onboard(t *testing.T, db postgrestest.Database, s slug.Slug) operation.Started {
	t.Helper()
	started, err := db.StartOnboard(t.Context(), owner, postgrestest.Draft(t, s), operation.Write{})
	if err != nil {
		t.Fatalf("onboard %s: %v", s, err)
	}
	return started
}

// end claims an operation and ends it in a state, changing its tenant.
func end(t *testing.T, db postgrestest.Database, op operation.Operation, state operation.State, change *operation.TenantChange) {
	t.Helper()
	claimed, err := db.Claim(t.Context(), op.TenantID, op.ID, "worker", time.Minute)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	op = claimed.Operation
	op.State, op.FinishedAt = state, time.Now()
	if state == operation.Failed {
		op.Failure = &operation.Failure{Code: "stack.failed", Reason: "a reason\x00 with a zero byte"}
	}
	if err := db.Save(t.Context(), operation.Progress{Operation: op, Tenant: change}); err != nil {
		t.Fatalf("save: %v", err)
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	operationtest.RunStore(t, func(*testing.T) operationtest.World {
		return operationtest.World{
			Store: db,
			Running: func(t *testing.T) operation.Operation {
				t.Helper()
				return onboard(t, db, testenv.Slug(t)).Operation
			},
			Queued: func(t *testing.T, running operation.Operation) operation.Operation {
				t.Helper()
				started, err := db.StartOffboard(t.Context(), owner, running.Slug, operation.DeleteData, operation.Write{})
				if err != nil {
					t.Fatal(err)
				}
				return started.Operation
			},
			Tenant: func(t *testing.T, op operation.Operation) tenant.Tenant {
				t.Helper()
				found, err := db.Tenant(t.Context(), owner, op.Slug)
				if err != nil {
					t.Fatal(err)
				}
				return found
			},
			Events: func(t *testing.T, op operation.Operation) []operation.Event {
				t.Helper()
				events, err := db.Events(t.Context(), owner, op.ID, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				return events
			},
		}
	})
}

func TestEndOfATenant(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	draft := postgrestest.Draft(t, s)
	started, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	end(t, db, started.Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})

	off := offboard(t, db, s, operation.RetainData)
	end(t, db, off, operation.Succeeded, &operation.TenantChange{State: tenant.Deleted, DataRetained: true})
	if found, err := db.Tenant(t.Context(), owner, s); err != nil || !found.DataRetained || found.State != tenant.Deleted {
		t.Errorf("with its data retained the tenant is %+v, %v", found, err)
	}
	if _, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{}); !errors.Is(err, tenant.ErrSlugTaken) {
		t.Errorf("a slug with retained data was given away: %v", err)
	}
	if _, err := db.StartOffboard(t.Context(), owner, s, operation.RetainData, operation.Write{}); !errors.Is(err, tenant.ErrRetained) {
		t.Errorf("a second retaining off-boarding got %v", err)
	}

	off = offboard(t, db, s, operation.DeleteData)
	end(t, db, off, operation.Succeeded, &operation.TenantChange{State: tenant.Deleted})
	if _, err := db.Tenant(t.Context(), owner, s); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("a deleted tenant's slug finds %v", err)
	}
	past, _, err := db.Tenants(t.Context(), owner, tenant.Page{State: tenant.Deleted})
	if err != nil || len(past) != 1 || past[0].DataRetained {
		t.Errorf("the tenants of the past are %+v, %v", past, err)
	}
	if _, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{}); err != nil {
		t.Errorf("slug and Connect instance were not given back: %v", err)
	}
}

func offboard(t *testing.T, db postgrestest.Database, s slug.Slug, data operation.DataPolicy) operation.Operation {
	t.Helper()
	started, err := db.StartOffboard(t.Context(), owner, s, data, operation.Write{})
	if err != nil {
		t.Fatalf("off-board %s: %v", s, err)
	}
	return started.Operation
}

func TestRetry(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	op := onboard(t, db, s).Operation
	if _, err := db.StartRetry(t.Context(), owner, s, operation.Write{}); !errors.Is(err, operation.ErrNothingToRetry) {
		t.Errorf("retry of a running operation got %v", err)
	}
	end(t, db, op, operation.Failed, &operation.TenantChange{State: tenant.Failed})
	again, err := db.StartRetry(t.Context(), owner, s, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Operation; got.ID != op.ID || got.Attempt != 2 || got.Failure != nil || got.State != operation.Running || !got.FinishedAt.IsZero() {
		t.Errorf("the second attempt is %+v", got)
	}
	if again.Tenant.State != tenant.Provisioning || again.Tenant.ActiveOperation != op.ID {
		t.Errorf("the tenant is %s with operation %s", again.Tenant.State, again.Tenant.ActiveOperation)
	}
	if _, err := db.StartRebuild(t.Context(), owner, s); !errors.Is(err, operation.ErrRunning) {
		t.Errorf("rebuild beside a running operation got %v", err)
	}
}

func TestDeleteProtection(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	draft := postgrestest.Draft(t, testenv.Slug(t))
	draft.Settings.DeleteProtection = true
	if _, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{}); err != nil {
		t.Fatal(err)
	}
	_, err := db.StartOffboard(t.Context(), owner, slug.Slug(draft.Slug), operation.DeleteData, operation.Write{})
	if !errors.Is(err, tenant.ErrProtected) {
		t.Errorf("got %v, want ErrProtected", err)
	}
}

func TestOneOperationAtATime(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	s := testenv.Slug(t)
	end(t, db, onboard(t, db, s).Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})
	if _, err := db.StartRebuild(t.Context(), owner, s); err != nil {
		t.Fatal(err)
	}
	if queued := offboard(t, db, s, operation.DeleteData); queued.State != operation.Queued {
		t.Errorf("an off-boarding behind a rebuild is %s", queued.State)
	}
	_, err := db.StartOffboard(t.Context(), owner, s, operation.DeleteData, operation.Write{})
	if !errors.Is(err, operation.ErrRunning) {
		t.Errorf("a second off-boarding got %v, want ErrRunning", err)
	}
}
