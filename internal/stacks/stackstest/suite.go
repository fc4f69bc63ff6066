// Package stackstest holds every operation.Stacks, the played one and CloudFormation's, to the same contract.
package stackstest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A World is an operation.Stacks to try, with what a test cannot make through it.
type World struct {
	Stacks operation.Stacks
	Cell   tenant.Cell
	Tenant func(t *testing.T) tenant.Tenant           // a tenant without a stack
	Newer  string                                     // an artifact version beside the one of new stacks, which changes a resource
	Break  func(t *testing.T, of tenant.Tenant)       // the tenant's next creations and updates fail at one resource
	Mend   func(t *testing.T, of tenant.Tenant)       // and now they do not
	Wait   func(ctx context.Context) <-chan time.Time // ticks when it is worth looking again
}

// Run tries the contract; each part gets a world of its own.
func Run(t *testing.T, newWorld func(t *testing.T) World) {
	t.Helper()
	for name, part := range map[string]func(*testing.T, World){
		"a stack is created once, told of and deleted": create,
		"a failed creation names the cause":            fail,
		"an update is made once, or says so":           update,
		"a failed update is taken back":                revert,
		"an upgrade brings what its preview has said":  upgrade,
		"a failed upgrade leaves the version":          revertUpgrade,
		"a stack is made again of what it was made of": takeBack,
		"what is not there":                            absent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part(t, newWorld(t))
		})
	}
}

func create(t *testing.T, w World) {
	t.Helper()
	of := w.Tenant(t)
	id, resources, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-1")
	if err != nil || id == "" || resources < 1 {
		t.Fatalf("create: %q, %d resources, %v", id, resources, err)
	}
	again, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-1")
	if err != nil || again != id {
		t.Errorf("a repeat made %q, %v; want %q", again, err, id)
	}
	if _, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-2"); err == nil {
		t.Error("another call created a stack that exists")
	}
	view := w.await(t, of, operation.StackReady, operation.StackCreating)
	if view.ID != id || view.ArtifactVersion == "" || len(view.Outputs) == 0 {
		t.Errorf("the stack is %+v", view)
	}
	all := w.events(t, id, "create-1", "")
	if len(all) < 2 || all[0].Resource != of.Slug.StackName() {
		t.Fatalf("events %+v, want the stack's beginning first", all)
	}
	rest := w.events(t, id, "create-1", all[0].ID)
	if !slices.EqualFunc(rest, all[1:], func(a, b operation.StackEvent) bool { return a.ID == b.ID }) {
		t.Errorf("after the first event: %+v, want %+v", rest, all[1:])
	}
	if failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, id, "create-1"); failure != nil || err != nil {
		t.Errorf("failure %+v, %v of a stack that stands", failure, err)
	}

	w.remove(t, of, id, "delete-1")
	if err := w.Stacks.Delete(t.Context(), w.Cell, id, "delete-2"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	if newer, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-3"); err != nil || newer == id {
		t.Errorf("create anew: %q, %v", newer, err)
	}
	if err := w.Stacks.Delete(t.Context(), w.Cell, id, "delete-3"); err != nil {
		t.Errorf("deleting the old stack: %v", err)
	}
	if view := w.await(t, of, operation.StackReady, operation.StackCreating); view.ID == id {
		t.Error("the new stack has the old one's id")
	}
}

func fail(t *testing.T, w World) {
	t.Helper()
	of := w.Tenant(t)
	w.Break(t, of)
	id, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-1")
	if err != nil {
		t.Fatal(err)
	}
	w.await(t, of, operation.StackRolledBack, operation.StackCreating, operation.StackRollingBack)
	failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, id, "create-1")
	if err != nil || failure == nil || failure.Resource == "" || failure.Resource == of.Slug.StackName() || failure.Reason == "" {
		t.Errorf("failure %+v, %v; want a resource and its reason", failure, err)
	}
	w.remove(t, of, id, "clear-1")
	w.Mend(t, of)
	if _, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-2"); err != nil {
		t.Fatal(err)
	}
	view := w.await(t, of, operation.StackReady, operation.StackCreating)
	if failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, view.ID, "create-2"); failure != nil || err != nil {
		t.Errorf("the failure of an earlier try was told of this one: %+v, %v", failure, err)
	}
}

