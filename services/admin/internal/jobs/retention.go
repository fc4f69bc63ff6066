package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// An Expirer deletes whole indices of a tenant whose last record is older than so many days.
type Expirer interface {
	// Expire deletes those of the named indices that are due, and returns them; with none named, those that are due.
	Expire(ctx context.Context, cell tenant.Cell, s slug.Slug, retentionDays int, indices []string) ([]string, error)
}

// An Auditor writes down what was done.
type Auditor interface {
	Audit(ctx context.Context, actor access.Actor, tenantID, action string, detail map[string]any) error
}

// A Scheduler gives every tenant that keeps documents a job, at an instant of its own within a time from now.
type Scheduler interface {
	ScheduleExpiry(ctx context.Context, actor access.Actor, within time.Duration) (scheduled int, err error)
}

// A Retention deletes what tenants keep no longer.
type Retention struct {
	Directory tenant.Directory
	Cells     Cells
	Expirer   Expirer
	Auditor   Auditor
	Log       *slog.Logger
}

// Expire deletes the tenant's indices that are due. Which they are is written down first, so that none goes unrecorded.
func (r *Retention) Expire(ctx context.Context, tenantID string, s slug.Slug) error {
	actor := access.ForTenant("retention", tenantID)
	t, err := r.Directory.Tenant(ctx, actor, s)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !t.State.KeepsDocuments() {
		return nil // it was off-boarded meanwhile
	}
	if err != nil {
		return fmt.Errorf("expire %s: %w", s, err)
	}
	cell, err := cellNamed(ctx, r.Cells, t.Cell)
	if err != nil {
		return fmt.Errorf("expire %s: %w", s, err)
	}
	days := t.Settings.RetentionDays
	due, err := r.Expirer.Expire(ctx, cell, s, days, nil)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := r.Auditor.Audit(ctx, actor, tenantID, "tenants.expire", map[string]any{"slug": s, "retention_days": days, "indices": due}); err != nil {
		return fmt.Errorf("write down what expires of %s: %w", s, err)
	}
	deleted, err := r.Expirer.Expire(ctx, cell, s, days, due)
	if err != nil {
		return err
	}
	r.Log.InfoContext(ctx, "indices expired", "tenant", s, "retention_days", days, "indices", deleted)
	return nil
}

func cellNamed(ctx context.Context, from Cells, name string) (tenant.Cell, error) {
	cells, err := from.Cells(ctx, itself)
	if err != nil {
		return tenant.Cell{}, err
	}
	for _, cell := range cells {
		if cell.Name == name {
			return cell, nil
		}
	}
	return tenant.Cell{}, tenant.ErrCellUnknown
}

type scheduleExpiryArgs struct{}

// Kind names the job.
func (scheduleExpiryArgs) Kind() string { return "schedule_expiry" }

type scheduleExpiry struct {
	river.WorkerDefaults[scheduleExpiryArgs]
	scheduler Scheduler
	within    time.Duration
}

// Work schedules the tenants' jobs, spread over half of the time until it is done again.
func (w *scheduleExpiry) Work(ctx context.Context, _ *river.Job[scheduleExpiryArgs]) error {
	_, err := w.scheduler.ScheduleExpiry(ctx, itself, w.within)
	return err
}

type expire struct {
	river.WorkerDefaults[operation.ExpireArgs]
	retention *Retention
	periods   *Periods
}

// Work expires one tenant's indices, and looks whether their periods suit the tenant. What fails is tried again at the next round at
// the latest.
func (w *expire) Work(ctx context.Context, job *river.Job[operation.ExpireArgs]) error {
	err := w.retention.Expire(ctx, job.Args.TenantID, job.Args.Slug)
	if w.periods == nil {
		return err
	}
	return errors.Join(err, w.periods.Fit(ctx, job.Args.TenantID, job.Args.Slug))
}
