package operation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// bench is a runner over a store in memory and a played cloud, with a clock that the test moves.
type bench struct {
	*operation.Runner
	store *operationtest.Memory
	cloud *operationtest.Cloud
	mu    sync.Mutex
	clock time.Time
}

const (
	opID     = "6f1b1e7a-0000-4000-8000-000000000001"
	tenantID = "6f1b1e7a-0000-4000-8000-0000000000aa"
)

func setup(t *testing.T, kind operation.Kind) *bench {
	t.Helper()
	b := &bench{cloud: operationtest.NewCloud(), clock: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)}
	b.store = operationtest.NewMemory(b.now)
	b.Runner = b.runner("one")
	op := operation.Operation{ID: opID, TenantID: tenantID, Slug: "acme", Kind: kind, State: operation.Running, Attempt: 1}
	state := tenant.Pending
	switch kind {
	case operation.Offboard:
		op.Data, state = operation.DeleteData, tenant.Active
	case operation.Update:
		op.Change, state = someChange(), tenant.Updating
	case operation.Upgrade:
		op.Artifacts, state = "v2", tenant.Updating
	case operation.Preview:
		op.Artifacts, state = "v2", tenant.Active
	case operation.Suspend, operation.Resume:
		state = tenant.Updating
	case operation.Replay, operation.Redrive:
		op.Span, state = operation.Span{From: b.clock.Add(-time.Hour), To: b.clock, Kinds: telemetry.Measured}, tenant.Active
		b.cloud.Archived = 7
	case operation.Erase:
		op.Erase, state = someErasure(), tenant.Active
	case operation.Onboard, operation.Rebuild:
	}
	b.store.Put(tenant.Tenant{ID: tenantID, Slug: "acme", DisplayName: "Acme", State: state, Settings: tenant.DefaultSettings()}, op)
	return b
}

