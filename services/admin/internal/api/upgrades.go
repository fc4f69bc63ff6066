package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// UpgradeTenant brings a tenant's stack to another version, or tells what that would change.
func (a *API) UpgradeTenant(ctx context.Context, r apigen.UpgradeTenantRequestObject) (apigen.UpgradeTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	version := r.Body.ArtifactVersion
	if err := operation.CheckArtifacts(version); err != nil {
		return nil, err
	}
	caller, start := callOf(ctx), a.Starter.StartUpgrade
	if orZero(r.Params.Preview) {
		start = a.Starter.StartPreview
	}
	return answer(start(ctx, caller.actor, name, version, caller.write()))
}

// StartUpgrade upgrades many tenants.
func (a *API) StartUpgrade(ctx context.Context, r apigen.StartUpgradeRequestObject) (apigen.StartUpgradeResponseObject, error) {
	draft := operation.RolloutDraft{Artifacts: r.Body.ArtifactVersion, Parallel: orZero(r.Body.Parallel)}
	for _, name := range r.Body.Tenants {
		draft.Tenants = append(draft.Tenants, slug.Slug(name))
	}
	draft, err := draft.Check()
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	w := caller.write()
	w.Render = func(s operation.Started) ([]byte, error) { return json.Marshal(upgradeTo(s.Rollout)) }
	s, err := a.Rollouts.StartRollout(ctx, caller.actor, draft, w)
	if err != nil || s.Replay != nil {
		return startedUpgrade(s.Replay), err
	}
	text, err := w.Render(s)
	return startedUpgrade(text), err
}

// ListUpgrades lists upgrades of many tenants.
func (a *API) ListUpgrades(ctx context.Context, r apigen.ListUpgradesRequestObject) (apigen.ListUpgradesResponseObject, error) {
	list, next, err := a.Rollouts.Rollouts(ctx, callOf(ctx).actor, orZero(r.Params.Limit), orZero(r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	page := apigen.ListUpgrades200JSONResponse{Items: make([]apigen.Upgrade, 0, len(list)), NextCursor: orNil(next)}
	for _, one := range list {
		page.Items = append(page.Items, upgradeTo(one))
	}
	return page, nil
}

// GetUpgrade shows an upgrade of many tenants.
func (a *API) GetUpgrade(ctx context.Context, r apigen.GetUpgradeRequestObject) (apigen.GetUpgradeResponseObject, error) {
	one, err := a.Rollouts.Rollout(ctx, callOf(ctx).actor, r.Id)
	if err != nil {
		return nil, err
	}
	return apigen.GetUpgrade200JSONResponse(upgradeTo(one)), nil
}

func upgradeTo(r operation.Rollout) apigen.Upgrade {
	out := apigen.Upgrade{
		Id: r.ID, ArtifactVersion: r.Artifacts, Parallel: r.Parallel, State: apigen.UpgradeState(r.State), RequestedBy: r.RequestedBy,
		Tenants: make([]apigen.UpgradeTenant, 0, len(r.Tenants)), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if !r.FinishedAt.IsZero() {
		out.FinishedAt = new(r.FinishedAt)
	}
	if f := r.Failure; f != nil {
		out.Failure = &struct {
			Code   string `json:"code"`
			Reason string `json:"reason"`
			Tenant string `json:"tenant"`
		}{f.Code, f.Reason, f.Tenant.String()}
	}
	for _, t := range r.Tenants {
		state := apigen.UpgradeTenantState(t.State)
		switch {
		case t.Operation == "" && r.Failure != nil:
			state = apigen.UpgradeTenantStateNotBegun
		case t.Operation == "":
			state = apigen.UpgradeTenantStateWaiting
		}
		out.Tenants = append(out.Tenants, apigen.UpgradeTenant{Tenant: t.Slug.String(), State: state, Operation: orNil(t.Operation)})
	}
	return out
}

// changesTo is nil unless the operation is a preview that has succeeded: no changes is an answer too.
func changesTo(o operation.Operation) *[]apigen.StackChange {
	if o.Kind != operation.Preview || o.State != operation.Succeeded {
		return nil
	}
	list := make([]apigen.StackChange, 0, len(o.Memo.Changes))
	for _, c := range o.Memo.Changes {
		list = append(list, apigen.StackChange{
			Action: apigen.StackChangeAction(c.Action), Resource: c.Resource, Type: c.Type,
			Replacement: orNil(apigen.StackChangeReplacement(c.Replacement)), Properties: c.Properties,
		})
	}
	return &list
}

// startedUpgrade answers 202 with bytes that are the same each time the request is repeated.
type startedUpgrade []byte

// VisitStartUpgradeResponse writes the answer.
func (s startedUpgrade) VisitStartUpgradeResponse(w http.ResponseWriter) error {
	var body apigen.Upgrade
	if err := json.Unmarshal(s, &body); err != nil {
		return fmt.Errorf("read a remembered answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/upgrades/"+body.Id)
	w.WriteHeader(http.StatusAccepted)
	_, err := w.Write(s)
	return err
}

// VisitUpgradeTenantResponse writes the answer.
func (s started) VisitUpgradeTenantResponse(w http.ResponseWriter) error { return s.visit(w) }
