package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Publisher writes a cell's list of tenants, for the gateway, when it has changed.
type Publisher interface {
	Publish(ctx context.Context, cell tenant.Cell, tenants []tenant.Tenant) error
}

// Publishing tells each cell's gateway which tenants there are.
type Publishing struct {
	Directory tenant.Directory
	Cells     Cells
	Publisher Publisher
}

type publishTenantsArgs struct{}

// Kind names the job.
func (publishTenantsArgs) Kind() string { return "publish_tenants" }

type publishTenants struct {
	river.WorkerDefaults[publishTenantsArgs]
	publishing *Publishing
}

// Work writes all lists. A cell that cannot be reached keeps none of the others from theirs.
func (w *publishTenants) Work(ctx context.Context, _ *river.Job[publishTenantsArgs]) error {
	p := w.publishing
	if p == nil {
		return nil
	}
	cells, err := p.Cells.Cells(ctx, itself)
	if err != nil {
		return err
	}
	for _, cell := range cells {
		if failed := p.publish(ctx, cell); failed != nil {
			err = errors.Join(err, fmt.Errorf("publish the tenants of cell %s: %w", cell.Name, failed))
		}
	}
	return err
}

func (p *Publishing) publish(ctx context.Context, cell tenant.Cell) error {
	const most = 200
	var all []tenant.Tenant
	for page := (tenant.Page{Cell: cell.Name, Limit: most}); ; {
		list, next, err := p.Directory.Tenants(ctx, itself, page)
		if err != nil {
			return err
		}
		all = append(all, list...)
		if page.Cursor = next; next == "" {
			return p.Publisher.Publish(ctx, cell, all)
		}
	}
}
