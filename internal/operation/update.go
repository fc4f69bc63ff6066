package operation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// maxContinues is how often a stuck rollback is continued before a person must look.
const maxContinues = 3

var updating = []step{
	{name: "update_stack", limit: stackTime, do: (*run).updateStack},
	{name: "await_update", limit: stackTime, do: (*run).awaitUpdate},
	{name: "read_directory", limit: probeTime, do: (*run).readDirectory},
	{name: "send_call", limit: probeTime, do: (*run).sendCall, proves: true},
	{name: "fill_space", limit: probeTime, do: (*run).fillSpace, proves: true},
	{name: "await_call", limit: probeTime, do: (*run).awaitCall, proves: true},
}

// updateStack asks that the tenant's stack be as the tenant shall be. A stack in motion is waited for, and a rollback that an
// earlier try left stuck is continued first.
func (r *run) updateStack(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	switch view.Status {
	case StackReady, StackReverted:
		return r.askForUpdate(ctx, view)
	case StackStuck:
		return r.continueRollback(ctx, view)
	case StackAbsent:
		if r.op.Kind == Resume { // it was lost while nobody had it built again
			r.enter("create_stack")
			return soon, nil
		}
		return r.leaveUnchanged(&Failure{Code: "stack.absent", Reason: "The tenant has no stack.",
			Advice: "Have it built again, which a worker does that rebuilds what is missing; then change the settings again."})
	case StackRolledBack, StackUndeletable:
		return 0, &Failure{Code: "stack.failed", Reason: "The stack is in " + view.Raw + "."}
	case StackCreating, StackRollingBack, StackUpdating, StackDeleting:
	}
	return r.Poll, waiting("the stack is in " + view.Raw)
}

func (r *run) askForUpdate(ctx context.Context, view StackView) (time.Duration, error) {
	wanted, err := r.wanted(view)
	if err != nil {
		return r.leaveUnchanged(asFailure(err))
	}
	if r.op.Kind == Upgrade && r.op.Memo.Former == nil { // saved before the stack is changed
		r.op.Memo.Former = &Release{Version: view.ArtifactVersion, Parameters: view.Parameters}
		return soon, nil
	}
	token := r.token("update")
	ask := r.Stacks.Update
	if r.op.Kind == Upgrade {
		ask = r.Stacks.Upgrade
	}
	changed, err := ask(ctx, r.cell, wanted, token)
	var refused *Failure
	switch {
	case errors.As(err, &refused):
		return r.leaveUnchanged(refused)
	case err != nil:
		return 0, err
	case !changed:
		r.adopt(wanted, view)
		return soon, nil
	}
	r.hasAsked(view, token)
	r.change = &TenantChange{State: tenant.Updating}
	r.reach(percentAsked)
	if r.op.Kind == Upgrade {
		r.say(fmt.Sprintf("CloudFormation brings stack %s from version %s to %s.", r.op.Slug.StackName(), view.ArtifactVersion, r.op.Artifacts))
	} else {
		r.say("CloudFormation updates stack " + r.op.Slug.StackName() + ".")
	}
	r.enter("await_update")
	return soon, nil
}

// hasAsked notes the call on the stack that is followed from now on. How many resources it changes is not known before.
func (r *run) hasAsked(view StackView, token string) {
	memo := &r.op.Memo
	memo.StackID, memo.Token, memo.LastEvent, memo.Resources, memo.Completed = view.ID, token, "", 0, 0
}

// wanted returns the tenant as it shall be. For the periods of indices the stack is asked, not the database: an update whose
// end nobody saw may have changed what the indexer goes by.
func (r *run) wanted(view StackView) (tenant.Tenant, error) {
	t := r.tenant
	periods := maps.Clone(t.Settings.IndexPeriod)
	maps.Copy(periods, view.IndexPeriods)
	t.Settings.IndexPeriod = periods
	t.Stack.Name, t.Stack.ID, t.Stack.ArtifactVersion = r.op.Slug.StackName(), view.ID, view.ArtifactVersion
	switch r.op.Kind {
	case Suspend:
		t.State = tenant.Suspended
	case Upgrade, Preview:
		t.Stack.ArtifactVersion = r.op.Artifacts
	default:
	}
	return r.op.Change.Apply(t, r.Now())
}

// awaitUpdate follows the update. Only when the stack has the new settings are they the tenant's.
func (r *run) awaitUpdate(ctx context.Context) (time.Duration, error) {
	return r.follow(ctx, func(view StackView) error {
		wanted, err := r.wanted(view)
		if err == nil {
			r.adopt(wanted, view)
		}
		return err
	}, r.rolledBack)
}

