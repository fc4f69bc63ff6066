package postgres

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// TenantsToLookAt returns tenants that keep documents and that nobody has looked at since an instant, those that were left alone for
// the longest first.
func (db *DB) TenantsToLookAt(ctx context.Context, actor access.Actor, since time.Time, atMost int) (list []tenant.Tenant, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.TenantsToLookAt(ctx, dbsqlc.TenantsToLookAtParams{States: keeping(), Before: since, AtMost: int32(min(atMost, mostLookedAt))})
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(rows))
		for _, row := range rows {
			ids = append(ids, row.Tenant.ID)
		}
		instances, err := t.InstancesOf(ctx, ids)
		if err != nil {
			return err
		}
		list = make([]tenant.Tenant, 0, len(rows))
		for _, row := range rows {
			one, err := tenantFrom(row.Tenant, "", instances)
			if err != nil {
				return err
			}
			list = append(list, one)
		}
		return nil
	})
	return list, err
}

// mostLookedAt bounds one question for tenants to look at.
const mostLookedAt = 5_000

// PutSnapshot keeps how a tenant within the actor's scope does, unless a later look is there already.
func (db *DB) PutSnapshot(ctx context.Context, actor access.Actor, tenantID string, s tenant.Snapshot) error {
	if !isUUID(tenantID) {
		return tenant.ErrNotFound
	}
	const longest = 500 // characters, as the table has it
	if reason := []rune(s.Reason); len(reason) > longest {
		s.Reason = string(reason[:longest])
	}
	return db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		if _, err := t.tenantByID(ctx, tenantID); err != nil {
			return err
		}
		return t.PutHealth(ctx, dbsqlc.PutHealthParams{
			TenantID: tenantID, LookedAt: s.At, Condition: string(s.Condition), Reason: s.Reason, CallsToday: s.CallsToday,
		})
	})
}
