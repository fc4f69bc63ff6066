package operation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// broken are the ways in which a release may stand and not work.
var broken = map[string]struct {
	breaks func(c *operationtest.Cloud, version string)
	says   string
	calls  int // that were sent, with the one of the release before
}{
	"its functions take no call":       {func(c *operationtest.Cloud, version string) { c.Mute = version }, "/callreport answered 502", 1},
	"what it takes is written nowhere": {func(c *operationtest.Cloud, version string) { c.Deaf = version }, "0 of 22 documents", 2},
}

// setupBroken has an upgrade to v2 in hand, which stands and does not work. The cell gives more than it gave the stack of v1.
func setupBroken(t *testing.T) *bench {
	t.Helper()
	b := setupUpgrade(t, operation.Upgrade)
	b.cloud.Mute, b.cloud.Gives = "v2", "more"
	return b
}

// setupTakeBack has the same once its proof has failed.
func setupTakeBack(t *testing.T) *bench {
	t.Helper()
	b := setupBroken(t)
	b.advanceTo(t, "send_call")
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Hour)
	b.advanceTo(t, "take_back")
	return b
}

func (b *bench) isBack(t *testing.T, op operation.Operation) {
	t.Helper()
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Code != "upgrade.taken_back" || !strings.Contains(op.Failure.Reason, "back on version v1") {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
	if tn.State != tenant.Active || tn.Stack.ArtifactVersion != "v1" || tn.Stack.ID == "" || tn.URLs.TelemetryAPI == "" || b.version(t) != "v1" || b.cloud.GivenTo("acme") != "" {
		t.Errorf("the tenant is %s of %+v, its stack has %s and %q of the cell", tn.State, tn.Stack, b.version(t), b.cloud.GivenTo("acme"))
	}
	if b.cloud.Created != 1 || b.cloud.Deleted != 0 || op.Memo.Former != nil {
		t.Errorf("%d stacks were made, %d deleted; the operation keeps %+v", b.cloud.Created, b.cloud.Deleted, op.Memo.Former)
	}
	isUnchanged(t, tn)
}

func (b *bench) isNotBack(t *testing.T, op operation.Operation, code, says string) {
	t.Helper()
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Code != code || !strings.Contains(op.Failure.Reason, says) || op.Failure.Advice == "" || tn.State != tenant.Failed {
		t.Errorf("operation %s: %+v, tenant %s; want %s: %s", op.State, op.Failure, tn.State, code, says)
	}
	if b.cloud.Created != 1 || b.cloud.Deleted != 0 {
		t.Errorf("%d stacks were made, %d deleted", b.cloud.Created, b.cloud.Deleted)
	}
}

func TestAReleaseThatFailsItsProofIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, row := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupBroken(t)
			b.cloud.Mute = ""
			row.breaks(b.cloud, "v2")
			op := b.finish(t)
			b.isBack(t, op)
			if !strings.Contains(op.Failure.Reason, row.says) || b.cloud.Updated != 2 || b.cloud.Sent != row.calls {
				t.Errorf("%+v after %d updates and %d calls", op.Failure, b.cloud.Updated, b.cloud.Sent)
			}
			_, _, events := b.store.Look(opID)
			for _, told := range []string{"Version v2 failed its proof", "takes stack earshot-acme back to version v1", "has version v1 again", "All 22 documents"} {
				if !slices.ContainsFunc(events, func(e operation.Event) bool { return strings.Contains(e.Message, told) }) {
					t.Errorf("nothing says %q: %+v", told, events)
				}
			}
			for _, step := range []string{"take_back", "await_take_back"} {
				if !slices.ContainsFunc(events, func(e operation.Event) bool { return e.Step == step }) {
					t.Errorf("nothing is told of %s", step)
				}
			}
			if !slices.IsSortedFunc(events, func(a, b operation.Event) int { return a.Percent - b.Percent }) {
				t.Errorf("percent fell: %+v", events)
			}

			b.cloud.Mute, b.cloud.Deaf = "", ""
			b.retry()
			if op := b.finish(t); op.State != operation.Succeeded || b.version(t) != "v2" || b.cloud.GivenTo("acme") != "more" {
				t.Errorf("retry: %s: %+v, the stack has %s", op.State, op.Failure, b.version(t))
			}
		})
	}
}

