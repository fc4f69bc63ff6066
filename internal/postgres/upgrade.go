package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// StartUpgrade implements operation.Starter.
func (db *DB) StartUpgrade(ctx context.Context, actor access.Actor, s slug.Slug, artifacts string, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		return t.upgrade(ctx, s, dbsqlc.AddOperationParams{Kind: string(operation.Upgrade), ArtifactVersion: &artifacts})
	})
}

// StartPreview implements operation.Starter.
func (db *DB) StartPreview(ctx context.Context, actor access.Actor, s slug.Slug, artifacts string, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		return t.upgrade(ctx, s, dbsqlc.AddOperationParams{Kind: string(operation.Preview), ArtifactVersion: &artifacts})
	})
}

// upgrade records an upgrade or its preview. A refusal has changed nothing, so that the transaction may go on.
func (t tx) upgrade(ctx context.Context, s slug.Slug, op dbsqlc.AddOperationParams) (starting, error) {
	found, err := t.lockedTenant(ctx, s)
	if err != nil {
		return starting{}, err
	}
	if err := t.mayChange(ctx, found, true); err != nil {
		return starting{}, err
	}
	state := stateWhile(operation.Kind(op.Kind))
	if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: found.ID, State: string(state)}); err != nil {
		return starting{}, err
	}
	detail := map[string]any{"slug": s, "artifact_version": *op.ArtifactVersion}
	if op.RolloutID != nil {
		detail["upgrade"] = *op.RolloutID
	}
	op.TenantID, op.State = found.ID, string(operation.Running)
	return t.record(ctx, &found, op, detail)
}

// StartRollout implements operation.Rollouts.
func (db *DB) StartRollout(ctx context.Context, actor access.Actor, d operation.RolloutDraft, w operation.Write) (started operation.Started, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		started = operation.Started{}
		replay, err := t.claimKey(ctx, w)
		if err != nil || replay != nil {
			started.Replay = replay
			return err
		}
		ids, err := t.idsOf(ctx, d.Tenants)
		if err != nil {
			return err
		}
		id := uuid.NewString()
		if err := t.AddRollout(ctx, dbsqlc.AddRolloutParams{
			ID: id, ArtifactVersion: d.Artifacts, Parallel: int32(d.Parallel), TenantIds: ids, RequestedBy: nameOf(t.actor), RequestID: t.actor.Origin.RequestID,
		}); err != nil {
			return err
		}
		if err := db.enqueue(ctx, t, operation.RolloutArgs{RolloutID: id, TenantIDs: ids}, t.actor.Origin.RequestID); err != nil {
			return err
		}
		if err := t.audit(ctx, audited{target: "upgrades/" + id, action: "upgrades.start", detail: map[string]any{
			"artifact_version": d.Artifacts, "parallel": d.Parallel, "tenants": d.Tenants,
		}}); err != nil {
			return err
		}
		if started.Rollout, err = t.rolloutByID(ctx, id); err != nil {
			return err
		}
		return t.remember(ctx, w, started)
	})
	if err != nil {
		return operation.Started{}, err
	}
	return started, nil
}

// idsOf returns the ids of the tenants that hold the slugs, in the same order.
func (t tx) idsOf(ctx context.Context, slugs []slug.Slug) ([]string, error) {
	ids, seen := make([]string, 0, len(slugs)), map[slug.Slug]bool{}
	for n, s := range slugs {
		row, err := t.TenantHolding(ctx, s.String())
		if err = orNotFound(err, operation.ErrRolloutTenants); errors.Is(err, operation.ErrRolloutTenants) || err == nil && seen[s] {
			return nil, operation.ErrRolloutTenants.At(fmt.Sprintf("/tenants/%d", n))
		}
		if err != nil {
			return nil, err
		}
		ids, seen[s] = append(ids, row.Tenant.ID), true
	}
	return ids, nil
}

// Rollout implements operation.Rollouts.
func (db *DB) Rollout(ctx context.Context, actor access.Actor, id string) (r operation.Rollout, err error) {
	if !isUUID(id) {
		return r, operation.ErrNoRollout
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		r, err = t.rolloutByID(ctx, id)
		return err
	})
	return r, err
}

// Rollouts implements operation.Rollouts.
func (db *DB) Rollouts(ctx context.Context, actor access.Actor, limit int, cursor string) (list []operation.Rollout, next string, err error) {
	filter := []string{"rollouts"}
	before, err := readCursor(cursor, filter, operationPlace{})
	if err != nil || cursor != "" && (!isUUID(before.ID) || before.At.IsZero()) {
		return nil, "", tenant.ErrCursor
	}
	most := pageSize(limit)
	query := dbsqlc.RolloutsBeforeParams{BeforeAt: orNull(before.At), BeforeID: before.ID, AtMost: most + 1}
	if query.BeforeAt == nil {
		query.BeforeID = nilID
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.RolloutsBefore(ctx, query)
		if err != nil {
			return err
		}
		next = ""
		if len(rows) > int(most) {
			rows = rows[:most]
			last := rows[most-1].Rollout
			next = writeCursor(filter, operationPlace{At: last.CreatedAt, ID: last.ID})
		}
		list, err = t.rollouts(ctx, rows)
		return err
	})
	return list, next, err
}

