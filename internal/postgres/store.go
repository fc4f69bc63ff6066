package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// forOperation is the actor of a job: one operation, one tenant.
func forOperation(tenantID, id string) access.Actor {
	return access.ForTenant("operation:"+id, tenantID)
}

// Claim implements operation.Store.
func (db *DB) Claim(ctx context.Context, tenantID, id, holder string, lease time.Duration) (claimed operation.Claimed, err error) {
	if !isUUID(tenantID) || !isUUID(id) {
		return claimed, operation.ErrNotFound
	}
	err = db.inTx(ctx, forOperation(tenantID, id), func(ctx context.Context, t tx) error {
		if _, err := t.LockTenant(ctx, tenantID); err != nil {
			return orNotFound(err, operation.ErrNotFound)
		}
		row, err := t.LockOperation(ctx, dbsqlc.LockOperationParams{ID: id, TenantID: tenantID})
		if err != nil {
			return orNotFound(err, operation.ErrNotFound)
		}
		if err := t.mayClaim(ctx, row, holder); err != nil {
			return err
		}
		if _, err := t.ClaimOperation(ctx, dbsqlc.ClaimOperationParams{
			Holder: holder, LeaseSeconds: lease.Seconds(), ID: id, TenantID: tenantID,
		}); err != nil {
			return err
		}
		if row.Operation.State == string(operation.Queued) && row.Operation.Kind == string(operation.Offboard) {
			if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: tenantID, State: string(tenant.Deleting)}); err != nil {
				return err
			}
		}
		claimed, err = t.inHand(ctx, tenantID, id)
		return err
	})
	sayWhose(ctx, claimed.Operation)
	return claimed, err
}

// mayClaim refuses an operation that is over, in another's hands, or behind another one of its tenant.
func (t tx) mayClaim(ctx context.Context, row dbsqlc.LockOperationRow, holder string) error {
	op := row.Operation
	switch operation.State(op.State) {
	case operation.Running:
		if row.IsHeld && op.Holder != holder {
			return operation.ErrHeld
		}
		return nil
	case operation.Queued:
		active, err := t.ActiveOperations(ctx, op.TenantID)
		if err == nil && len(active) > 1 {
			err = operation.ErrHeld
		}
		return err
	case operation.Succeeded, operation.Failed, operation.Cancelled:
	}
	return operation.ErrFinished
}

func (t tx) inHand(ctx context.Context, tenantID, id string) (claimed operation.Claimed, err error) {
	if claimed.Operation, err = t.operationByID(ctx, id); err != nil {
		return claimed, err
	}
	if claimed.Tenant, err = t.tenantByID(ctx, tenantID); err != nil {
		return claimed, err
	}
	row, err := t.CellNamed(ctx, claimed.Tenant.Cell)
	claimed.Cell = cellFrom(row.Cell)
	return claimed, err
}

// Save implements operation.Store.
func (db *DB) Save(ctx context.Context, p operation.Progress) error {
	op := p.Operation
	if !isUUID(op.TenantID) || !isUUID(op.ID) {
		return operation.ErrLost
	}
	params, err := saved(op)
	if err != nil {
		return err
	}
	return db.inTx(ctx, forOperation(op.TenantID, op.ID), func(ctx context.Context, t tx) error {
		if _, err := t.LockTenant(ctx, op.TenantID); err != nil {
			return orNotFound(err, operation.ErrLost)
		}
		switch rows, err := t.SaveOperation(ctx, params); {
		case err != nil:
			return err
		case rows == 0:
			return operation.ErrLost
		}
		if err := t.addEvents(ctx, op, p.Events); err != nil {
			return err
		}
		if len(p.Events) > 0 || op.State != operation.Running {
			if err := t.TellOfOperation(ctx, op.ID); err != nil {
				return err
			}
		}
		if op.Kind == operation.Update && op.State == operation.Failed {
			if err := t.ForgetPendingInstances(ctx, op.TenantID); err != nil {
				return err
			}
		}
		return t.changeTenant(ctx, op, p.Tenant)
	})
}

func saved(op operation.Operation) (dbsqlc.SaveOperationParams, error) {
	params := dbsqlc.SaveOperationParams{
		State: string(op.State), Step: op.Step, Percent: int16(op.Percent), FinishedAt: orNull(op.FinishedAt),
		ID: op.ID, TenantID: op.TenantID, Generation: op.Generation,
	}
	var err error
	if params.Memo, err = json.Marshal(op.Memo); err != nil {
		return params, fmt.Errorf("memo of operation %s: %w", op.ID, err)
	}
	if op.Failure != nil {
		failure := *op.Failure
		failure.Reason, failure.Advice = plain(failure.Reason), plain(failure.Advice)
		if params.Failure, err = json.Marshal(failure); err != nil {
			return params, fmt.Errorf("failure of operation %s: %w", op.ID, err)
		}
	}
	return params, nil
}

