package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/earshot-hq/earshot/internal/logline"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// RunnerConfig is what a Runner needs. Zero durations get the defaults named.
type RunnerConfig struct {
	Store    Store
	Stacks   Stacks
	Prober   Prober
	Purger   Purger
	Resender Resender
	Eraser   Eraser
	Spaces   Spaces
	// Directories reads those whose role an update has set.
	Directories Directories

	Holder       string        // names this worker; two workers never have the same
	Lease        time.Duration // 45 s: longer than one step takes
	Poll         time.Duration // 5 s: between two looks at a stack, a call or a store
	StackTimeout time.Duration // 75 min: a dedicated search domain takes 45
	ProbeTimeout time.Duration // 5 min: filling the space, and again for sending the synthetic call and for finding it
	PurgeTimeout time.Duration // 15 min: purging, and again for sweeping

	ResendTimeout  time.Duration // 24 h: a replay or redrive that comes no further, for search may be away as long
	EraseTimeout   time.Duration // 24 h: a step of an erasure that comes no further, for the same reason
	EraseSettle    time.Duration // 2 min: longer than an indexer believes what it has read, and runs
	EraseQueueWait time.Duration // 30 min: for the queue to be seen empty
	Now            func() time.Time
	Log            *slog.Logger
}

// A Runner drives operations, one step at a time. Any number of runners may work on the same store.
type Runner struct{ RunnerConfig }

// soon is how long the next step waits for its turn.
const soon = time.Millisecond

// worthTelling is at how many failed tries of a step its story says why it goes on no further. Fewer are a passing trouble.
const worthTelling = 3

