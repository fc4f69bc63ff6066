package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// starting is what a write has changed.
type starting struct {
	tenantID string
	id       string         // of the operation that was recorded; empty: none is needed
	action   string         // for the audit; empty: nothing was changed
	before   *tenant.Tenant // for the audit; nil: there was none
	wanted   *tenant.Tenant // for the audit: what it is to be; nil: as it is now
	detail   map[string]any // for the audit
}

// StartOnboard implements operation.Starter. Only an actor who reaches all tenants may add one.
func (db *DB) StartOnboard(ctx context.Context, actor access.Actor, draft tenant.Draft, w operation.Write) (operation.Started, error) {
	if !actor.Scope.All {
		return operation.Started{}, access.ErrScope
	}
	settings, err := json.Marshal(draft.Settings)
	if err != nil {
		return operation.Started{}, fmt.Errorf("write settings: %w", err)
	}
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		shards := 0
		if draft.Isolation != tenant.Dedicated {
			shards = draft.Settings.Shards()
		}
		cell, err := t.place(ctx, draft.Cell, shards)
		if err != nil {
			return starting{}, err
		}
		id := uuid.NewString()
		if err := t.AddTenant(ctx, dbsqlc.AddTenantParams{
			ID: id, Slug: draft.Slug, DisplayName: draft.DisplayName, Isolation: string(draft.Isolation), Cell: cell,
			ExternalID: rand.Text(), Settings: settings, Shards: int32(draft.Settings.Shards()),
		}); err != nil {
			return starting{}, at(err, "/slug")
		}
		if err := t.addInstances(ctx, id, draft.ConnectInstances); err != nil {
			return starting{}, err
		}
		return t.record(ctx, nil, dbsqlc.AddOperationParams{
			TenantID: id, Kind: string(operation.Onboard), State: string(operation.Running),
		}, map[string]any{"slug": draft.Slug, "cell": cell})
	})
}

func (t tx) addInstances(ctx context.Context, tenantID string, instances []tenant.ConnectInstance) error {
	for n, i := range instances {
		if err := t.AddInstance(ctx, dbsqlc.AddInstanceParams{
			TenantID: tenantID, Alias: i.Alias, Position: int16(n), Arn: i.ARN, Region: i.Region, CcpUrl: i.CCPURL,
			SamlUrl: i.SAMLURL, DirectoryRoleArn: i.DirectoryRoleARN,
		}); err != nil {
			return at(err, fmt.Sprintf("/connect_instances/%d/arn", n))
		}
	}
	return nil
}

// StartOffboard implements operation.Starter.
func (db *DB) StartOffboard(ctx context.Context, actor access.Actor, s slug.Slug, data operation.DataPolicy, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		switch {
		case found.State == tenant.Deleted && data != operation.DeleteData:
			return starting{}, tenant.ErrRetained
		case found.Settings.DeleteProtection:
			return starting{}, tenant.ErrProtected
		}
		state, err := t.makeWay(ctx, found.ID)
		if err != nil {
			return starting{}, err
		}
		if state == operation.Running {
			if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: found.ID, State: string(tenant.Deleting)}); err != nil {
				return starting{}, err
			}
		}
		return t.record(ctx, &found, dbsqlc.AddOperationParams{
			TenantID: found.ID, Kind: string(operation.Offboard), State: string(state), Data: string(data),
		}, map[string]any{"slug": s, "data": data})
	})
}

// makeWay returns the state in which an off-boarding begins: running when nothing else runs; queued behind an onboarding,
// rebuild, preview, replay, redrive or erase, which is asked to give way.
func (t tx) makeWay(ctx context.Context, tenantID string) (operation.State, error) {
	active, err := t.ActiveOperations(ctx, tenantID)
	if err != nil || len(active) == 0 {
		return operation.Running, err
	}
	one := active[0]
	kind := operation.Kind(one.Kind)
	mayCancel := kind == operation.Onboard || kind == operation.Rebuild || kind.SparesTenant()
	if len(active) > 1 || one.State != string(operation.Running) || !mayCancel {
		return "", running(one)
	}
	return operation.Queued, t.AskToCancel(ctx, tenantID)
}

func running(o dbsqlc.ActiveOperationsRow) error {
	return operation.ErrRunning.With(fmt.Sprintf("Operation %s (%s) of this tenant is %s; wait for it to end.", o.ID, o.Kind, o.State))
}

// StartRetry implements operation.Starter.
func (db *DB) StartRetry(ctx context.Context, actor access.Actor, s slug.Slug, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		last, err := t.LatestOperation(ctx, found.ID)
		if err != nil {
			return starting{}, orNotFound(err, operation.ErrNothingToRetry)
		}
		op := last.Operation
		if op.State != string(operation.Failed) {
			return starting{}, operation.ErrNothingToRetry
		}
		again, err := operationFrom(op, s.String())
		if err != nil {
			return starting{}, err
		}
		if err := t.reserve(ctx, found, again.Change.ConnectInstances); err != nil {
			return starting{}, err
		}
		state := stateWhile(operation.Kind(op.Kind))
		if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: found.ID, State: string(state)}); err != nil {
			return starting{}, err
		}
		err = t.RetryOperation(ctx, dbsqlc.RetryOperationParams{
			RequestedBy: nameOf(t.actor), RequestID: t.actor.Origin.RequestID, ID: op.ID, TenantID: found.ID,
		})
		return starting{tenantID: found.ID, id: op.ID, action: "operations.retry", before: &found, detail: map[string]any{
			"slug": s, "operation": op.ID, "kind": op.Kind, "attempt": op.Attempt + 1,
		}}, err
	})
}

