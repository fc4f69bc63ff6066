package operationtest

import (
	"errors"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A World is a store under test with what the suite needs around it.
type World struct {
	Store operation.Store
	// Running makes a tenant with one running operation and returns both. Queued adds a queued off-boarding to it.
	Running func(t *testing.T) operation.Operation
	Queued  func(t *testing.T, running operation.Operation) operation.Operation
	// Tenant and Events read what was saved.
	Tenant func(t *testing.T, op operation.Operation) tenant.Tenant
	Events func(t *testing.T, op operation.Operation) []operation.Event
}

const (
	long  = time.Hour
	ended = time.Nanosecond // a lease that is over when it was given
)

// RunStore holds a store to the contract of operation.Store.
func RunStore(t *testing.T, world func(t *testing.T) World) {
	t.Helper()
	for promise, holds := range map[string]func(*testing.T, World){
		"a claim is one worker's until its lease ends": claimsAreExclusive,
		"a paused worker that wakes changes nothing":   pausedWorkerIsLost,
		"a step is saved whole":                        stepsAreSavedWhole,
		"an operation that is over stays over":         endedStaysEnded,
		"a queued operation waits for the running one": queuedWaits,
		"an operation of another tenant is not found":  tenantsAreApart,
	} {
		t.Run(promise, func(t *testing.T) { holds(t, world(t)) })
	}
}

func claimsAreExclusive(t *testing.T, w World) {
	t.Helper()
	op := w.Running(t)
	first := claim(t, w, op, "one", long)
	if _, err := w.Store.Claim(t.Context(), op.TenantID, op.ID, "two", long); !errors.Is(err, operation.ErrHeld) {
		t.Errorf("a second worker got %v, want ErrHeld", err)
	}
	if again := claim(t, w, op, "one", long); again.Operation.Generation <= first.Operation.Generation {
		t.Error("the same worker's next claim has no newer generation")
	}
}

func pausedWorkerIsLost(t *testing.T, w World) {
	t.Helper()
	op := w.Running(t)
	paused := claim(t, w, op, "one", ended).Operation
	claim(t, w, op, "two", long)
	paused.Percent = 99
	late := operation.Progress{
		Operation: paused,
		Events:    []operation.Event{{Message: "late"}},
		Tenant:    &operation.TenantChange{State: tenant.Active},
	}
	if err := w.Store.Save(t.Context(), late); !errors.Is(err, operation.ErrLost) {
		t.Errorf("save got %v, want ErrLost", err)
	}
	if err := w.Store.Release(t.Context(), paused); !errors.Is(err, operation.ErrLost) {
		t.Errorf("release got %v, want ErrLost", err)
	}
	if w.Tenant(t, op).State == tenant.Active || index(w.Events(t, op), "late") >= 0 {
		t.Error("the paused worker's step was written")
	}
}

func stepsAreSavedWhole(t *testing.T, w World) {
	t.Helper()
	op := claim(t, w, w.Running(t), "one", long).Operation
	op.Step, op.Percent = "await_stack", 40
	op.Memo = operation.Memo{StackID: "stack", Token: "token", CallWanted: map[string]int{"apimetric": 2}}
	chosen := tenant.DefaultSettings()
	chosen.RetentionDays = 7
	save(t, w, operation.Progress{
		Operation: op,
		Events:    []operation.Event{{Step: op.Step, Level: "info", Message: "a"}, {Step: op.Step, Level: "info", Message: "b"}},
		Tenant: &operation.TenantChange{
			State: tenant.Provisioning, DisplayName: "Another name", Settings: &chosen,
			Stack: &tenant.Stack{Name: "earshot-x", ID: "stack", ArtifactVersion: "v"},
			URLs:  &tenant.URLs{Softphone: "https://s", TelemetryAPI: "https://t"},
		},
	})
	if err := w.Store.Release(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	again := claim(t, w, op, "two", long)
	if got := again.Operation; got.Step != op.Step || got.Percent != 40 || got.Memo.CallWanted["apimetric"] != 2 || got.Memo.Token != "token" {
		t.Errorf("the next worker sees %+v", got)
	}
	if again.Tenant.Stack.ID != "stack" || again.Tenant.URLs.TelemetryAPI != "https://t" {
		t.Errorf("the next worker's tenant is %+v", again.Tenant)
	}
	if again.Tenant.DisplayName != "Another name" || again.Tenant.Settings.RetentionDays != 7 {
		t.Errorf("the next worker's tenant has not the new settings: %+v", again.Tenant)
	}
	events := w.Events(t, op)
	if a, b := index(events, "a"), index(events, "b"); a < 0 || b != a+1 || events[b].Sequence != events[a].Sequence+1 {
		t.Errorf("events are not in order: %+v", events)
	}
}

func endedStaysEnded(t *testing.T, w World) {
	t.Helper()
	op := claim(t, w, w.Running(t), "one", long).Operation
	op.State, op.FinishedAt = operation.Failed, time.Now()
	op.Failure = &operation.Failure{Code: "stack.failed", Reason: "no"}
	save(t, w, operation.Progress{Operation: op, Tenant: &operation.TenantChange{State: tenant.Failed}})
	if _, err := w.Store.Claim(t.Context(), op.TenantID, op.ID, "one", long); !errors.Is(err, operation.ErrFinished) {
		t.Errorf("claim got %v, want ErrFinished", err)
	}
	if got := w.Tenant(t, op).State; got != tenant.Failed {
		t.Errorf("the tenant is %s, want failed", got)
	}
}

func queuedWaits(t *testing.T, w World) {
	t.Helper()
	running := w.Running(t)
	queued := w.Queued(t, running)
	if _, err := w.Store.Claim(t.Context(), queued.TenantID, queued.ID, "one", long); !errors.Is(err, operation.ErrHeld) {
		t.Errorf("claim got %v, want ErrHeld", err)
	}
	op := claim(t, w, running, "one", long).Operation
	if !op.CancelRequested {
		t.Error("the running operation was not asked to give way")
	}
	op.State, op.FinishedAt = operation.Cancelled, time.Now()
	save(t, w, operation.Progress{Operation: op})
	if got := claim(t, w, queued, "one", long).Operation.State; got != operation.Running {
		t.Errorf("the queued operation is %s, want running", got)
	}
}

func tenantsAreApart(t *testing.T, w World) {
	t.Helper()
	one, other := w.Running(t), w.Running(t)
	if _, err := w.Store.Claim(t.Context(), other.TenantID, one.ID, "one", long); !errors.Is(err, operation.ErrNotFound) {
		t.Errorf("claim got %v, want ErrNotFound", err)
	}
}

func claim(t *testing.T, w World, op operation.Operation, holder string, lease time.Duration) operation.Claimed {
	t.Helper()
	claimed, err := w.Store.Claim(t.Context(), op.TenantID, op.ID, holder, lease)
	if err != nil {
		t.Fatalf("claim for %s: %v", holder, err)
	}
	return claimed
}

func save(t *testing.T, w World, p operation.Progress) {
	t.Helper()
	if err := w.Store.Save(t.Context(), p); err != nil {
		t.Fatalf("save: %v", err)
	}
}

func index(events []operation.Event, message string) int {
	for i, e := range events {
		if e.Message == message {
			return i
		}
	}
	return -1
}