// NewRunner returns a Runner with the defaults filled in.
func NewRunner(c RunnerConfig) *Runner {
	fill := func(d *time.Duration, by time.Duration) {
		if *d == 0 {
			*d = by
		}
	}
	fill(&c.Lease, 45*time.Second)
	fill(&c.Poll, 5*time.Second)
	fill(&c.StackTimeout, 75*time.Minute)
	fill(&c.ProbeTimeout, 5*time.Minute)
	fill(&c.PurgeTimeout, 15*time.Minute)
	fill(&c.ResendTimeout, 24*time.Hour)
	fill(&c.EraseTimeout, 24*time.Hour)
	fill(&c.EraseSettle, 2*time.Minute)
	fill(&c.EraseQueueWait, 30*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{c}
}

// Advance runs one step of the operation and saves what it changed. It returns how long to wait before the next step, 0
// when the operation is over. Whatever stops it in between, the next Advance goes on from what was saved. A step that the end of
// ctx cuts off is given back at once: a worker that ends must not keep it for the rest of the lease. An error means that the
// store could not be reached: call again.
func (r *Runner) Advance(ctx context.Context, tenantID, id string) (time.Duration, error) {
	claimed, err := r.Store.Claim(ctx, tenantID, id, r.Holder, r.Lease)
	switch {
	case errors.Is(err, ErrHeld):
		return r.elsewhere(), nil
	case errors.Is(err, ErrFinished), errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("claim operation %s: %w", id, err)
	}
	run := r.begin(claimed)
	ctx = logline.With(ctx, slog.String("operation", id), slog.String("tenant", run.op.Slug.String()), slog.String("request_id", run.op.RequestID))
	wait := run.step(ctx)
	if ctx.Err() != nil {
		ctx, wait = context.WithoutCancel(ctx), soon
	}
	if err := r.Store.Save(ctx, run.progress()); errors.Is(err, ErrLost) {
		r.Log.WarnContext(ctx, "another worker has taken the operation over", "step", run.op.Step)
		return r.elsewhere(), nil
	} else if err != nil {
		return 0, fmt.Errorf("save operation %s: %w", id, err)
	}
	if run.op.State != Running {
		r.Log.InfoContext(ctx, "operation ended", "kind", run.op.Kind, "state", run.op.State)
		return 0, nil
	}
	if err := r.Store.Release(ctx, run.op); err != nil && !errors.Is(err, ErrLost) {
		return 0, fmt.Errorf("release operation %s: %w", id, err)
	}
	return max(wait, soon), nil
}

// elsewhere is how long to leave an operation alone that another worker has.
func (r *Runner) elsewhere() time.Duration { return max(r.Poll, time.Second) }

// plan returns the steps of a kind of operation, in order.
func plan(kind Kind) []step {
	switch kind {
	case Offboard:
		return offboarding
	case Update:
		return updating
	case Upgrade:
		return upgrading
	case Preview:
		return previewing
	case Suspend:
		return suspending
	case Resume:
		return resuming
	case Replay:
		return replaying
	case Redrive:
		return redriving
	case Erase:
		return erasing
	case Onboard, Rebuild:
	}
	return onboarding
}

// A step is one thing to do, and how long it may go on. Do may be called any number of times.
type step struct {
	name   string
	limit  func(*Runner) time.Duration
	do     func(*run, context.Context) (time.Duration, error)
	proves bool // it is part of the proof that the tenant works
}

// A run is one step of one operation in hand.
type run struct {
	*Runner
	op     Operation
	tenant tenant.Tenant
	cell   tenant.Cell
	events []Event
	change *TenantChange
}

func (r *Runner) begin(c Claimed) *run {
	run := &run{Runner: r, op: c.Operation, tenant: c.Tenant, cell: c.Cell}
	if run.op.Step == "" {
		run.enter(plan(run.op.Kind)[0].name)
	}
	if memo := &run.op.Memo; memo.Attempt != run.op.Attempt {
		memo.Attempt, memo.Deletes, memo.Continues, memo.Troubles, memo.StepStarted = run.op.Attempt, 0, 0, 0, time.Time{}
		run.op.Percent = 0
		switch run.op.Step {
		case "sweep": // what was left is purged again
			run.enter("purge")
		case "await_update": // whatever became of it, it is asked for again
			run.enter("update_stack")
		case "await_take_back":
			run.enter("take_back")
		}
	}
	return run
}

func (r *run) progress() Progress {
	return Progress{Operation: r.op, Events: r.events, Tenant: r.change}
}

// step runs the present step and returns how long to wait.
func (r *run) step(ctx context.Context) time.Duration {
	if r.op.CancelRequested && r.op.Kind != Offboard {
		r.finish(Cancelled)
		r.say("Cancelled: the tenant is being off-boarded.")
		return 0
	}
	present := r.present()
	if r.op.Memo.StepStarted.IsZero() { // the first run of this step in this attempt
		r.op.Memo.StepStarted = r.Now()
	}
	wait, err := present.do(r, ctx)
	if err == nil {
		return wait
	}
	var final *Failure
	var pending waiting
	switch late := r.Now().Sub(r.op.Memo.StepStarted) > present.limit(r.Runner); {
	case errors.As(err, &final):
		r.stumble(present, final)
	case late && r.op.State == Running:
		r.stumble(present, &Failure{Code: "operation.timeout", Reason: err.Error(), Advice: "Mend what the reason names, then retry."})
	case errors.As(err, &pending):
		return wait
	default:
		r.Log.WarnContext(ctx, "step will run again", "step", present.name, "error", err)
		if r.op.Memo.Troubles++; r.op.Memo.Troubles == worthTelling {
			r.events = append(r.events, Event{
				Step: r.op.Step, Level: "error", Percent: r.op.Percent,
				Message: fmt.Sprintf("Tried %d times, and again for up to %s: %s", worthTelling, present.limit(r.Runner), err),
			})
		}
	}
	return r.Poll
}

func (r *run) present() step {
	steps := plan(r.op.Kind)
	for _, s := range steps {
		if s.name == r.op.Step {
			return s
		}
	}
	return steps[0] // a step that an older release knew: begin again, which every step allows
}

// quickly is how long to wait for what is a matter of seconds as a rule: a little at first, and no longer than Poll.
func (r *run) quickly() time.Duration {
	const first = 50 * time.Millisecond
	return min(max(first, r.Now().Sub(r.op.Memo.StepStarted)/4), r.Poll)
}

// enter makes name the next step.
func (r *run) enter(name string) {
	r.op.Step, r.op.Memo.StepStarted, r.op.Memo.Troubles = name, time.Time{}, 0
}

// say adds an event.
func (r *run) say(message string) {
	r.events = append(r.events, Event{Step: r.op.Step, Level: "info", Message: message, Percent: r.op.Percent})
}

// reach raises the percentage.
func (r *run) reach(percent int) { r.op.Percent = max(r.op.Percent, percent) }

func (r *run) finish(state State) {
	r.op.State, r.op.FinishedAt = state, r.Now()
}

// fail ends the operation; the tenant that it was changing is failed until somebody retries or off-boards.
func (r *run) fail(f *Failure) {
	r.finish(Failed)
	r.op.Failure = f
	if !r.op.Kind.SparesTenant() {
		r.change = &TenantChange{State: tenant.Failed}
	}
	r.events = append(r.events, Event{
		Step: r.op.Step, Level: "error", Message: f.Reason, Resource: f.Resource, Percent: r.op.Percent,
	})
}

// token makes a client request token for a stack call. A repeat of the same call in the same attempt has the same.
func (r *run) token(call string) string {
	return fmt.Sprintf("%s-%s-%d-%d", r.op.ID, call, r.op.Attempt, r.op.Memo.Deletes)
}

// waiting is the error of something that is not there yet: no fault, but it must not last for ever.
type waiting string

func (w waiting) Error() string { return string(w) }