// stateWhile is a tenant's state while an operation of a kind runs.
func stateWhile(kind operation.Kind) tenant.State {
	switch kind {
	case operation.Offboard:
		return tenant.Deleting
	case operation.Update, operation.Upgrade, operation.Suspend, operation.Resume:
		return tenant.Updating
	case operation.Preview, operation.Replay, operation.Redrive, operation.Erase:
		return tenant.Active
	case operation.Onboard, operation.Rebuild:
	}
	return tenant.Provisioning
}

// StartRebuild implements operation.Starter.
func (db *DB) StartRebuild(ctx context.Context, actor access.Actor, s slug.Slug) (operation.Started, error) {
	return db.start(ctx, actor, operation.Write{}, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		if active, err := t.ActiveOperations(ctx, found.ID); err != nil || len(active) > 0 {
			if err == nil {
				err = running(active[0])
			}
			return starting{}, err
		}
		if found.State != tenant.Active {
			return starting{}, tenant.ErrNotActive
		}
		return t.record(ctx, &found, dbsqlc.AddOperationParams{
			TenantID: found.ID, Kind: string(operation.Rebuild), State: string(operation.Running),
		}, map[string]any{"slug": s})
	})
}

// lockedTenant returns the tenant that holds the slug, locked until the transaction ends. Whoever changes a tenant or its
// operations locks the tenant first: one order, no deadlock.
func (t tx) lockedTenant(ctx context.Context, s slug.Slug) (tenant.Tenant, error) {
	id, err := t.LockTenantHolding(ctx, s.String())
	if err != nil {
		return tenant.Tenant{}, orNotFound(err, tenant.ErrNotFound)
	}
	return t.tenantByID(ctx, id)
}

// record adds a new operation, and gives it its id. Before is its tenant as it was, nil when it was not.
func (t tx) record(ctx context.Context, before *tenant.Tenant, op dbsqlc.AddOperationParams, detail map[string]any) (starting, error) {
	op.ID, op.RequestedBy, op.RequestID = uuid.NewString(), nameOf(t.actor), t.actor.Origin.RequestID
	if err := t.ForgetAgents(ctx, op.TenantID); err != nil {
		return starting{}, err
	}
	if err := t.AddOperation(ctx, op); err != nil {
		return starting{}, err
	}
	detail["operation"] = op.ID
	return starting{tenantID: op.TenantID, id: op.ID, action: "tenants." + op.Kind, before: before, detail: detail}, nil
}

// start runs fn and what every start has in common, in one transaction: idempotency key, audit event, and of an operation its
// first event and its job.
func (db *DB) start(ctx context.Context, actor access.Actor, w operation.Write, fn func(context.Context, tx) (starting, error)) (started operation.Started, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		started = operation.Started{}
		replay, err := t.claimKey(ctx, w)
		if err != nil || replay != nil {
			started.Replay = replay
			return err
		}
		s, err := fn(ctx, t)
		if err != nil {
			return err
		}
		if started, err = db.begin(ctx, t, s); err != nil {
			return err
		}
		sayWhose(ctx, started.Operation)
		return t.remember(ctx, w, started)
	})
	if err != nil {
		return operation.Started{}, err
	}
	return started, nil
}

// begin launches what was recorded, and writes down who asked for it.
func (db *DB) begin(ctx context.Context, t tx, s starting) (started operation.Started, err error) {
	if s.id != "" {
		if started.Operation, err = db.launch(ctx, t, s); err != nil {
			return started, err
		}
	}
	if started.Tenant, err = t.tenantByID(ctx, s.tenantID); err != nil || s.action == "" {
		return started, err
	}
	return started, t.audit(ctx, s.audited(started.Tenant))
}

// launch has a recorded operation driven, and begins its story with who asked for it.
func (db *DB) launch(ctx context.Context, t tx, s starting) (operation.Operation, error) {
	if err := t.TouchTenant(ctx, s.tenantID); err != nil {
		return operation.Operation{}, err
	}
	op, err := t.operationByID(ctx, s.id)
	if err != nil {
		return op, err
	}
	message := fmt.Sprintf("%s asked for this (%s, attempt %d).", op.RequestedBy, op.Kind, op.Attempt)
	if err := t.addEvents(ctx, op, []operation.Event{{Step: op.Step, Level: "info", Message: message}}); err != nil {
		return op, err
	}
	return op, db.enqueue(ctx, t, operation.AdvanceArgs{TenantID: s.tenantID, OperationID: s.id}, op.RequestID)
}

func nameOf(a access.Actor) string {
	if a.Name != "" {
		return a.Name
	}
	return a.Subject
}

// at names the member that broke a rule.
func at(err error, pointer string) error {
	if f, ok := fault.As(translate(err)); ok && f.Kind == fault.Conflict {
		return f.At(pointer)
	}
	return err
}