// addEvents appends to the operation's story. The tenant's lock keeps others from taking the same numbers.
func (t tx) addEvents(ctx context.Context, op operation.Operation, events []operation.Event) error {
	if len(events) == 0 {
		return nil
	}
	last, err := t.LastSequence(ctx, dbsqlc.LastSequenceParams{TenantID: op.TenantID, OperationID: op.ID})
	if err != nil {
		return err
	}
	for n, e := range events {
		if err := t.AddEvent(ctx, dbsqlc.AddEventParams{
			TenantID: op.TenantID, OperationID: op.ID, Sequence: last + int64(n) + 1, Step: e.Step, Level: e.Level,
			Message: plain(e.Message), Resource: plain(e.Resource), Status: e.Status, Percent: int16(e.Percent),
		}); err != nil {
			return err
		}
	}
	return nil
}

// changeTenant writes what the step changed of the tenant, and the audit event when its state or its version changed or the
// operation ended.
func (t tx) changeTenant(ctx context.Context, op operation.Operation, change *operation.TenantChange) error {
	before, err := t.tenantByID(ctx, op.TenantID)
	if err != nil {
		return err
	}
	after := before.State
	if change != nil {
		after = change.State
		if err := t.applyChange(ctx, op.TenantID, *change); err != nil {
			return err
		}
	} else if op.State != operation.Running { // active_operation, which the API shows, has changed
		if err := t.TouchTenant(ctx, op.TenantID); err != nil {
			return err
		}
	}
	if after == before.State && op.State == operation.Running && !isOfAnotherVersion(before, change) {
		return nil
	}
	now, err := t.tenantByID(ctx, op.TenantID)
	if err != nil {
		return err
	}
	was, is := differences(&before, now)
	detail := map[string]any{"operation": op.ID, "kind": op.Kind, "attempt": op.Attempt, "from": before.State, "to": after}
	if op.Failure != nil {
		detail["failure"] = op.Failure.Code
	}
	return t.audit(ctx, audited{
		tenantID: op.TenantID, target: targetOf(now), action: "operations." + string(op.State), before: was, after: is, detail: detail,
	})
}

// isOfAnotherVersion reports that a tenant that had a version gets another one.
func isOfAnotherVersion(before tenant.Tenant, change *operation.TenantChange) bool {
	had := before.Stack.ArtifactVersion
	return had != "" && change != nil && change.Stack != nil && change.Stack.ArtifactVersion != had
}

func (t tx) applyChange(ctx context.Context, tenantID string, change operation.TenantChange) error {
	if s := change.Settings; s != nil {
		if err := t.setSettings(ctx, tenantID, change.DisplayName, *s); err != nil {
			return err
		}
		if err := t.setInstances(ctx, tenantID, change.Instances); err != nil {
			return err
		}
	}
	if s := change.Stack; s != nil {
		if err := t.SetTenantStack(ctx, dbsqlc.SetTenantStackParams{
			StackName: s.Name, StackID: s.ID, ArtifactVersion: s.ArtifactVersion, ID: tenantID,
		}); err != nil {
			return err
		}
	}
	if u := change.URLs; u != nil {
		if err := t.SetTenantURLs(ctx, dbsqlc.SetTenantURLsParams{
			Softphone: u.Softphone, TelemetryApi: u.TelemetryAPI, Space: u.Space, SignIn: u.ManagerSignIn, ID: tenantID,
		}); err != nil {
			return err
		}
	}
	if change.State != tenant.Deleted {
		return t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{State: string(change.State), ID: tenantID})
	}
	if err := t.EndTenant(ctx, dbsqlc.EndTenantParams{Retained: change.DataRetained, ID: tenantID}); err != nil || change.DataRetained {
		return err
	}
	return t.ReleaseInstances(ctx, tenantID)
}

// Release implements operation.Store.
func (db *DB) Release(ctx context.Context, op operation.Operation) error {
	if !isUUID(op.TenantID) || !isUUID(op.ID) {
		return operation.ErrLost
	}
	return db.inTx(ctx, forOperation(op.TenantID, op.ID), func(ctx context.Context, t tx) error {
		rows, err := t.ReleaseOperation(ctx, dbsqlc.ReleaseOperationParams{ID: op.ID, TenantID: op.TenantID, Generation: op.Generation})
		if err == nil && rows == 0 {
			err = operation.ErrLost
		}
		return err
	})
}
