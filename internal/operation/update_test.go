package operation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func someChange() tenant.Change {
	return tenant.Change{
		DisplayName: new("Acme & Sons"), PrivacyIP: new(tenant.IPNone), RetentionDays: new(30),
		IndexPeriod: map[string]tenant.Period{"apimetric": tenant.Day},
	}
}

func isChanged(t *testing.T, got tenant.Tenant) {
	t.Helper()
	s := got.Settings
	if got.DisplayName != "Acme & Sons" || s.Privacy.IP != tenant.IPNone || s.RetentionDays != 30 || len(s.IndexPeriod["apimetric"]) != 2 {
		t.Errorf("the tenant has not the new settings: %+v", got)
	}
}

func isUnchanged(t *testing.T, got tenant.Tenant) {
	t.Helper()
	if changed := tenant.Changed(got, tenant.Tenant{DisplayName: "Acme", Settings: tenant.DefaultSettings()}); len(changed) > 0 {
		t.Errorf("%s of the tenant has changed", changed[0].Name)
	}
}

func setupUpdate(t *testing.T) *bench {
	t.Helper()
	b := setup(t, operation.Update)
	b.install(t)
	return b
}

func TestUpdateEndsActive(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || op.Percent != 100 || b.cloud.Updated != 1 || b.cloud.Sent != 1 {
		t.Errorf("operation %s at %d %%, tenant %s, %d updates, %d calls", op.State, op.Percent, tn.State, b.cloud.Updated, b.cloud.Sent)
	}
	isChanged(t, tn)
	for _, step := range []string{"update_stack", "await_update", "fill_space", "send_call", "await_call"} {
		if !slices.ContainsFunc(events, func(e operation.Event) bool { return e.Step == step }) {
			t.Errorf("nothing is told of %s", step)
		}
	}
}

// The settings are the tenant's when the stack has them, and not before.
func TestSettingsFollowTheStack(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	for {
		wait, err := b.Advance(t.Context(), tenantID, opID)
		op, tn, _ := b.store.Look(opID)
		switch {
		case err != nil:
			t.Fatal(err)
		case b.cloud.Updated == 0:
			isUnchanged(t, tn)
		case op.Step == "fill_space":
			isChanged(t, tn)
			if tn.State != tenant.Updating {
				t.Errorf("before it is proved, the tenant is %s", tn.State)
			}
			return
		}
		b.pass(wait)
	}
}

func TestAFailedUpdateIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	b.cloud.FailUpdate = "SoftphoneSite"
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Resource != "SoftphoneSite" || tn.State != tenant.Active || b.cloud.Sent != 0 {
		t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
	}
	isUnchanged(t, tn)
	if !slices.ContainsFunc(events, func(e operation.Event) bool { return strings.Contains(e.Message, "rolled back") }) {
		t.Errorf("nothing is told of the rollback: %+v", events)
	}

	b.cloud.FailUpdate = ""
	b.retry()
	op = b.finish(t)
	_, tn, _ = b.store.Look(opID)
	if op.State != operation.Succeeded || b.cloud.Updated != 1 {
		t.Errorf("retry: %s: %+v", op.State, op.Failure)
	}
	isChanged(t, tn)
}

func TestAStuckRollbackIsContinued(t *testing.T) {
	t.Parallel()
	t.Run("until it comes through", func(t *testing.T) {
		t.Parallel()
		b := setupUpdate(t)
		b.cloud.FailUpdate, b.cloud.StickRollbacks = "SoftphoneSite", 3
		op := b.finish(t)
		_, tn, _ := b.store.Look(opID)
		if op.State != operation.Failed || op.Failure.Resource != "SoftphoneSite" || tn.State != tenant.Active {
			t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
		}
		isUnchanged(t, tn)
	})
	t.Run("and a retry goes on with it", func(t *testing.T) {
		t.Parallel()
		b := setupUpdate(t)
		b.cloud.FailUpdate, b.cloud.StickRollbacks = "SoftphoneSite", 5
		op := b.finish(t)
		_, tn, _ := b.store.Look(opID)
		if op.State != operation.Failed || op.Failure.Code != "stack.stuck" || op.Failure.Resource != "Site" || tn.State != tenant.Failed {
			t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
		}
		b.cloud.FailUpdate = ""
		b.retry()
		op = b.finish(t)
		_, tn, _ = b.store.Look(opID)
		if op.State != operation.Succeeded || tn.State != tenant.Active || b.cloud.Deleted != 0 || b.cloud.Created != 1 {
			t.Errorf("retry: %s: %+v, tenant %s, %d stacks deleted", op.State, op.Failure, tn.State, b.cloud.Deleted)
		}
		isChanged(t, tn)
	})
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*bench){
		"the stack is lost": func(b *bench) { b.cloud.Lost("acme") },
		"no such setting": func(b *bench) {
			op, tn, _ := b.store.Look(opID)
			op.Change.PrivacyIP = new(tenant.IPPrivacy("some"))
			b.store.Put(tn, op)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupUpdate(t)
			spoil(b)
			op := b.finish(t)
			_, tn, _ := b.store.Look(opID)
			if op.State != operation.Failed || tn.State != tenant.Active {
				t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
			}
			isUnchanged(t, tn)
		})
	}
}

// Nobody saw the update's end: the operation ran out of time, and the stack has the new settings all the same. A retry two
// days later must not move the instant from which the stack's indexer goes by the new period.
func TestAPeriodThatTheStackHasStays(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	for op, _, _ := b.store.Look(opID); op.Step != "await_update"; op, _, _ = b.store.Look(opID) {
		if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
			t.Fatal(err)
		}
	}
	want := tenant.PeriodsFrom(b.now())
	b.cloud.Trouble = errors.New("connection refused")
	if op := b.finishSlowly(t); op.State != operation.Failed || op.Failure.Code != "operation.timeout" {
		t.Fatalf("operation %s: %+v", op.State, op.Failure)
	}
	if _, tn, _ := b.store.Look(opID); tn.State != tenant.Failed {
		t.Errorf("nobody knows what the stack has, and the tenant is %s", tn.State)
	}
	b.cloud.Trouble = nil
	b.pass(48 * time.Hour)
	b.retry()
	if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Updated != 1 {
		t.Fatalf("retry: %s: %+v", op.State, op.Failure)
	}
	_, tn, _ := b.store.Look(opID)
	isChanged(t, tn)
	if got := tn.Settings.IndexPeriod["apimetric"][1].ValidFrom; !got.Equal(want) {
		t.Errorf("the period holds from %s, want %s as the stack has it", got, want)
	}
}

func TestAnUnprovedUpdateIsProvedByARetry(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	b.cloud.Lose = 1
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || tn.State != tenant.Failed {
		t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
	}
	isChanged(t, tn)
	b.cloud.Lose = 0
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || b.cloud.Updated != 1 {
		t.Errorf("retry: %s, %d updates", op.State, b.cloud.Updated)
	}
}
