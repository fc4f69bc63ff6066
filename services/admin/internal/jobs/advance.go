package jobs

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/operation"
)

// An Advancer runs one step of an operation and returns how long to wait before the next, 0 when it is over.
type Advancer interface {
	Advance(ctx context.Context, tenantID, operationID string) (wait time.Duration, err error)
}

// advance drives operations. Its jobs hold ids only: the operation's row says what is to be done.
type advance struct {
	river.WorkerDefaults[operation.AdvanceArgs]
	advancer Advancer
	inHand   sync.Map // operation ids: a worker may claim again what it holds, so it must not do so twice at once
}

// soon is when a job comes back whose operation another job of this worker has in hand.
const soon = time.Second

const (
	turn  = 3 * time.Second        // how long an operation may go on before others have theirs,
	share = 10                     // and no longer than so large a part of the job's time: the rest is for its last step
	brief = 300 * time.Millisecond // a wait that is over sooner than the queue would have a job come back
)

// Work runs a step, and the next ones as far as they need no long wait; then it comes back. Each step is claimed and saved by
// itself, so it does not matter where a turn ends. An error is transient: a final failure is a state of the operation.
func (w *advance) Work(ctx context.Context, job *river.Job[operation.AdvanceArgs]) error {
	if _, isInHand := w.inHand.LoadOrStore(job.Args.OperationID, true); isInHand {
		return river.JobSnooze(soon)
	}
	defer w.inHand.Delete(job.Args.OperationID)
	lasts := turn
	if deadline, isSet := ctx.Deadline(); isSet {
		lasts = min(lasts, time.Until(deadline)/share)
	}
	for ends := time.Now().Add(lasts); ; {
		wait, err := w.advancer.Advance(ctx, job.Args.TenantID, job.Args.OperationID)
		if err != nil || wait == 0 {
			return err
		}
		if wait > brief || time.Now().Add(wait).After(ends) || !pause(ctx, wait) {
			return river.JobSnooze(wait)
		}
	}
}

// pause reports whether the time has passed before the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// NextRetry comes back soon, and never later than in half a minute: what failed is the way to the database.
func (*advance) NextRetry(job *river.Job[operation.AdvanceArgs]) time.Time {
	return retryAt(job.Attempt)
}

func retryAt(attempt int) time.Time {
	const longest = 30 * time.Second
	return time.Now().Add(min(longest, time.Second<<min(attempt-1, 5)))
}
