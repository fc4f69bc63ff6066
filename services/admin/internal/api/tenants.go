package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// CreateTenant onboards a tenant.
func (a *API) CreateTenant(ctx context.Context, r apigen.CreateTenantRequestObject) (apigen.CreateTenantResponseObject, error) {
	draft, err := draftFrom(*r.Body).Check()
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartOnboard(ctx, caller.actor, draft, caller.write()))
}

// ListTenants lists tenants.
func (a *API) ListTenants(ctx context.Context, r apigen.ListTenantsRequestObject) (apigen.ListTenantsResponseObject, error) {
	p := r.Params
	list, next, err := a.Directory.Tenants(ctx, callOf(ctx).actor, tenant.Page{
		Query: orZero(p.Q), State: tenant.State(orZero(p.State)), Cell: orZero(p.Cell),
		Artifacts: orZero(p.ArtifactVersion), Condition: tenant.Condition(orZero(p.Health)), Limit: orZero(p.Limit), Cursor: orZero(p.Cursor),
	})
	if err != nil {
		return nil, err
	}
	page := apigen.ListTenants200JSONResponse{Items: make([]apigen.Tenant, 0, len(list)), NextCursor: orNil(next)}
	now := time.Now()
	for _, t := range list {
		item := tenantTo(t)
		item.Health, item.CallsToday = snapshotTo(t.Snapshot, now)
		page.Items = append(page.Items, item)
	}
	return page, nil
}

// GetTenant shows a tenant.
func (a *API) GetTenant(ctx context.Context, r apigen.GetTenantRequestObject) (apigen.GetTenantResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	tag := tagOf(t.Version)
	if has := orZero(r.Params.IfNoneMatch); has == "*" || strings.Contains(has, tag) {
		return apigen.GetTenant304Response{Headers: apigen.GetTenant304ResponseHeaders{ETag: tag}}, nil
	}
	return apigen.GetTenant200JSONResponse{Body: tenantTo(t), Headers: apigen.GetTenant200ResponseHeaders{ETag: tag}}, nil
}

// DeleteTenant off-boards a tenant.
func (a *API) DeleteTenant(ctx context.Context, r apigen.DeleteTenantRequestObject) (apigen.DeleteTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	if orZero(r.Params.Confirm) != r.Slug {
		return nil, tenant.ErrConfirm.At("/query/confirm")
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartOffboard(ctx, caller.actor, name, operation.DataPolicy(r.Params.Data), caller.write()))
}

// RetryTenant tries a failed operation again.
func (a *API) RetryTenant(ctx context.Context, r apigen.RetryTenantRequestObject) (apigen.RetryTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartRetry(ctx, caller.actor, name, caller.write()))
}

// ReplayTenant brings a tenant's documents back from its archive.
func (a *API) ReplayTenant(ctx context.Context, r apigen.ReplayTenantRequestObject) (apigen.ReplayTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	span, err := spanFrom(*r.Body).Check(time.Now())
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartReplay(ctx, caller.actor, name, span, caller.write()))
}

// RedriveTenant sends a tenant's dead letters back to its queue.
func (a *API) RedriveTenant(ctx context.Context, r apigen.RedriveTenantRequestObject) (apigen.RedriveTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartRedrive(ctx, caller.actor, name, caller.write()))
}

// SuspendTenant has a tenant's API refuse what is sent.
func (a *API) SuspendTenant(ctx context.Context, r apigen.SuspendTenantRequestObject) (apigen.SuspendTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartSuspend(ctx, caller.actor, name, caller.write()))
}

// ResumeTenant has a suspended tenant's API accept again.
func (a *API) ResumeTenant(ctx context.Context, r apigen.ResumeTenantRequestObject) (apigen.ResumeTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return answer(a.Starter.StartResume(ctx, caller.actor, name, caller.write()))
}

// slugOf reads the slug of a path. What cannot be one names no tenant.
func slugOf(path string) (slug.Slug, error) {
	name, err := slug.Parse(path)
	if err != nil {
		return "", tenant.ErrNotFound
	}
	return name, nil
}

// tenantAt returns the tenant of a path that is within the caller's reach.
func (a *API) tenantAt(ctx context.Context, path string) (tenant.Tenant, error) {
	name, err := slugOf(path)
	if err != nil {
		return tenant.Tenant{}, err
	}
	return a.Directory.Tenant(ctx, callOf(ctx).actor, name)
}

// started answers 202 with bytes that are the same each time the request is repeated.
type started []byte

// renderStarted writes the answer that is remembered with the idempotency key.
func renderStarted(s operation.Started) ([]byte, error) {
	return json.Marshal(apigen.Started{Tenant: tenantTo(s.Tenant), Operation: operationTo(s.Operation)})
}

func answer(s operation.Started, err error) (started, error) {
	if err != nil || s.Replay != nil {
		return s.Replay, err
	}
	return renderStarted(s)
}

func locationOf(operationID string) string { return "/v1/operations/" + operationID }

func (s started) visit(w http.ResponseWriter) error {
	var body apigen.Started
	if err := json.Unmarshal(s, &body); err != nil {
		return fmt.Errorf("read a remembered answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", locationOf(body.Operation.Id))
	w.WriteHeader(http.StatusAccepted)
	_, err := w.Write(s)
	return err
}

// VisitCreateTenantResponse implements the generated interface, and so do those below.
func (s started) VisitCreateTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitDeleteTenantResponse writes the answer.
func (s started) VisitDeleteTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitRetryTenantResponse writes the answer.
func (s started) VisitRetryTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitReplayTenantResponse writes the answer.
func (s started) VisitReplayTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitRedriveTenantResponse writes the answer.
func (s started) VisitRedriveTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitSuspendTenantResponse writes the answer.
func (s started) VisitSuspendTenantResponse(w http.ResponseWriter) error { return s.visit(w) }

// VisitResumeTenantResponse writes the answer.
func (s started) VisitResumeTenantResponse(w http.ResponseWriter) error { return s.visit(w) }
