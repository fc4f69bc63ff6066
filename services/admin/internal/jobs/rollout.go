package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/operation"
)

// A RolloutAdvancer begins what of a rollout may begin, and reports whether the rollout is over.
type RolloutAdvancer interface {
	AdvanceRollout(ctx context.Context, args operation.RolloutArgs) (over bool, err error)
}

// advanceRollout drives upgrades of many tenants; the operations of each are driven by jobs of their own.
type advanceRollout struct {
	river.WorkerDefaults[operation.RolloutArgs]
	advancer RolloutAdvancer
	every    time.Duration
}

// Work looks once, and comes back until the rollout is over.
func (w *advanceRollout) Work(ctx context.Context, job *river.Job[operation.RolloutArgs]) error {
	over, err := w.advancer.AdvanceRollout(ctx, job.Args)
	if err != nil || over {
		return err
	}
	return river.JobSnooze(w.every)
}

// NextRetry comes back soon, and never later than in half a minute: what failed is the way to the database.
func (*advanceRollout) NextRetry(job *river.Job[operation.RolloutArgs]) time.Time {
	return retryAt(job.Attempt)
}
