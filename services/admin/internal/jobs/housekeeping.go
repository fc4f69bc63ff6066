package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/access"
)

// A Keeper tidies the database.
type Keeper interface {
	ForgetOldKeys(ctx context.Context, actor access.Actor) (removed int64, err error)
	Requeue(ctx context.Context, actor access.Actor, idle time.Duration) (requeued int, err error)
}

// abandoned is how long an operation has had no holder before it is asked whether a job drives it at all.
const abandoned = 2 * time.Minute

type housekeepingArgs struct{}

// Kind names the job.
func (housekeepingArgs) Kind() string { return "housekeeping" }

type housekeeping struct {
	river.WorkerDefaults[housekeepingArgs]
	keeper Keeper
	log    *slog.Logger
}

// Work forgets old idempotency keys and gives abandoned operations a job.
func (w *housekeeping) Work(ctx context.Context, _ *river.Job[housekeepingArgs]) error {
	removed, err := w.keeper.ForgetOldKeys(ctx, itself)
	requeued, requeueErr := w.keeper.Requeue(ctx, itself, abandoned)
	if requeued > 0 {
		w.log.WarnContext(ctx, "operations had no job and got a new one", "operations", requeued)
	}
	w.log.DebugContext(ctx, "house kept", "keys_forgotten", removed)
	return errors.Join(err, requeueErr)
}