// The worker is killed at every instant of an upgrade that is taken back, after what it did and before that was saved.
func TestATakeBackSurvivesItsWorker(t *testing.T) {
	t.Parallel()
	for name, row := range broken {
		steps := map[string]bool{}
		for crashAt := range 200 {
			b := setupBroken(t)
			b.cloud.Mute = ""
			row.breaks(b.cloud, "v2")
			b.crash(t, crashAt)
			op, _, _ := b.store.Look(opID)
			if op.State != operation.Running {
				break
			}
			steps[op.Step] = true
			b.Runner = b.runner("another")
			b.pass(time.Minute) // the dead worker's lease ends
			b.isBack(t, b.finish(t))
			if b.cloud.Updated != 2 || b.cloud.Sent != row.calls {
				t.Errorf("%s, killed at %d in %s: %d updates, %d calls", name, crashAt, op.Step, b.cloud.Updated, b.cloud.Sent)
			}
			if t.Failed() {
				return
			}
		}
		for _, step := range []string{"update_stack", "await_update", "send_call", "take_back", "await_take_back", "fill_space", "await_call"} {
			if !steps[step] {
				t.Errorf("%s: never killed in %s", name, step)
			}
		}
	}
}

func TestATakeBackThatFails(t *testing.T) {
	t.Parallel()
	t.Run("is rolled back, and a retry takes the tenant back", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.cloud.FailUpdate = "SoftphoneSite"
		op := b.finish(t)
		b.isNotBack(t, op, "upgrade.not_taken_back", "It is taken.")
		if op.Failure.Resource != "SoftphoneSite" || !strings.Contains(op.Failure.Reason, "/callreport answered 502") || b.version(t) != "v2" {
			t.Errorf("%+v, the stack has %s", op.Failure, b.version(t))
		}
		b.cloud.FailUpdate = ""
		b.retry()
		b.isBack(t, b.finish(t))
		b.cloud.Mute = ""
		b.retry()
		if op := b.finish(t); op.State != operation.Succeeded || b.version(t) != "v2" {
			t.Errorf("retry: %s: %+v, the stack has %s", op.State, op.Failure, b.version(t))
		}
	})
	t.Run("is stuck, and continued", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.cloud.FailUpdate, b.cloud.StickRollbacks = "SoftphoneSite", 5
		op := b.finish(t)
		b.isNotBack(t, op, "upgrade.not_taken_back", "It cannot be put back.")
		b.cloud.FailUpdate = ""
		b.retry()
		b.isBack(t, b.finish(t))
	})
	t.Run("has nothing to go back to", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.cloud.Versions = []string{"v2"}
		b.isNotBack(t, b.finish(t), "upgrade.not_taken_back", "There is no version v1.")
		b.cloud.Versions = []string{"v1", "v2"}
		b.retry()
		b.isBack(t, b.finish(t))
	})
	t.Run("has lost its stack", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.cloud.Lost("acme")
		b.isNotBack(t, b.finish(t), "upgrade.not_taken_back", "The stack is absent.")
	})
	t.Run("came through after all", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.advanceTo(t, "await_take_back")
		b.cloud.Trouble = errors.New("connection refused")
		b.isNotBack(t, b.finishSlowly(t), "upgrade.not_taken_back", "connection refused")
		b.cloud.Trouble = nil
		for range 3 {
			b.version(t) // time passes in the cloud
		}
		b.retry()
		b.isBack(t, b.finish(t))
		if b.cloud.Updated != 2 {
			t.Errorf("%d updates", b.cloud.Updated)
		}
	})
	t.Run("waits for what may pass", func(t *testing.T) {
		t.Parallel()
		b := setupTakeBack(t)
		b.cloud.Trouble = operation.ErrThrottled
		for range 5 {
			if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
				t.Fatal(err)
			}
		}
		b.cloud.Trouble = nil
		b.isBack(t, b.finish(t))
	})
}

