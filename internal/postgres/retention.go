package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// expireTries is how often a tenant's expiry is tried before the next round does it.
const expireTries = 3

// stillToCome are the states of a job that has not ended.
var stillToCome = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// ScheduleExpiry gives each tenant within the actor's scope that keeps documents a job that deletes what it keeps no longer, at
// an instant of its own within a time from now, unless its last one has not ended. It returns how many tenants there are.
func (db *DB) ScheduleExpiry(ctx context.Context, actor access.Actor, within time.Duration) (scheduled int, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		tenants, err := t.TenantsInStates(ctx, keeping())
		if err != nil || len(tenants) == 0 {
			return err
		}
		jobs := make([]river.InsertManyParams, 0, len(tenants))
		for _, one := range tenants {
			jobs = append(jobs, river.InsertManyParams{
				Args: operation.ExpireArgs{TenantID: one.ID, Slug: slug.Slug(one.Slug)},
				InsertOpts: &river.InsertOpts{
					MaxAttempts: expireTries, ScheduledAt: time.Now().Add(rand.N(max(within, 1))), //nolint:gosec // jitter needs no secrecy
					UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: stillToCome},
				},
			})
		}
		scheduled = len(jobs)
		if _, err := db.jobs.InsertManyTx(ctx, t.raw, jobs); err != nil {
			return fmt.Errorf("enqueue expiries: %w", err)
		}
		return nil
	})
	return scheduled, err
}

// keeping are the states of tenants that keep documents.
func keeping() []string {
	states := make([]string, 0, len(tenant.KeepingDocuments))
	for _, state := range tenant.KeepingDocuments {
		states = append(states, string(state))
	}
	return states
}

// Audit writes down what was done to a tenant within the actor's scope.
func (db *DB) Audit(ctx context.Context, actor access.Actor, tenantID, action string, detail map[string]any) error {
	if !isUUID(tenantID) {
		return tenant.ErrNotFound
	}
	return db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		if _, err := t.LockTenant(ctx, tenantID); err != nil {
			return orNotFound(err, tenant.ErrNotFound)
		}
		found, err := t.tenantByID(ctx, tenantID)
		if err != nil {
			return err
		}
		return t.audit(ctx, audited{tenantID: tenantID, target: targetOf(found), action: action, detail: detail})
	})
}
