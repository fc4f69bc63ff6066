package operation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

const (
	percentGone   = 70
	percentPurged = 90

	// maxDeletes is how often a stack's deletion is asked for before a person must look: what a first try leaves (a bucket
	// that was just written to) the second often removes.
	maxDeletes = 3
)

var offboarding = []step{
	{name: "delete_stack", limit: stackTime, do: (*run).deleteStack},
	{name: "await_deletion", limit: stackTime, do: (*run).awaitDeletion},
	{name: "purge", limit: purgeTime, do: (*run).purge},
	{name: "sweep", limit: purgeTime, do: (*run).sweep},
}

func purgeTime(r *Runner) time.Duration { return r.PurgeTimeout }

// deleteStack asks for the deletion of the tenant's stack, whatever state it is in, unless CloudFormation is in the middle
// of an update, which it does not interrupt.
func (r *run) deleteStack(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	switch view.Status {
	case StackAbsent:
		r.afterDeletion()
		return soon, nil
	case StackUpdating:
		return r.Poll, waiting("the stack is in " + view.Raw)
	case StackDeleting:
		r.op.Memo.StackID = view.ID
		r.enter("await_deletion")
		return soon, nil
	case StackCreating, StackReady, StackReverted, StackRollingBack, StackRolledBack, StackStuck, StackUndeletable:
	}
	return r.askForDeletion(ctx, view)
}

func (r *run) askForDeletion(ctx context.Context, view StackView) (time.Duration, error) {
	token := r.token("delete")
	if err := r.Stacks.Delete(ctx, r.cell, view.ID, token); err != nil {
		return 0, err
	}
	memo := &r.op.Memo
	memo.Deletes++
	memo.StackID, memo.Token, memo.LastEvent, memo.Completed = view.ID, token, "", 0
	r.change = &TenantChange{State: tenant.Deleting}
	r.reach(percentAsked)
	r.say("CloudFormation deletes stack " + r.op.Slug.StackName() + ".")
	if r.op.Step != "await_deletion" {
		r.enter("await_deletion")
	}
	return soon, nil
}

// awaitDeletion follows the deletion. A tenant is never called deleted while its stack exists.
func (r *run) awaitDeletion(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	if err := r.tellEvents(ctx, "DELETE_COMPLETE", percentAsked, percentGone); err != nil {
		return 0, err
	}
	switch view.Status {
	case StackAbsent:
		r.reach(percentGone)
		r.say("The stack is gone.")
		r.afterDeletion()
		return soon, nil
	case StackDeleting:
		return r.Poll, waiting("the stack is in " + view.Raw)
	case StackCreating, StackReady, StackReverted, StackRollingBack, StackRolledBack, StackUpdating, StackStuck, StackUndeletable:
	}
	if r.op.Memo.Deletes < maxDeletes {
		return r.askForDeletion(ctx, view)
	}
	return 0, r.undeletable(ctx, view)
}

// undeletable is why a stack could not be deleted.
func (r *run) undeletable(ctx context.Context, view StackView) error {
	failure, err := r.Stacks.FirstFailure(ctx, r.cell, view.ID, r.op.Memo.Token)
	if err != nil {
		return err
	}
	if failure == nil {
		failure = &Failure{Code: "stack.undeletable", Reason: "The stack is in " + view.Raw + "."}
	}
	return failure
}

// afterDeletion goes on to the purge, or ends where the data is to stay.
func (r *run) afterDeletion() {
	if r.op.Data == DeleteData {
		r.enter("purge")
		return
	}
	r.end("Off-boarded; indices, space and data bucket stay, and so does the slug.", true)
}

func (r *run) purge(ctx context.Context) (time.Duration, error) {
	if err := r.Purger.Purge(ctx, r.cell, r.op.Slug); err != nil {
		return 0, err
	}
	r.reach(percentPurged)
	r.say("Indices, index templates, space and data bucket are deleted.")
	r.enter("sweep")
	return soon, nil
}

// sweep looks into every store; the tenant is deleted only when none holds anything of it.
func (r *run) sweep(ctx context.Context) (time.Duration, error) {
	left, err := r.Purger.Sweep(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	if len(left) > 0 {
		return r.Poll, waiting(fmt.Sprintf("%d things of the tenant are left: %s", len(left), strings.Join(left, "; ")))
	}
	r.end("Off-boarded; nothing of the tenant is left, and the slug is free.", false)
	return 0, nil
}

func (r *run) end(message string, retained bool) {
	r.reach(100)
	r.say(message)
	r.finish(Succeeded)
	r.change = &TenantChange{State: tenant.Deleted, DataRetained: retained}
}