// standing makes a tenant with a stack, and returns the tenant as its stack has it.
func (w World) standing(t *testing.T) tenant.Tenant {
	t.Helper()
	of := w.Tenant(t)
	if _, _, err := w.Stacks.Create(t.Context(), w.Cell, of, "create-1"); err != nil {
		t.Fatal(err)
	}
	view := w.await(t, of, operation.StackReady, operation.StackCreating)
	of.Stack = tenant.Stack{Name: of.Slug.StackName(), ID: view.ID, ArtifactVersion: view.ArtifactVersion}
	return of
}

// changed returns the tenant with other settings.
func changed(t *testing.T, of tenant.Tenant) tenant.Tenant {
	t.Helper()
	next, err := tenant.Change{
		SoftphoneOrigins: &[]string{"https://desk.example"}, IndexPeriod: map[string]tenant.Period{"apimetric": tenant.Day},
	}.Apply(of, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func (w World) update(t *testing.T, of tenant.Tenant, token string, want bool) {
	t.Helper()
	if got, err := w.Stacks.Update(t.Context(), w.Cell, of, token); got != want || err != nil {
		t.Errorf("update %s: %v, %v; want %v", token, got, err, want)
	}
}

func update(t *testing.T, w World) {
	t.Helper()
	of := w.standing(t)
	w.update(t, of, "update-1", false)
	next := changed(t, of)
	w.update(t, next, "update-2", true)
	view := w.await(t, of, operation.StackReady, operation.StackUpdating)
	if got := view.IndexPeriods["apimetric"]; view.ID != of.Stack.ID || len(got) != 2 || got[1].Period != tenant.Day {
		t.Errorf("after the update the stack is %+v", view)
	}
	if events := w.events(t, of.Stack.ID, "update-2", ""); len(events) < 2 || events[0].Resource != of.Slug.StackName() {
		t.Errorf("events %+v, want the update's beginning first", events)
	}
	w.update(t, next, "update-3", false)
	if err := w.Stacks.Continue(t.Context(), w.Cell, of.Stack.ID, "continue-1"); err != nil {
		t.Errorf("continuing what is not stuck: %v", err)
	}
	w.await(t, of, operation.StackReady)
	w.remove(t, of, of.Stack.ID, "delete-1")
}

func revert(t *testing.T, w World) {
	t.Helper()
	of := w.standing(t)
	w.Break(t, of)
	next := changed(t, of)
	w.update(t, next, "update-1", true)
	view := w.await(t, of, operation.StackReverted, operation.StackUpdating)
	if len(view.IndexPeriods["apimetric"]) != 1 {
		t.Errorf("the stack is not as it was: %+v", view)
	}
	failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, of.Stack.ID, "update-1")
	if err != nil || failure == nil || failure.Resource == "" || failure.Resource == of.Slug.StackName() || failure.Reason == "" {
		t.Errorf("failure %+v, %v; want a resource and its reason", failure, err)
	}
	w.Mend(t, of)
	w.update(t, next, "update-2", true)
	w.await(t, of, operation.StackReady, operation.StackUpdating)
	if failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, of.Stack.ID, "update-2"); failure != nil || err != nil {
		t.Errorf("the failure of an earlier try was told of this one: %+v, %v", failure, err)
	}
}

// upgraded returns the tenant as an upgrade shall leave it.
func (w World) upgraded(of tenant.Tenant, version string) tenant.Tenant {
	of.Stack.ArtifactVersion = version
	return of
}

func (w World) preview(t *testing.T, of tenant.Tenant, token string) []operation.StackChange {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		changes, ready, err := w.Stacks.Preview(ctx, w.Cell, of, token)
		if err != nil {
			t.Fatalf("preview %s: %v", token, err)
		}
		if ready {
			return changes
		}
		select {
		case <-w.Wait(ctx):
		case <-ctx.Done():
			t.Fatal("the preview is never ready")
		}
	}
}