// follow tells what becomes of an update of the stack, and goes on with ready or with reverted when it has ended.
func (r *run) follow(
	ctx context.Context, ready func(StackView) error, reverted func(context.Context, StackView) (time.Duration, error),
) (time.Duration, error) {
	begun := r.op.Memo.LastEvent != ""
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	if err := r.tellEvents(ctx, "UPDATE_COMPLETE", percentAsked, percentBuilt); err != nil {
		return 0, err
	}
	if !begun { // the status may still be that of the update before
		return r.Poll, waiting("the update has not begun")
	}
	switch view.Status {
	case StackReady:
		return soon, ready(view)
	case StackReverted:
		return reverted(ctx, view)
	case StackStuck:
		return r.continueRollback(ctx, view)
	case StackAbsent, StackRolledBack, StackUndeletable, StackDeleting:
		return 0, &Failure{Code: "stack.failed", Reason: "The stack is in " + view.Raw + "."}
	case StackCreating, StackRollingBack, StackUpdating:
	}
	return r.Poll, waiting("the stack is in " + view.Raw)
}

// adopt makes what the stack has the tenant's, and goes on to prove it. A suspended tenant takes no call that would prove it.
func (r *run) adopt(wanted tenant.Tenant, view StackView) {
	if r.op.Kind == Suspend {
		r.change = &TenantChange{State: tenant.Suspended}
		r.reach(100)
		r.say("The tenant's API answers 410 from now on; what was accepted before still arrives.")
		r.finish(Succeeded)
		return
	}
	for _, kind := range slices.Sorted(maps.Keys(r.op.Change.IndexPeriod)) {
		list := wanted.Settings.IndexPeriod[kind]
		if last := list[len(list)-1]; last.ValidFrom.After(r.Now()) {
			r.say(fmt.Sprintf("Indices of %s span a %s each from %s on.", kind, last.Period, last.ValidFrom.Format(time.DateOnly)))
		}
	}
	r.change = &TenantChange{
		State: tenant.Updating, DisplayName: wanted.DisplayName, Settings: &wanted.Settings, Instances: wanted.ConnectInstances,
	}
	r.reach(percentBuilt)
	if r.op.Kind == Upgrade {
		r.change.Stack, r.change.URLs = &wanted.Stack, urlsOf(view)
		if former := r.op.Memo.Former; former != nil && former.is(view) {
			r.op.Memo.Former = nil
		}
		r.say("The stack has version " + r.op.Artifacts + ".")
	} else {
		r.say("The stack has the new settings; they are the tenant's now.")
	}
	r.enter("read_directory")
}

// rolledBack ends an update that CloudFormation has taken back.
func (r *run) rolledBack(ctx context.Context, view StackView) (time.Duration, error) {
	failure, err := r.causeOf(ctx, view)
	if err != nil {
		return 0, err
	}
	r.say("The update was rolled back: the stack is as it was before, and the tenant keeps its settings and its version.")
	return r.leaveUnchanged(failure)
}

// causeOf returns why the update that is followed was rolled back.
func (r *run) causeOf(ctx context.Context, view StackView) (*Failure, error) {
	failure, err := r.Stacks.FirstFailure(ctx, r.cell, view.ID, r.op.Memo.Token)
	if err == nil && failure == nil {
		failure = &Failure{Code: "stack.rolled_back", Reason: "The stack is in " + view.Raw + "."}
	}
	return failure, err
}

// leaveUnchanged fails an update that has changed nothing: the tenant is as before. A retry asks anew.
func (r *run) leaveUnchanged(f *Failure) (time.Duration, error) {
	r.fail(f)
	r.change = &TenantChange{State: tenant.Active}
	if r.op.Kind == Resume {
		r.change.State = tenant.Suspended
	}
	r.enter("update_stack")
	return 0, nil
}

// continueRollback asks CloudFormation to go on with a rollback that is stuck, which is never answered by a deletion. When
// that does not help, the operation fails with what the rollback stumbles over.
func (r *run) continueRollback(ctx context.Context, view StackView) (time.Duration, error) {
	memo := &r.op.Memo
	token := func() string { return r.token(fmt.Sprintf("continue%d", memo.Continues)) }
	if memo.Continues < maxContinues {
		memo.Continues++
		if err := r.Stacks.Continue(ctx, r.cell, view.ID, token()); err != nil {
			memo.Continues--
			return 0, err
		}
		r.say("The rollback is stuck and is continued.")
		return r.Poll, nil
	}
	cause, err := r.Stacks.FirstFailure(ctx, r.cell, view.ID, token())
	if err != nil {
		return 0, err
	}
	if cause == nil {
		cause = &Failure{Reason: "The stack is in " + view.Raw + "."}
	}
	return 0, &Failure{
		Code: "stack.stuck", Reason: cause.Reason, Resource: cause.Resource, Type: cause.Type,
		Advice: "Mend what the reason names, then retry: the rollback is continued.",
	}
}

// asFailure turns what is wrong with the wanted settings into a failure of the operation.
func asFailure(err error) *Failure {
	f, ok := fault.As(err)
	if !ok {
		return &Failure{Code: "internal", Reason: err.Error()}
	}
	return &Failure{Code: f.Code, Reason: f.Detail}
}