func (b *bench) runner(holder string) *operation.Runner {
	return operation.NewRunner(operation.RunnerConfig{
		Store: b.store, Stacks: b.cloud, Prober: b.cloud, Purger: b.cloud, Resender: b.cloud, Eraser: b.cloud, Spaces: b.cloud, Directories: b.cloud, Holder: holder, Now: b.now,
	})
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

// finish advances until the operation is over and returns it.
func (b *bench) finish(t *testing.T) operation.Operation {
	t.Helper()
	for range 500 {
		wait, err := b.Advance(t.Context(), tenantID, opID)
		if err != nil {
			t.Fatal(err)
		}
		if wait == 0 {
			op, _, _ := b.store.Look(opID)
			return op
		}
		b.pass(wait)
	}
	t.Fatal("the operation does not end")
	return operation.Operation{}
}

func (b *bench) retry() {
	op, tn, _ := b.store.Look(opID)
	op.State, op.Attempt, op.Failure, op.FinishedAt = operation.Running, op.Attempt+1, nil, time.Time{}
	b.store.Put(tn, op)
}

// install puts a standing stack into the cloud.
func (b *bench) install(t *testing.T) {
	t.Helper()
	_, tn, _ := b.store.Look(opID)
	if _, _, err := b.cloud.Create(t.Context(), tenant.Cell{}, tn, "before"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := b.cloud.Describe(t.Context(), tenant.Cell{}, "acme"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnboardEndsActive(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || op.Percent != 100 {
		t.Errorf("operation %s at %d %%, tenant %s", op.State, op.Percent, tn.State)
	}
	if tn.URLs.TelemetryAPI != "https://api" || tn.Stack.ArtifactVersion != "v1" || tn.Stack.ID == "" {
		t.Errorf("the tenant lacks what its stack gave: %+v", tn)
	}
	if b.cloud.Created != 1 || b.cloud.Sent != 1 {
		t.Errorf("%d stacks and %d calls were made, want one of each", b.cloud.Created, b.cloud.Sent)
	}
	percent := 0
	for _, e := range events {
		if e.Percent < percent {
			t.Errorf("percent fell to %d in %q", e.Percent, e.Message)
		}
		percent = e.Percent
	}
}

func TestOffboardDeletesOrRetains(t *testing.T) {
	t.Parallel()
	for data, retained := range map[operation.DataPolicy]bool{operation.DeleteData: false, operation.RetainData: true} {
		t.Run(string(data), func(t *testing.T) {
			t.Parallel()
			b := setup(t, operation.Offboard)
			b.install(t)
			op, tn, _ := b.store.Look(opID)
			op.Data = data
			b.store.Put(tn, op)
			op = b.finish(t)
			_, tn, _ = b.store.Look(opID)
			if op.State != operation.Succeeded || tn.State != tenant.Deleted || tn.DataRetained != retained {
				t.Errorf("operation %s, tenant %s, retained %v", op.State, tn.State, tn.DataRetained)
			}
			if b.cloud.Deleted != 1 || b.cloud.Holds("acme") != retained {
				t.Errorf("%d stacks were deleted; something is left: %v", b.cloud.Deleted, b.cloud.Holds("acme"))
			}
		})
	}
}

// Every step of all operations is stopped after it ran and before it was saved, and runs again, under the same worker
// and under another: the outcome is the same, once.
func TestEveryStepMayRunTwice(t *testing.T) {
	t.Parallel()
	for kind, want := range map[operation.Kind]tenant.State{
		operation.Onboard: tenant.Active, operation.Update: tenant.Active, operation.Offboard: tenant.Deleted,
		operation.Replay: tenant.Active, operation.Redrive: tenant.Active, operation.Erase: tenant.Active,
		operation.Upgrade: tenant.Active, operation.Preview: tenant.Active,
	} {
		for crashAt := range 20 {
			b := setup(t, kind)
			if kind != operation.Onboard {
				b.install(t)
			}
			b.crash(t, crashAt)
			b.Runner = b.runner("another")
			b.pass(time.Minute) // the dead worker's lease ends
			op := b.finish(t)
			_, tn, _ := b.store.Look(opID)
			if op.State != operation.Succeeded || tn.State != want || b.cloud.Created != 1 || b.cloud.Sent > 1 || b.cloud.Updated > 1 {
				t.Errorf("%s, stopped at %d: operation %s, tenant %s, %d stacks, %d updates, %d calls",
					kind, crashAt, op.State, tn.State, b.cloud.Created, b.cloud.Updated, b.cloud.Sent)
			}
			if kind == operation.Update {
				isChanged(t, tn)
			}
			if has := b.version(t); kind == operation.Upgrade && (has != "v2" || tn.Stack.ArtifactVersion != "v2") || kind == operation.Preview && has != "v1" {
				t.Errorf("%s, stopped at %d: the stack has %s, the tenant %s", kind, crashAt, has, tn.Stack.ArtifactVersion)
			}
			if kind == operation.Preview && len(op.Memo.Changes) != 1 {
				t.Errorf("%s, stopped at %d: changes %+v", kind, crashAt, op.Memo.Changes)
			}
			slices.Sort(b.cloud.Resent) // what a lost save has sent was sent again
			if all := slices.Compact(b.cloud.Resent); kind == operation.Replay && len(all) != b.cloud.Archived {
				t.Errorf("%s, stopped at %d: sent %v", kind, crashAt, all)
			}
			if kind == operation.Redrive && b.cloud.Redriven != b.cloud.Archived {
				t.Errorf("%s, stopped at %d: %d letters", kind, crashAt, b.cloud.Redriven)
			}
		}
	}
}

// crash runs steps and loses the save of the one with this number.
func (b *bench) crash(t *testing.T, at int) {
	t.Helper()
	for n := range at + 1 {
		if n == at {
			b.Runner = operation.NewRunner(operation.RunnerConfig{
				Store: forgetful{b.store}, Stacks: b.cloud, Prober: b.cloud, Purger: b.cloud, Resender: b.cloud, Eraser: b.cloud, Spaces: b.cloud, Directories: b.cloud, Holder: "one", Now: b.now,
			})
		}
		wait, err := b.Advance(t.Context(), tenantID, opID)
		if n == at && err == nil && wait > 0 {
			t.Fatal("the save was not lost")
		}
		if wait == 0 {
			return
		}
		b.pass(wait)
	}
}

// forgetful is a store whose process dies before it saves.
type forgetful struct{ *operationtest.Memory }

func (forgetful) Save(context.Context, operation.Progress) error { return errors.New("killed") }

func TestAFailedStackNamesItsResource(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.cloud.FailCreate = "UserPoolDomain"
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Resource != "UserPoolDomain" || op.Failure.Reason != "It is taken." || tn.State != tenant.Failed {
		t.Fatalf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
	}
	if last := events[len(events)-1]; last.Level != "error" || last.Resource != "UserPoolDomain" {
		t.Errorf("the last event is %+v", last)
	}

	b.cloud.FailCreate = ""
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || b.cloud.Created != 2 || b.cloud.Deleted != 1 {
		t.Errorf("retry: %s, %d created, %d deleted; want the rest deleted and a new stack", op.State, b.cloud.Created, b.cloud.Deleted)
	}
}

func TestADeleteThatFails(t *testing.T) {
	t.Parallel()
	t.Run("is asked for again", func(t *testing.T) {
		t.Parallel()
		b := setup(t, operation.Offboard)
		b.install(t)
		b.cloud.FailDeletes = 2
		if op := b.finish(t); op.State != operation.Succeeded {
			t.Errorf("operation %s: %+v", op.State, op.Failure)
		}
	})
	t.Run("is never called deleted", func(t *testing.T) {
		t.Parallel()
		b := setup(t, operation.Offboard)
		b.install(t)
		b.cloud.FailDeletes = 3
		op := b.finish(t)
		_, tn, _ := b.store.Look(opID)
		if op.State != operation.Failed || op.Failure.Resource != "SiteBucket" || tn.State != tenant.Failed {
			t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
		}
		b.retry()
		if op = b.finish(t); op.State != operation.Succeeded {
			t.Errorf("retry: %s: %+v", op.State, op.Failure)
		}
	})
}

func TestWhatIsLeftIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Offboard)
	b.install(t)
	b.cloud.Sticky = true
	op := b.finish(t)
	if op.State != operation.Failed || !strings.Contains(op.Failure.Reason, "acme-apimetric-2026.q4") {
		t.Fatalf("operation %s: %+v", op.State, op.Failure)
	}
	b.cloud.Sticky = false
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || b.cloud.Holds("acme") {
		t.Errorf("retry: %s: %+v", op.State, op.Failure)
	}
}

func TestALostCallIsAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.cloud.Lose = 1
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || !strings.Contains(op.Failure.Reason, "21 of 22") || tn.State == tenant.Active {
		t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
	}
	b.cloud.Lose = 0
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || b.cloud.Created != 1 {
		t.Errorf("retry: %s, %d stacks", op.State, b.cloud.Created)
	}
}

// A retry that begins after the step which sends the call proves itself by a call of its own, and an operation of an older
// release, which filled the space first, sends one too.
func TestTheCallIsOfThisAttempt(t *testing.T) {
	t.Parallel()
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		b := setup(t, operation.Onboard)
		b.advanceTo(t, "fill_space")
		b.cloud.Trouble = &operation.Failure{Code: "space.refused", Reason: "no such template"}
		if op := b.finish(t); op.State != operation.Failed || op.Step != "fill_space" || b.cloud.Sent != 1 {
			t.Fatalf("operation %s in %s, %d calls", op.State, op.Step, b.cloud.Sent)
		}
		b.cloud.Trouble = nil
		b.retry()
		if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Sent != 2 {
			t.Errorf("operation %s, %d calls", op.State, b.cloud.Sent)
		}
	})
	t.Run("older release", func(t *testing.T) {
		t.Parallel()
		b := setup(t, operation.Onboard)
		b.advanceTo(t, "send_call")
		op, tn, _ := b.store.Look(opID)
		op.Step = "fill_space"
		b.store.Put(tn, op)
		if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Sent != 1 {
			t.Errorf("operation %s, %d calls", op.State, b.cloud.Sent)
		}
	})
}

