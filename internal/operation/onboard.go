package operation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// Percentages at which the steps of an onboarding end; the stack's own progress fills most of it.
const (
	percentAsked  = 5
	percentBuilt  = 85
	percentSent   = 88
	percentFilled = 90
)

var onboarding = []step{
	{name: "create_stack", limit: stackTime, do: (*run).createStack},
	{name: "await_stack", limit: stackTime, do: (*run).awaitStack},
	{name: "send_call", limit: probeTime, do: (*run).sendCall},
	{name: "fill_space", limit: probeTime, do: (*run).fillSpace}, // while the call is on its way
	{name: "await_call", limit: probeTime, do: (*run).awaitCall},
}

func stackTime(r *Runner) time.Duration { return r.StackTimeout }
func probeTime(r *Runner) time.Duration { return r.ProbeTimeout }

// createStack asks for the tenant's stack. What a failed try left is handled by the right verb: a rolled-back stack can
// only be deleted, one in motion is waited for, one that stands is adopted.
func (r *run) createStack(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	switch view.Status {
	case StackAbsent:
		return r.askForStack(ctx)
	case StackCreating, StackReady, StackReverted:
		r.op.Memo.StackID, r.op.Memo.Token = view.ID, r.token("create")
		r.enter("await_stack")
		return soon, nil
	case StackRolledBack, StackUndeletable:
		return r.clearStack(ctx, view)
	case StackStuck:
		return r.continueRollback(ctx, view)
	case StackRollingBack, StackUpdating, StackDeleting:
	}
	return r.Poll, waiting("the stack is in " + view.Raw)
}

func (r *run) askForStack(ctx context.Context) (time.Duration, error) {
	token := r.token("create")
	id, resources, err := r.Stacks.Create(ctx, r.cell, r.tenant, token)
	if err != nil {
		return 0, err
	}
	memo := &r.op.Memo
	memo.StackID, memo.Token, memo.Resources = id, token, resources
	memo.Completed, memo.LastEvent = 0, ""
	r.change = &TenantChange{State: tenant.Provisioning, Stack: &tenant.Stack{Name: r.op.Slug.StackName(), ID: id}}
	r.reach(percentAsked)
	r.say(fmt.Sprintf("CloudFormation builds stack %s with at least %d resources.", r.op.Slug.StackName(), resources))
	r.enter("await_stack")
	return soon, nil
}

// clearStack deletes what a failed creation left, so that it can be created anew under a token of its own.
func (r *run) clearStack(ctx context.Context, view StackView) (time.Duration, error) {
	if r.op.Memo.Deletes >= maxDeletes {
		return 0, r.undeletable(ctx, view)
	}
	token := r.token("clear")
	if err := r.Stacks.Delete(ctx, r.cell, view.ID, token); err != nil {
		return 0, err
	}
	r.op.Memo.Deletes++
	r.op.Memo.StackID, r.op.Memo.Token = view.ID, token
	r.say("The stack of the failed try is deleted first.")
	return r.Poll, nil
}

// awaitStack follows the stack: its events become the operation's, its resources the percentage.
func (r *run) awaitStack(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	if err := r.tellEvents(ctx, "CREATE_COMPLETE", percentAsked, percentBuilt); err != nil {
		return 0, err
	}
	switch view.Status {
	case StackReady, StackReverted:
		r.change = &TenantChange{
			State: tenant.Provisioning,
			Stack: &tenant.Stack{Name: r.op.Slug.StackName(), ID: view.ID, ArtifactVersion: view.ArtifactVersion},
			URLs:  urlsOf(view),
		}
		r.reach(percentBuilt)
		r.say("The stack stands.")
		r.planCall()
		r.enter("send_call")
		return soon, nil
	case StackStuck:
		return r.continueRollback(ctx, view)
	case StackAbsent, StackRolledBack, StackUndeletable, StackDeleting:
		failure, err := r.Stacks.FirstFailure(ctx, r.cell, r.op.Memo.StackID, r.op.Memo.Token)
		if err != nil {
			return 0, err
		}
		if failure == nil {
			failure = &Failure{Code: "stack.failed", Reason: "The stack is " + string(view.Status) + " (" + view.Raw + ")."}
		}
		r.fail(failure)
		r.enter("create_stack") // where a retry begins
		return 0, nil
	case StackCreating, StackRollingBack, StackUpdating:
	}
	return r.Poll, waiting("the stack is in " + view.Raw)
}

