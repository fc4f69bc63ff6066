package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel/trace"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tracing"
)

// maxAttempts is more often than a job that drives an operation may ever fail: whether the operation goes on is decided by
// its steps' time-outs, never by the queue.
const maxAttempts = 30_000

// enqueue adds a job that drives an operation or a rollout, and the request that asked for it; empty: none did. The job exists when
// the transaction commits, and not before.
func (db *DB) enqueue(ctx context.Context, t tx, args river.JobArgs, requestID string) error {
	cause, err := json.Marshal(Cause{requestID})
	if err != nil {
		return fmt.Errorf("write why there is a job: %w", err)
	}
	if _, err := db.jobs.InsertTx(ctx, t.raw, args, &river.InsertOpts{MaxAttempts: maxAttempts, Metadata: cause}); err != nil {
		return fmt.Errorf("enqueue a job of kind %s: %w", args.Kind(), err)
	}
	return nil
}

// sayWhose names the operation in the span of the request, or of the job's run, that begins it or drives it.
func sayWhose(ctx context.Context, op operation.Operation) {
	span := trace.SpanFromContext(ctx)
	tracing.Say(span, "tenant", op.Slug.String())
	tracing.Say(span, "operation", op.ID)
	tracing.Say(span, "operation_kind", string(op.Kind))
}

// A Cause is what a job's metadata say of why there is one.
type Cause struct {
	RequestID string `json:"request_id,omitempty"` // empty: no request asked for it
}

// Requeue gives a new job to every operation and rollout that is not over, has had no holder for idle, and has no job left that would
// drive it: somebody has emptied the queue. It returns how many there were. The actor's scope must be all.
func (db *DB) Requeue(ctx context.Context, actor access.Actor, idle time.Duration) (requeued int, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		lost, err := t.OperationsWithoutJob(ctx, dbsqlc.OperationsWithoutJobParams{
			IdleSeconds: idle.Seconds(), JobKind: operation.AdvanceArgs{}.Kind(),
		})
		if err != nil {
			return err
		}
		for _, o := range lost {
			if err := db.enqueue(ctx, t, operation.AdvanceArgs{TenantID: o.TenantID, OperationID: o.ID}, o.RequestID); err != nil {
				return err
			}
		}
		rollouts, err := t.RolloutsWithoutJob(ctx, dbsqlc.RolloutsWithoutJobParams{
			IdleSeconds: idle.Seconds(), JobKind: operation.RolloutArgs{}.Kind(),
		})
		if err != nil {
			return err
		}
		for _, r := range rollouts {
			if err := db.enqueue(ctx, t, operation.RolloutArgs{RolloutID: r.ID, TenantIDs: r.TenantIds}, r.RequestID); err != nil {
				return err
			}
		}
		requeued = len(lost) + len(rollouts)
		return nil
	})
	return requeued, err
}

// justFetched is how long a worker may take from fetching a job to claiming its operation, or to beginning its look at a rollout.
const justFetched = 10 * time.Second

// A Survivor is a worker that looks for what others have left.
type Survivor struct {
	Holder string    // its name, also to the queue; two workers that live never have the same
	Began  time.Time // what its name fetched earlier was fetched by a former one
	Lease  time.Duration
}

// TakeOver gives the queue back the jobs of workers that were killed or hang: those whose operation's lease has ended, and
// those of the survivor's namesake of earlier. A lease outlasts every job, so none is taken from a worker that lives, and one
// that was only paused finds its generation passed. A look at a rollout has no lease: it is one transaction under the rollout's
// lock, which begins nothing twice, and is over when the time for a transaction is. It returns how many jobs there were. The
// actor's scope must be all.
func (db *DB) TakeOver(ctx context.Context, actor access.Actor, s Survivor) (taken int, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		clock, err := t.Clock(ctx)
		if err != nil {
			return err
		}
		// By the database's clock, and measured after it was read: never later than the survivor began.
		began := clock.Add(-time.Since(s.Began))
		rows, err := t.TakeOverJobs(ctx, dbsqlc.TakeOverJobsParams{
			JobKind: operation.AdvanceArgs{}.Kind(), Holder: s.Holder, Began: began,
			LeaseSeconds: s.Lease.Seconds(), FetchedSeconds: justFetched.Seconds(),
		})
		if err != nil {
			return err
		}
		looks, err := t.TakeOverRollouts(ctx, dbsqlc.TakeOverRolloutsParams{
			JobKind: operation.RolloutArgs{}.Kind(), Holder: s.Holder, Began: began, LookSeconds: (db.timeout + justFetched).Seconds(),
		})
		taken = int(rows + looks)
		return err
	})
	return taken, err
}

// A Count is how many operations or jobs of a kind are in a state.
type Count struct {
	Kind, State string
	HowMany     int
}

// Counts returns the figures for the metrics: operations within the actor's scope, and jobs.
func (db *DB) Counts(ctx context.Context, actor access.Actor) (operations, jobs []Count, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		operations, jobs = nil, nil
		ofOperations, err := t.CountOperations(ctx)
		if err != nil {
			return err
		}
		for _, c := range ofOperations {
			operations = append(operations, Count{Kind: c.Kind, State: c.State, HowMany: int(c.HowMany)})
		}
		ofJobs, err := t.CountJobs(ctx)
		for _, c := range ofJobs {
			jobs = append(jobs, Count{Kind: c.Kind, State: c.State, HowMany: int(c.HowMany)})
		}
		return err
	})
	return operations, jobs, err
}