func upgrade(t *testing.T, w World) {
	t.Helper()
	of := w.standing(t)
	next := w.upgraded(of, w.Newer)
	for _, token := range []string{"preview-1", "preview-1", "preview-2"} { // one that was read is gone and may be made anew
		changes := w.preview(t, next, token)
		if len(changes) == 0 || changes[0].Action != "modify" || changes[0].Resource == "" || changes[0].Type == "" {
			t.Errorf("%s says %+v", token, changes)
		}
	}
	if view := w.await(t, of, operation.StackReady); view.ArtifactVersion != of.Stack.ArtifactVersion {
		t.Errorf("the preview has made %+v", view)
	}
	if got, err := w.Stacks.Upgrade(t.Context(), w.Cell, next, "upgrade-1"); !got || err != nil {
		t.Fatalf("upgrade: %v, %v", got, err)
	}
	view := w.await(t, of, operation.StackReady, operation.StackUpdating)
	if view.ArtifactVersion != w.Newer || view.ID != of.Stack.ID {
		t.Errorf("after the upgrade the stack is %+v", view)
	}
	if got, err := w.Stacks.Upgrade(t.Context(), w.Cell, next, "upgrade-2"); got || err != nil {
		t.Errorf("an upgrade to what it has: %v, %v", got, err)
	}
	if changes := w.preview(t, next, "preview-3"); len(changes) > 0 {
		t.Errorf("a preview of nothing says %+v", changes)
	}
	w.update(t, w.upgraded(changed(t, of), w.Newer), "update-1", true)
	if view := w.await(t, of, operation.StackReady, operation.StackUpdating); view.ArtifactVersion != w.Newer {
		t.Errorf("an update after it has changed the version: %+v", view)
	}
	for what, err := range map[string]error{
		"preview": second(w.Stacks.Preview(t.Context(), w.Cell, w.upgraded(of, "no-such-version"), "preview-4")),
		"upgrade": first(w.Stacks.Upgrade(t.Context(), w.Cell, w.upgraded(of, "no-such-version"), "upgrade-3")),
	} {
		if failure := (*operation.Failure)(nil); !errors.As(err, &failure) || failure.Code != "upgrade.version_unknown" {
			t.Errorf("%s to a version that is not there: %v", what, err)
		}
	}
}

func takeBack(t *testing.T, w World) {
	t.Helper()
	of := w.standing(t)
	was := w.await(t, of, operation.StackReady)
	if len(was.Parameters) == 0 || was.Parameters["ArtifactVersion"] != was.ArtifactVersion {
		t.Errorf("the stack has version %s and parameters %v", was.ArtifactVersion, was.Parameters)
	}
	former := operation.Release{Version: was.ArtifactVersion, Parameters: was.Parameters}
	if got, err := w.Stacks.Upgrade(t.Context(), w.Cell, w.upgraded(of, w.Newer), "upgrade-1"); !got || err != nil {
		t.Fatalf("upgrade: %v, %v", got, err)
	}
	if view := w.await(t, of, operation.StackReady, operation.StackUpdating); maps.Equal(view.Parameters, was.Parameters) {
		t.Errorf("the upgrade has changed no parameter: %v", view.Parameters)
	}
	if got, err := w.Stacks.TakeBack(t.Context(), w.Cell, was.ID, former, "back-1"); !got || err != nil {
		t.Fatalf("take back: %v, %v", got, err)
	}
	view := w.await(t, of, operation.StackReady, operation.StackUpdating)
	if view.ID != was.ID || view.ArtifactVersion != was.ArtifactVersion || !maps.Equal(view.Parameters, was.Parameters) {
		t.Errorf("the stack is %+v, want %+v", view, was)
	}
	if events := w.events(t, was.ID, "back-1", ""); len(events) == 0 || events[0].Status != "UPDATE_IN_PROGRESS" {
		t.Errorf("told of it is %+v", events)
	}
	if got, err := w.Stacks.TakeBack(t.Context(), w.Cell, was.ID, former, "back-2"); got || err != nil {
		t.Errorf("taking back to what it has: %v, %v", got, err)
	}
	// Whoever did not see that the first call went through makes it again; whether it says so is CloudFormation's affair.
	if _, err := w.Stacks.TakeBack(t.Context(), w.Cell, was.ID, former, "back-1"); err != nil {
		t.Errorf("the same call once it is done: %v", err)
	}
	if again := w.await(t, of, operation.StackReady); !maps.Equal(again.Parameters, was.Parameters) {
		t.Errorf("a repeat has made %+v", again)
	}
	former.Version = "no-such-version"
	_, err := w.Stacks.TakeBack(t.Context(), w.Cell, was.ID, former, "back-3")
	if failure := (*operation.Failure)(nil); !errors.As(err, &failure) || failure.Code != "upgrade.version_unknown" {
		t.Errorf("taking back to a version that is not there: %v", err)
	}
}

