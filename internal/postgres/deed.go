package postgres

import (
	"context"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Record implements operation.Recorder. The tenant is read and not locked: what do does may take seconds, and the steps of an
// operation do not wait for it.
func (db *DB) Record(
	ctx context.Context, actor access.Actor, s slug.Slug, action string, w operation.Write,
	do func(context.Context, tenant.Tenant) (operation.Deed, error),
) (answer []byte, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		var err error
		if answer, err = t.claimKey(ctx, w); err != nil || answer != nil {
			return err
		}
		row, err := t.TenantHolding(ctx, s.String())
		if err != nil {
			return orNotFound(err, tenant.ErrNotFound)
		}
		found, err := t.withInstances(ctx, row.Tenant, row.ActiveOperation)
		if err != nil {
			return err
		}
		deed, err := do(ctx, found)
		if err != nil {
			return err
		}
		answer = deed.Answer
		if err := t.audit(ctx, audited{tenantID: found.ID, target: targetOf(found) + "/" + deed.Target, action: action, detail: deed.Detail}); err != nil || w.Key == "" {
			return err
		}
		return t.RememberAnswer(ctx, dbsqlc.RememberAnswerParams{Answer: answer, Subject: actor.Subject, Key: w.Key})
	})
	return answer, err
}
