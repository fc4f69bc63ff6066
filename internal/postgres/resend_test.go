package postgres_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestReplayLeavesTheTenantActive(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	before := active(t, db)
	span := operation.Span{From: time.Now().Add(-time.Hour).UTC().Truncate(time.Second), To: time.Now().UTC().Truncate(time.Second), Kinds: []string{"apimetric"}}
	got, err := db.StartReplay(t.Context(), owner, before.Slug, span, operation.Write{})
	if err != nil || got.Operation.Kind != operation.Replay || got.Tenant.State != tenant.Active || !reflect.DeepEqual(got.Operation.Span, span) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for what, err := range map[string]error{
		"another replay": ignore(db.StartReplay(t.Context(), owner, before.Slug, span, operation.Write{})),
		"a redrive":      ignore(db.StartRedrive(t.Context(), owner, before.Slug, operation.Write{})),
		"an update":      ignore(db.StartUpdate(t.Context(), owner, before.Slug, ofStack, nil, operation.Write{})),
	} {
		if !errors.Is(err, operation.ErrRunning) {
			t.Errorf("%s beside a replay got %v", what, err)
		}
	}
	end(t, db, got.Operation, operation.Failed, nil)
	if after := tenantOf(t, db, before.Slug); after.State != tenant.Active || after.ActiveOperation != "" {
		t.Errorf("after a replay that failed the tenant is %+v", after)
	}
	again, err := db.StartRetry(t.Context(), owner, before.Slug, operation.Write{})
	if err != nil || again.Tenant.State != tenant.Active || again.Operation.ID != got.Operation.ID || !reflect.DeepEqual(again.Operation.Span, span) {
		t.Errorf("the second attempt is %+v, %v", again, err)
	}
	// Nobody waits for hours before a customer may go.
	leaving, err := db.StartOffboard(t.Context(), owner, before.Slug, operation.DeleteData, operation.Write{})
	if err != nil || leaving.Operation.State != operation.Queued {
		t.Errorf("an off-boarding beside a replay: %+v, %v", leaving.Operation, err)
	}
	if op, err := db.Operation(t.Context(), owner, got.Operation.ID); err != nil || !op.CancelRequested {
		t.Errorf("the replay is not asked to give way: %+v, %v", op, err)
	}
}

func TestReplayAndRedriveNeedAnActiveTenant(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	failed := onboard(t, db, testenv.Slug(t))
	end(t, db, failed.Operation, operation.Failed, &operation.TenantChange{State: tenant.Failed})
	if err := ignore(db.StartReplay(t.Context(), owner, failed.Tenant.Slug, operation.Span{}, operation.Write{})); !errors.Is(err, tenant.ErrNotActive) {
		t.Errorf("replay: %v", err)
	}
	if err := ignore(db.StartRedrive(t.Context(), owner, failed.Tenant.Slug, operation.Write{})); !errors.Is(err, tenant.ErrNotActive) {
		t.Errorf("redrive: %v", err)
	}
}