func first[A any](_ A, err error) error          { return err }
func second[A, B any](_ A, _ B, err error) error { return err }

func revertUpgrade(t *testing.T, w World) {
	t.Helper()
	of := w.standing(t)
	w.Break(t, of)
	next := w.upgraded(of, w.Newer)
	if got, err := w.Stacks.Upgrade(t.Context(), w.Cell, next, "upgrade-1"); !got || err != nil {
		t.Fatalf("upgrade: %v, %v", got, err)
	}
	view := w.await(t, of, operation.StackReverted, operation.StackUpdating)
	if view.ArtifactVersion != of.Stack.ArtifactVersion {
		t.Errorf("after the rollback the stack is %+v", view)
	}
	failure, err := w.Stacks.FirstFailure(t.Context(), w.Cell, of.Stack.ID, "upgrade-1")
	if err != nil || failure == nil || failure.Resource == "" {
		t.Errorf("failure %+v, %v; want a resource and its reason", failure, err)
	}
	w.Mend(t, of)
	if got, err := w.Stacks.Upgrade(t.Context(), w.Cell, next, "upgrade-2"); !got || err != nil {
		t.Fatalf("again: %v, %v", got, err)
	}
	if view := w.await(t, of, operation.StackReady, operation.StackUpdating); view.ArtifactVersion != w.Newer {
		t.Errorf("after another try the stack is %+v", view)
	}
}

func absent(t *testing.T, w World) {
	t.Helper()
	of := w.Tenant(t)
	view, err := w.Stacks.Describe(t.Context(), w.Cell, of.Slug)
	if err != nil || view.Status != operation.StackAbsent {
		t.Errorf("describe: %+v, %v", view, err)
	}
}

// await looks until the stack has the status; on the way it may have those of passing only.
func (w World) await(t *testing.T, of tenant.Tenant, want operation.StackStatus, passing ...operation.StackStatus) operation.StackView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		view, err := w.Stacks.Describe(ctx, w.Cell, of.Slug)
		switch {
		case err != nil:
			t.Fatal(err)
		case view.Status == want:
			return view
		case !slices.Contains(passing, view.Status):
			t.Fatalf("the stack is %s (%s), want %s", view.Status, view.Raw, want)
		}
		select {
		case <-w.Wait(ctx):
		case <-ctx.Done():
			t.Fatalf("the stack stays %s", view.Status)
		}
	}
}

func (w World) remove(t *testing.T, of tenant.Tenant, id, token string) {
	t.Helper()
	if err := w.Stacks.Delete(t.Context(), w.Cell, id, token); err != nil {
		t.Fatal(err)
	}
	w.await(t, of, operation.StackAbsent, operation.StackDeleting)
}

func (w World) events(t *testing.T, id, token, after string) []operation.StackEvent {
	t.Helper()
	events, err := w.Stacks.Events(t.Context(), w.Cell, id, token, after)
	if err != nil {
		t.Fatal(err)
	}
	return events
}
