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
	return db.startBetween(ctx, actor, s, operation.Suspend, tenant.Active, tenant.ErrNotActive, w)
}

// StartResume implements operation.Starter.
func (db *DB) StartResume(ctx context.Context, actor access.Actor, s slug.Slug, w operation.Write) (operation.Started, error) {
	return db.startBetween(ctx, actor, s, operation.Resume, tenant.Suspended, tenant.ErrNotSuspended, w)
}

// startBetween queues what leads from one of the states active and suspended to the other; otherwise is the error in any other
// state.
func (db *DB) startBetween(
	ctx context.Context, actor access.Actor, s slug.Slug, kind operation.Kind, from tenant.State, otherwise error, w operation.Write,
) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		switch active, err := t.ActiveOperations(ctx, found.ID); {
		case err != nil:
			return starting{}, err
		case len(active) > 0:
			return starting{}, running(active[0])
		case found.State != from:
			return starting{}, otherwise
		}
		if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: found.ID, State: string(stateWhile(kind))}); err != nil {
			return starting{}, err
		}
		return t.record(ctx, dbsqlc.AddOperationParams{
			TenantID: found.ID, Kind: string(kind), State: string(operation.Running),
		}, map[string]any{"slug": s})
	})
}