func (t tx) rolloutByID(ctx context.Context, id string) (operation.Rollout, error) {
	row, err := t.RolloutByID(ctx, id)
	if err != nil {
		return operation.Rollout{}, orNotFound(err, operation.ErrNoRollout)
	}
	list, err := t.rollouts(ctx, []dbsqlc.RolloutsBeforeRow{dbsqlc.RolloutsBeforeRow(row)})
	if err != nil {
		return operation.Rollout{}, err
	}
	return list[0], nil
}

// rollouts converts rows, with one query for the tenants of all.
func (t tx) rollouts(ctx context.Context, rows []dbsqlc.RolloutsBeforeRow) ([]operation.Rollout, error) {
	list, ids, at := make([]operation.Rollout, 0, len(rows)), make([]string, 0, len(rows)), map[string]int{}
	for n, row := range rows {
		r := row.Rollout
		ids, at[r.ID] = append(ids, r.ID), n
		one := operation.Rollout{
			ID: r.ID, Artifacts: r.ArtifactVersion, Parallel: int(r.Parallel), State: operation.RolloutState(r.State),
			RequestedBy: r.RequestedBy, RequestID: r.RequestID, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		}
		if r.FinishedAt != nil {
			one.FinishedAt = r.FinishedAt.UTC()
		}
		if r.Failure != nil {
			if err := json.Unmarshal(r.Failure, &one.Failure); err != nil {
				return nil, fmt.Errorf("failure of upgrade %s: %w", r.ID, err)
			}
		}
		list = append(list, one)
	}
	tenants, err := t.RolloutTenants(ctx, ids)
	for _, row := range tenants {
		of := &list[at[row.RolloutID]]
		of.Tenants = append(of.Tenants, operation.RolloutTenant{
			Slug: slug.Slug(row.Slug), Operation: row.OperationID, State: operation.State(row.State), Broken: row.Broken,
		})
	}
	return list, err
}

// AdvanceRollout begins as many upgrades of the rollout as may run beside those under way, in one transaction with what it notes
// of the rollout. It reports true when the rollout is over. A tenant that is busy has its turn later; one that cannot be
// upgraded is a failure.
func (db *DB) AdvanceRollout(ctx context.Context, args operation.RolloutArgs) (over bool, err error) {
	if !isUUID(args.RolloutID) {
		return true, nil
	}
	subject := "upgrade:" + args.RolloutID
	actor := access.Actor{Subject: subject, Name: subject, Role: access.System, Scope: access.Scope{TenantIDs: args.TenantIDs}}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		over = true
		if _, err := t.LockRollout(ctx, args.RolloutID); err != nil {
			return orNotFound(err, nil)
		}
		r, err := t.rolloutByID(ctx, args.RolloutID)
		if err != nil || !r.FinishedAt.IsZero() {
			return err
		}
		t.actor.Name, t.actor.Origin.RequestID = r.RequestedBy, r.RequestID
		if r, err = db.advanced(ctx, t, r); err != nil {
			return err
		}
		over = r.State == operation.RolloutSucceeded || r.State == operation.RolloutFailed
		save := dbsqlc.SaveRolloutParams{ID: r.ID, State: string(r.State)}
		if r.Failure != nil {
			if save.Failure, err = json.Marshal(r.Failure); err != nil {
				return fmt.Errorf("write failure of upgrade %s: %w", r.ID, err)
			}
		}
		return t.SaveRollout(ctx, save)
	})
	return over, err
}

// advanced begins what may begin and returns the rollout as it is then.
func (db *DB) advanced(ctx context.Context, t tx, r operation.Rollout) (operation.Rollout, error) {
	now := r.Count()
	if failed := now.Failed; failed != nil && r.Failure == nil {
		op, err := t.operationByID(ctx, failed.Operation)
		if err != nil {
			return r, err
		}
		r.Failure = &operation.RolloutFailure{Tenant: failed.Slug, Code: "operation.cancelled", Reason: "The upgrade was cancelled."}
		if f := op.Failure; f != nil {
			r.Failure.Code, r.Failure.Reason = f.Code, f.Reason
		}
	}
	turns, waiting := r.Turns(now), 0
	for _, one := range r.Tenants {
		if one.Operation != "" || r.Failure != nil {
			continue
		}
		if turns == 0 {
			waiting++
			continue
		}
		switch err := db.upgradeOf(ctx, t, r, one.Slug); {
		case errors.Is(err, operation.ErrRunning):
			waiting++
		case err != nil:
			f, isFault := fault.As(err)
			if !isFault || f.Kind == fault.Unavailable {
				return r, err
			}
			r.Failure = &operation.RolloutFailure{Tenant: one.Slug, Code: f.Code, Reason: f.Detail}
		default:
			turns--
			now.UnderWay++
		}
	}
	switch {
	case r.Failure != nil && now.UnderWay > 0:
		r.State = operation.RolloutStopping
	case r.Failure != nil:
		r.State = operation.RolloutFailed
	case now.UnderWay+waiting == 0:
		r.State = operation.RolloutSucceeded
	}
	return r, nil
}

func (db *DB) upgradeOf(ctx context.Context, t tx, r operation.Rollout, s slug.Slug) error {
	recorded, err := t.upgrade(ctx, s, dbsqlc.AddOperationParams{
		Kind: string(operation.Upgrade), ArtifactVersion: &r.Artifacts, RolloutID: &r.ID,
	})
	if err != nil {
		return err
	}
	_, err = db.begin(ctx, t, recorded)
	return err
}