// When the release before fails as well, the tenant has it and is failed; a retry proves it.
func TestATakeBackIsProved(t *testing.T) {
	t.Parallel()
	b := setupBroken(t)
	b.cloud.Mute, b.cloud.Lose = "", 1
	op := b.finish(t)
	b.isNotBack(t, op, "upgrade.back_unproved", "21 of 22")
	if has := b.version(t); has != "v1" || b.cloud.Sent != 2 {
		t.Errorf("the stack has %s after %d calls", has, b.cloud.Sent)
	}
	b.cloud.Lose = 0
	b.retry()
	b.isBack(t, b.finish(t))
	if b.cloud.Updated != 2 || b.cloud.Sent != 3 {
		t.Errorf("%d updates, %d calls", b.cloud.Updated, b.cloud.Sent)
	}
}

func TestAnUpgradeToTheSameVersionThatFailsItsProof(t *testing.T) {
	t.Parallel()
	same := func(t *testing.T, gives string) *bench {
		t.Helper()
		b := setupBroken(t)
		op, tn, _ := b.store.Look(opID)
		op.Artifacts, b.cloud.Mute, b.cloud.Deaf, b.cloud.Gives = "v1", "", "v1", gives
		b.store.Put(tn, op)
		return b
	}
	t.Run("that changes nothing has nothing to take back", func(t *testing.T) {
		t.Parallel()
		b := same(t, "")
		b.isNotBack(t, b.finish(t), "operation.timeout", "0 of 22")
		if b.cloud.Updated != 0 {
			t.Errorf("%d updates", b.cloud.Updated)
		}
	})
	t.Run("takes back what the cell has given", func(t *testing.T) {
		t.Parallel()
		b := same(t, "more")
		op := b.finish(t)
		b.isNotBack(t, op, "upgrade.back_unproved", "0 of 22")
		if given := b.cloud.GivenTo("acme"); given != "" || b.cloud.Updated != 2 {
			t.Errorf("the stack has %q of the cell after %d updates", given, b.cloud.Updated)
		}
	})
}

// What CloudFormation itself could not put in place, it takes back itself.
func TestAnUpgradeThatIsStuckIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := setupBroken(t)
	b.cloud.FailUpdate, b.cloud.StickRollbacks = "SoftphoneSite", 5
	op := b.finish(t)
	b.isNotBack(t, op, "stack.stuck", "It cannot be put back.")
	if op.Step != "await_update" || b.cloud.Updated != 0 {
		t.Errorf("the operation is in %s after %d updates", op.Step, b.cloud.Updated)
	}
}

// An operation of an older release of the worker does not know what the stack was: it fails where it stands.
func TestAnUpgradeThatKnowsNoWayBack(t *testing.T) {
	t.Parallel()
	b := setupBroken(t)
	b.advanceTo(t, "send_call")
	op, tn, _ := b.store.Look(opID)
	op.Memo.Former = nil
	b.store.Put(tn, op)
	op = b.finish(t)
	b.isNotBack(t, op, "operation.timeout", "/callreport answered 502")
	if has := b.version(t); has != "v2" || op.Step != "send_call" {
		t.Errorf("the stack has %s, the operation is in %s", has, op.Step)
	}
}

// Settings are not taken back: what a tenant has changed is its own.
func TestAnUpdateThatFailsItsProofIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	b.cloud.Mute = "v1"
	b.isNotBack(t, b.finish(t), "operation.timeout", "/callreport answered 502")
	_, tn, _ := b.store.Look(opID)
	isChanged(t, tn)
}