func urlsOf(view StackView) *tenant.URLs {
	return &tenant.URLs{
		Softphone: view.Outputs["SoftphoneUrl"], TelemetryAPI: view.Outputs["TelemetryApi"],
		Space: view.Outputs["SpaceUrl"], ManagerSignIn: view.Outputs["ManagerSignInUrl"],
	}
}

// tellEvents turns new stack events into events of the operation, and counts those with the status done towards percent.
func (r *run) tellEvents(ctx context.Context, done string, from, to int) error {
	memo := &r.op.Memo
	events, err := r.Stacks.Events(ctx, r.cell, memo.StackID, memo.Token, memo.LastEvent)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Status == done && e.Resource != r.op.Slug.StackName() {
			memo.Completed++
		}
		if memo.Resources > 0 {
			r.reach(from + (to-from)*min(memo.Completed, memo.Resources)/memo.Resources)
		}
		r.events = append(r.events, Event{
			Step: r.op.Step, Level: level(e), Message: describe(e), Resource: e.Resource, Status: e.Status, Percent: r.op.Percent,
		})
		memo.LastEvent = e.ID
	}
	return nil
}

// planCall makes the synthetic call up, unless this attempt has one. It is saved before the first try to send it, so that every try
// sends the same records. It reports whether there was none.
func (r *run) planCall() bool {
	memo := &r.op.Memo
	if !memo.CallStarted.IsZero() && memo.CallID == r.callID() {
		return false
	}
	memo.CallID, memo.CallStarted = r.callID(), r.Now().Add(-syntheticCall).Truncate(time.Millisecond)
	memo.CallFound = nil
	return true
}

// sendCall posts the synthetic call.
func (r *run) sendCall(ctx context.Context) (time.Duration, error) {
	memo := &r.op.Memo
	if r.planCall() {
		return soon, nil
	}
	wanted, err := r.Prober.Send(ctx, r.tenant, memo.CallID, memo.CallStarted)
	if err != nil {
		return 0, err
	}
	memo.CallWanted = wanted
	r.reach(percentSent)
	r.say("The tenant's API has accepted a synthetic call.")
	r.enter("fill_space")
	return soon, nil
}

// syntheticCall is how long ago the synthetic call began: all of it lies in the past.
const syntheticCall = 15 * time.Second

// callID makes the call's id of the operation's: a UUID of version 8 (RFC 9562), another for each attempt, and for the release
// that a tenant is taken back to.
func (r *run) callID() string {
	of := fmt.Sprintf("%s/%d", r.op.ID, r.op.Attempt)
	if r.op.Memo.Broken != nil {
		of += "/back"
	}
	h := sha256.Sum256([]byte(of))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// awaitCall asks for the call's documents until all are found; only then is the tenant active. A retry may begin after send_call:
// what an earlier attempt has sent proves nothing of this one.
func (r *run) awaitCall(ctx context.Context) (time.Duration, error) {
	if len(r.op.Memo.CallWanted) == 0 || r.op.Memo.CallID != r.callID() {
		r.enter("send_call")
		return soon, nil
	}
	have, want := r.documentsOf(r.op.Memo.CallFound) // while the space was filled
	if have < want {
		found, err := r.Prober.Found(ctx, r.cell, r.op.Slug, r.op.Memo.CallID)
		if err != nil {
			return 0, err
		}
		have, want = r.documentsOf(found)
	}
	if have < want {
		return r.quickly(), waiting(fmt.Sprintf("%d of %d documents of the synthetic call are searchable", have, want))
	}
	r.say(fmt.Sprintf("All %d documents of the synthetic call were found.", want))
	if r.op.Memo.Broken != nil {
		return r.endTakenBack()
	}
	r.op.Memo.Former = nil // lists of operations need not carry it
	r.reach(100)
	r.finish(Succeeded)
	r.change = &TenantChange{State: tenant.Active}
	return 0, nil
}

// documentsOf returns how many of the documents that the synthetic call must have were found, and how many it must have.
func (r *run) documentsOf(found map[string]int) (have, want int) {
	for kind, wanted := range r.op.Memo.CallWanted {
		have, want = have+min(found[kind], wanted), want+wanted
	}
	return have, want
}

func level(e StackEvent) string {
	if strings.HasSuffix(e.Status, "_FAILED") || strings.HasSuffix(e.Status, "ROLLBACK_IN_PROGRESS") {
		return "error"
	}
	return "info"
}

func describe(e StackEvent) string {
	if e.Reason == "" {
		return e.Type + " " + e.Status
	}
	return e.Type + " " + e.Status + ": " + e.Reason
}
