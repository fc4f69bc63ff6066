package operation

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// An upgrade is an update. When the new release stands and fails its proof, it goes on with the steps behind it, which take the
// tenant back, and then with the proof again, of the release before.
var upgrading = append(updating[:len(updating):len(updating)],
	step{name: "take_back", limit: stackTime, do: (*run).takeBack},
	step{name: "await_take_back", limit: stackTime, do: (*run).awaitTakeBack},
)

// is reports that a stack is made of the release.
func (r Release) is(view StackView) bool {
	return r.Version == view.ArtifactVersion && maps.Equal(r.Parameters, view.Parameters)
}

// stumble ends the operation with what will not pass by itself. An upgrade that has put another release in place, and cannot
// prove it, takes the tenant back first.
func (r *run) stumble(at step, f *Failure) {
	switch memo := &r.op.Memo; {
	case memo.Broken != nil:
		r.fail(r.notTakenBack(at, f))
	case memo.Former != nil && at.proves:
		memo.Broken = f
		r.events = append(r.events, Event{Step: r.op.Step, Level: "error", Percent: r.op.Percent,
			Message: fmt.Sprintf("Version %s failed its proof: %s", r.op.Artifacts, f.Reason)})
		r.enter("take_back")
	default:
		r.fail(f)
	}
}

// takeBack asks that the stack be what it was before the upgrade. A stack in motion is waited for: it may be this very call's.
func (r *run) takeBack(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	switch view.Status {
	case StackReady, StackReverted:
	case StackStuck:
		return r.continueRollback(ctx, view)
	case StackAbsent, StackRolledBack, StackUndeletable, StackDeleting:
		return 0, &Failure{Code: "stack.failed", Reason: "The stack is " + string(view.Status) + "."}
	case StackCreating, StackRollingBack, StackUpdating:
		return r.Poll, waiting("the stack is in " + view.Raw)
	}
	token := r.token("back")
	changed, err := r.Stacks.TakeBack(ctx, r.cell, view.ID, *r.op.Memo.Former, token)
	if err != nil {
		return 0, err
	}
	if !changed {
		r.isBack(view)
		return soon, nil
	}
	r.hasAsked(view, token)
	r.say(fmt.Sprintf("CloudFormation takes stack %s back to version %s.", r.op.Slug.StackName(), r.op.Memo.Former.Version))
	r.enter("await_take_back")
	return soon, nil
}

// awaitTakeBack follows the way back.
func (r *run) awaitTakeBack(ctx context.Context) (time.Duration, error) {
	return r.follow(ctx, func(view StackView) error {
		r.isBack(view)
		return nil
	}, func(ctx context.Context, view StackView) (time.Duration, error) {
		cause, err := r.causeOf(ctx, view)
		if err == nil {
			err = cause
		}
		return 0, err
	})
}

// isBack makes the former version the tenant's again, and goes on to prove it.
func (r *run) isBack(view StackView) {
	r.change = &TenantChange{
		State: tenant.Updating, URLs: urlsOf(view),
		Stack: &tenant.Stack{Name: r.op.Slug.StackName(), ID: view.ID, ArtifactVersion: r.op.Memo.Former.Version},
	}
	r.say("The stack has version " + r.op.Memo.Former.Version + " again.")
	r.enter("send_call")
}

// endTakenBack ends an upgrade whose tenant works again. A retry upgrades anew.
func (r *run) endTakenBack() (time.Duration, error) {
	memo := &r.op.Memo
	r.fail(&Failure{
		Code: "upgrade.taken_back", Resource: memo.Broken.Resource, Type: memo.Broken.Type,
		Reason: fmt.Sprintf("%s. The tenant is back on version %s, which has passed it.", r.ofTheProof(), memo.Former.Version),
		Advice: "The tenant works. Find out what fails in version " + r.op.Artifacts + ", and upgrade to one that passes.",
	})
	r.change = &TenantChange{State: tenant.Active}
	memo.Former, memo.Broken = nil, nil
	r.enter("update_stack")
	return 0, nil
}

// notTakenBack says why a tenant whose new release does not work could not be taken back, in words of both causes.
func (r *run) notTakenBack(at step, f *Failure) *Failure {
	former := r.op.Memo.Former.Version
	if at.proves {
		return &Failure{
			Code:   "upgrade.back_unproved",
			Reason: fmt.Sprintf("%s. The tenant is back on version %s, which fails it as well: %s", r.ofTheProof(), former, f.Reason),
			Advice: "What both versions stumble over is likely none of theirs: mend it, then retry, which proves version " + former + " again.",
		}
	}
	return &Failure{
		Code: "upgrade.not_taken_back", Resource: f.Resource, Type: f.Type,
		Reason: fmt.Sprintf("%s. Taking the tenant back to version %s failed: %s", r.ofTheProof(), former, f.Reason),
		Advice: strings.TrimSpace("The tenant does not work. Mend what the reason names, then retry, which takes it back again. " + f.Advice),
	}
}

// ofTheProof says how the new release failed its proof, without a point at the end.
func (r *run) ofTheProof() string {
	return fmt.Sprintf("Version %s failed its proof: %s", r.op.Artifacts, strings.TrimSuffix(r.op.Memo.Broken.Reason, "."))
}
