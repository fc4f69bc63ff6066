package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Cells lists the cells.
type Cells interface {
	Cells(ctx context.Context, actor access.Actor) ([]tenant.Cell, error)
}

// Describer looks at tenants' stacks.
type Describer interface {
	Describe(ctx context.Context, cell tenant.Cell, s slug.Slug) (operation.StackView, error)
}

// RebuildStarter starts rebuilds.
type RebuildStarter interface {
	StartRebuild(ctx context.Context, actor access.Actor, s slug.Slug) (operation.Started, error)
}

// A Rebuilder has the stacks of active tenants built again where they are missing: an emulator of AWS that was killed has
// forgotten them. On AWS nobody loses a stack in this way, and it stays off.
type Rebuilder struct {
	Directory tenant.Directory
	Cells     Cells
	Stacks    Describer
	Starter   RebuildStarter
	Log       *slog.Logger
}

// Rebuild looks at the stack of every active tenant and starts a rebuild of each that is missing. What cannot be seen now
// is seen the next time; the error joins all of it.
func (r *Rebuilder) Rebuild(ctx context.Context) error {
	cells, err := r.Cells.Cells(ctx, itself)
	if err != nil {
		return fmt.Errorf("list cells: %w", err)
	}
	byName := map[string]tenant.Cell{}
	for _, c := range cells {
		byName[c.Name] = c
	}
	var errs []error
	for page := (tenant.Page{State: tenant.Active, Limit: 200}); ; {
		list, next, err := r.Directory.Tenants(ctx, itself, page)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("list active tenants: %w", err))...)
		}
		for _, t := range list {
			errs = append(errs, r.rebuild(ctx, byName[t.Cell], t.Slug))
		}
		if page.Cursor = next; next == "" {
			return errors.Join(errs...)
		}
	}
}

func (r *Rebuilder) rebuild(ctx context.Context, cell tenant.Cell, s slug.Slug) error {
	view, err := r.Stacks.Describe(ctx, cell, s)
	if err != nil || view.Status != operation.StackAbsent {
		return err
	}
	switch _, err := r.Starter.StartRebuild(ctx, itself, s); {
	case errors.Is(err, operation.ErrRunning), errors.Is(err, tenant.ErrNotActive), errors.Is(err, tenant.ErrNotFound):
		return nil // somebody was quicker
	case err != nil:
		return fmt.Errorf("rebuild %s: %w", s, err)
	}
	r.Log.WarnContext(ctx, "the stack of an active tenant is missing and is built again", "tenant", s)
	return nil
}

type rebuildMissingArgs struct{}

// Kind names the job.
func (rebuildMissingArgs) Kind() string { return "rebuild_missing" }

type rebuildMissing struct {
	river.WorkerDefaults[rebuildMissingArgs]
	rebuilder *Rebuilder
}

// Work looks for missing stacks once. A job that another worker left behind does nothing where rebuilding is off.
func (w *rebuildMissing) Work(ctx context.Context, _ *river.Job[rebuildMissingArgs]) error {
	if w.rebuilder == nil {
		return nil
	}
	return w.rebuilder.Rebuild(ctx)
}
