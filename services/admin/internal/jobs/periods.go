package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Gauge measures how fast a tenant's documents come.
type Gauge interface {
	// Volumes returns how many bytes of documents each kind makes a day. A kind of which not enough is known is missing.
	Volumes(ctx context.Context, cell tenant.Cell, s slug.Slug) (map[string]int64, error)
}

// An Updater starts updates of tenants.
type Updater interface {
	StartUpdate(ctx context.Context, actor access.Actor, s slug.Slug, c tenant.Change, seen []int64, w operation.Write) (operation.Started, error)
}

// Periods gives tenants index periods that suit their volume.
type Periods struct {
	Directory tenant.Directory
	Cells     Cells
	Gauge     Gauge
	Updater   Updater
	Log       *slog.Logger
	Now       func() time.Time
}

// Fit starts an update of the tenant when one of its kinds is due for another period, and its cell has the shards for that.
func (p *Periods) Fit(ctx context.Context, tenantID string, s slug.Slug) error {
	actor := access.ForTenant("periods", tenantID)
	t, err := p.Directory.Tenant(ctx, actor, s)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && t.State != tenant.Active {
		return nil // another round finds it active
	}
	if err != nil {
		return fmt.Errorf("fit index periods of %s: %w", s, err)
	}
	cell, err := cellNamed(ctx, p.Cells, t.Cell)
	if err != nil {
		return fmt.Errorf("fit index periods of %s: %w", s, err)
	}
	volumes, err := p.Gauge.Volumes(ctx, cell, s)
	if err != nil {
		return fmt.Errorf("measure %s: %w", s, err)
	}
	change := tenant.Change{ByVolume: true, IndexPeriod: map[string]tenant.Period{}}
	for kind, bytes := range volumes {
		if to, isOther := tenant.PeriodByVolume(t.Settings.IndexPeriod[kind], bytes, p.Now()); isOther {
			change.IndexPeriod[kind] = to
		}
	}
	if len(change.IndexPeriod) == 0 {
		return nil
	}
	wanted, err := change.Apply(t, p.Now())
	if err != nil {
		return fmt.Errorf("fit index periods of %s: %w", s, err)
	}
	more := wanted.Settings.Shards() - t.Settings.Shards()
	if t.Isolation == tenant.Pooled && cell.MaxShards > 0 && more > 0 && cell.Shards+more > cell.MaxShards {
		p.Log.WarnContext(ctx, "the cell has no shards for index periods that suit the volume", "tenant", s, "cell", cell.Name,
			"periods", change.IndexPeriod, "more_shards", more)
		return nil
	}
	switch _, err := p.Updater.StartUpdate(ctx, actor, s, change, nil, operation.Write{}); {
	case errors.Is(err, operation.ErrRunning), errors.Is(err, tenant.ErrNotActive), errors.Is(err, tenant.ErrNotFound):
		return nil // another round finds it at rest
	case err != nil:
		return fmt.Errorf("fit index periods of %s: %w", s, err)
	}
	p.Log.InfoContext(ctx, "index periods follow the volume", "tenant", s, "periods", change.IndexPeriod, "bytes_per_day", volumes)
	return nil
}
