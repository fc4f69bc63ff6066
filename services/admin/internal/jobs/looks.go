package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Snapshots keeps how tenants do.
type Snapshots interface {
	// TenantsToLookAt returns tenants at whom nobody has looked since an instant, those that were left alone for the longest first.
	TenantsToLookAt(ctx context.Context, actor access.Actor, since time.Time, atMost int) ([]tenant.Tenant, error)
	PutSnapshot(ctx context.Context, actor access.Actor, tenantID string, s tenant.Snapshot) error
}

// Looks keep a snapshot of how every tenant does, for lists.
type Looks struct {
	Onlooker  tenant.Onlooker
	Snapshots Snapshots
	Every     time.Duration // between two rounds
	Time      time.Duration // for one round; whom it does not reach the next begins with
	AtOnce    int           // tenants
	Log       *slog.Logger
}

// mostInARound is more than a round has time for.
const mostInARound = 2_000

// Round looks at those tenants whose turn it is. What fails of one is logged and keeps nobody else's from being kept.
func (l *Looks) Round(ctx context.Context) error {
	began := time.Now()
	due, err := l.Snapshots.TenantsToLookAt(ctx, itself, began.Add(-l.Every/2), mostInARound)
	if err != nil {
		return fmt.Errorf("find tenants to look at: %w", err)
	}
	var group errgroup.Group
	group.SetLimit(max(l.AtOnce, 1))
	for _, t := range due {
		if ctx.Err() != nil || time.Since(began) > l.Time {
			break
		}
		group.Go(func() error {
			err := l.Snapshots.PutSnapshot(ctx, access.ForTenant("health", t.ID), t.ID, l.Onlooker.Snapshot(ctx, t))
			if err != nil && !errors.Is(err, tenant.ErrNotFound) { // it was off-boarded meanwhile
				l.Log.WarnContext(ctx, "how a tenant does is not kept", "tenant", t.Slug, "error", err)
			}
			return nil
		})
	}
	return group.Wait()
}

type lookAtTenantsArgs struct{}

// Kind names the job.
func (lookAtTenantsArgs) Kind() string { return "look_at_tenants" }

type lookAtTenants struct {
	river.WorkerDefaults[lookAtTenantsArgs]
	looks *Looks
}

// Work looks at tenants once.
func (w *lookAtTenants) Work(ctx context.Context, _ *river.Job[lookAtTenantsArgs]) error {
	if w.looks == nil {
		return nil
	}
	return w.looks.Round(ctx)
}
