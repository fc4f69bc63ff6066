package postgres

import (
	"context"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// StartSuspend implements operation.Starter.
func (db *DB) StartSuspend(ctx context.Context, actor access.Actor, s slug.Slug, w operation.Write) (operation.Started, error) {
	return db.startBetween(ctx, actor, s, operation.Suspend, w, func(ctx context.Context, t tx, of tenant.Tenant) error {
		return t.mayChange(ctx, of, true)
	})
}

// StartResume implements operation.Starter.
func (db *DB) StartResume(ctx context.Context, actor access.Actor, s slug.Slug, w operation.Write) (operation.Started, error) {
	return db.startBetween(ctx, actor, s, operation.Resume, w, func(ctx context.Context, t tx, of tenant.Tenant) error {
		active, err := t.ActiveOperations(ctx, of.ID)
		switch {
		case err != nil:
			return err
		case len(active) > 0:
			return running(active[0])
		case of.State != tenant.Suspended:
			return tenant.ErrNotSuspended
		}
		return nil
	})
}

// startBetween queues what leads from one of the states active and suspended to the other, if it may.
func (db *DB) startBetween(
	ctx context.Context, actor access.Actor, s slug.Slug, kind operation.Kind, w operation.Write,
	may func(context.Context, tx, tenant.Tenant) error,
) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		if err := may(ctx, t, found); err != nil {
			return starting{}, err
		}
		if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: found.ID, State: string(stateWhile(kind))}); err != nil {
			return starting{}, err
		}
		return t.record(ctx, &found, dbsqlc.AddOperationParams{
			TenantID: found.ID, Kind: string(kind), State: string(operation.Running),
		}, map[string]any{"slug": s})
	})
}
