package operation_test

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// suspendedTenant is one whose stack refuses what is sent, with the operation to come.
func suspendedTenant(t *testing.T, next operation.Kind) *bench {
	t.Helper()
	b := setup(t, operation.Suspend)
	b.install(t)
	if op := b.finish(t); op.State != operation.Succeeded {
		t.Fatalf("suspend: %s: %+v", op.State, op.Failure)
	}
	op, tn, _ := b.store.Look(opID)
	if tn.State != tenant.Suspended || !b.cloud.Suspended("acme") || b.cloud.Sent != 0 || op.Percent != 100 {
		t.Fatalf("the suspended tenant is %s at %d %%, its stack refuses: %v, and %d calls were sent", tn.State, op.Percent, b.cloud.Suspended("acme"), b.cloud.Sent)
	}
	tn.State = tenant.Updating
	b.store.Put(tn, operation.Operation{ID: opID, TenantID: tenantID, Slug: "acme", Kind: next, State: operation.Running, Attempt: 2})
	return b
}

func TestResumedTenantIsProved(t *testing.T) {
	t.Parallel()
	b := suspendedTenant(t, operation.Resume)
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || b.cloud.Suspended("acme") || b.cloud.Sent != 1 {
		t.Errorf("operation %s: %+v, tenant %s, %d calls", op.State, op.Failure, tn.State, b.cloud.Sent)
	}
}

// What is taken back leaves the tenant in the state in which it was.
func TestSuspensionsAreTakenBack(t *testing.T) {
	t.Parallel()
	t.Run("suspend", func(t *testing.T) {
		t.Parallel()
		b := setup(t, operation.Suspend)
		b.install(t)
		b.cloud.FailUpdate = "StreamStatsPusher"
		op := b.finish(t)
		if _, tn, _ := b.store.Look(opID); op.State != operation.Failed || tn.State != tenant.Active || b.cloud.Suspended("acme") {
			t.Errorf("operation %s, tenant %s", op.State, tn.State)
		}
		b.cloud.FailUpdate = ""
		b.retry()
		op = b.finish(t)
		if _, tn, _ := b.store.Look(opID); op.State != operation.Succeeded || tn.State != tenant.Suspended || !b.cloud.Suspended("acme") {
			t.Errorf("retry: operation %s, tenant %s", op.State, tn.State)
		}
	})
	t.Run("resume", func(t *testing.T) {
		t.Parallel()
		b := suspendedTenant(t, operation.Resume)
		b.cloud.FailUpdate = "StreamStatsPusher"
		op := b.finish(t)
		if _, tn, _ := b.store.Look(opID); op.State != operation.Failed || tn.State != tenant.Suspended || !b.cloud.Suspended("acme") {
			t.Errorf("operation %s, tenant %s", op.State, tn.State)
		}
	})
}

// Lost stacks of active tenants are built again, those of suspended ones when they are wanted.
func TestResumeBuildsAStackThatWasLost(t *testing.T) {
	t.Parallel()
	b := suspendedTenant(t, operation.Resume)
	b.cloud.Forget("acme")
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || tn.Stack.ID == "" || b.cloud.Sent != 1 {
		t.Errorf("operation %s: %+v, tenant %s, stack %q", op.State, op.Failure, tn.State, tn.Stack.ID)
	}
}