// advanceTo advances until the step is next.
func (b *bench) advanceTo(t *testing.T, step string) {
	t.Helper()
	for range 50 {
		if op, _, _ := b.store.Look(opID); op.Step == step {
			return
		}
		wait, err := b.Advance(t.Context(), tenantID, opID)
		if err != nil {
			t.Fatal(err)
		}
		b.pass(wait)
	}
	t.Fatalf("%s does not come", step)
}

// The call is looked for soon after it was sent, and less and less often.
func TestTheCallIsLookedForSoonAndThenSeldom(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.cloud.Lose = 1
	b.advanceTo(t, "await_call")
	var waits []time.Duration
	for began := b.now(); b.now().Sub(began) < time.Minute; {
		wait, err := b.Advance(t.Context(), tenantID, opID)
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, wait)
		b.pass(wait)
	}
	const poll = 5 * time.Second // the default
	if first, last := waits[0], waits[len(waits)-1]; first > poll/10 || last != poll || !slices.IsSorted(waits) || len(waits) > 40 {
		t.Errorf("waited %s", waits)
	}
}

func TestTroubleOnlySlows(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	for _, trouble := range []error{nil, errors.New("throttled"), errors.New("connection refused"), nil} {
		b.cloud.Trouble = trouble
		for range 5 {
			if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Created != 1 {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

func TestTroubleDoesNotLastForEver(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.cloud.Trouble = errors.New("connection refused")
	op := b.finishSlowly(t)
	if op.State != operation.Failed || op.Failure.Reason != "connection refused" {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

// A store that refuses is not only in the log while its step goes on: the operation's story says so, once.
func TestLastingTroubleIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	told := func() (n int) {
		_, _, events := b.store.Look(opID)
		for _, e := range events {
			if e.Level == "error" && strings.Contains(e.Message, "access denied") {
				n++
			}
		}
		return n
	}
	b.cloud.Trouble = errors.New("access denied")
	for tries, want := range []int{0, 0, 1, 1, 1} {
		if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
			t.Fatal(err)
		}
		if n := told(); n != want {
			t.Errorf("after %d tries it is told %d times, want %d", tries+1, n, want)
		}
	}
	b.cloud.Trouble = nil
	if op := b.finish(t); op.State != operation.Succeeded || told() != 1 {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

func (b *bench) finishSlowly(t *testing.T) operation.Operation {
	t.Helper()
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	b.pass(2 * time.Hour)
	return b.finish(t)
}

func TestAFailureEndsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.cloud.Trouble = &operation.Failure{Code: "stack.refused", Reason: "no such template"}
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	if op, _, _ := b.store.Look(opID); op.State != operation.Failed || op.Failure.Code != "stack.refused" {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

func TestACancelledOnboardGivesWay(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	b.store.Cancel(opID)
	if op := b.finish(t); op.State != operation.Cancelled {
		t.Errorf("operation %s, want cancelled", op.State)
	}
}

func TestARebuildKeepsTheTenant(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Rebuild)
	b.install(t)
	b.cloud.Lost("acme")
	if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Created != 2 {
		t.Errorf("operation %s: %+v, %d stacks", op.State, op.Failure, b.cloud.Created)
	}
}

func TestEveryStepIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Onboard)
	b.finish(t)
	_, _, events := b.store.Look(opID)
	for _, step := range []string{"create_stack", "await_stack", "fill_space", "send_call", "await_call"} {
		if !slices.ContainsFunc(events, func(e operation.Event) bool { return e.Step == step }) {
			t.Errorf("nothing is told of %s", step)
		}
	}
}
