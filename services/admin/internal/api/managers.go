package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// ListManagers lists a tenant's managers.
func (a *API) ListManagers(ctx context.Context, r apigen.ListManagersRequestObject) (apigen.ListManagersResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	found, err := a.Managers.Managers(ctx, t)
	if err != nil {
		return nil, err
	}
	list := apigen.ListManagers200JSONResponse{Items: make([]apigen.Manager, 0, len(found))}
	for _, m := range found {
		list.Items = append(list.Items, managerTo(m))
	}
	return list, nil
}

// InviteManager invites somebody.
func (a *API) InviteManager(ctx context.Context, r apigen.InviteManagerRequestObject) (apigen.InviteManagerResponseObject, error) {
	address, err := tenant.ParseAddress(r.Body.Email)
	if err != nil {
		return nil, tenant.ErrEmail.At("/email")
	}
	invitation := tenant.Invitation{Address: address, Group: tenant.Viewers}
	if r.Body.Group != nil {
		invitation.Group = tenant.ManagerGroup(*r.Body.Group)
	}
	answer, err := a.keep(ctx, r.Slug, "managers.invite", func(ctx context.Context, t tenant.Tenant) (tenant.Manager, error) {
		return a.Managers.Invite(ctx, t, invitation)
	})
	return kept{http.StatusCreated, answer}, err
}

// UpdateManager changes one.
func (a *API) UpdateManager(ctx context.Context, r apigen.UpdateManagerRequestObject) (apigen.UpdateManagerResponseObject, error) {
	change := tenant.ManagerChange{Enabled: r.Body.Enabled, Group: (*tenant.ManagerGroup)(r.Body.Group)}
	answer, err := a.keepAt(ctx, r.Slug, r.Email, "managers.change", func(ctx context.Context, t tenant.Tenant, key string) (tenant.Manager, error) {
		return a.Managers.ChangeManager(ctx, t, key, change)
	})
	return kept{http.StatusOK, answer}, err
}

// RemoveManager removes one.
func (a *API) RemoveManager(ctx context.Context, r apigen.RemoveManagerRequestObject) (apigen.RemoveManagerResponseObject, error) {
	_, err := a.keepAt(ctx, r.Slug, r.Email, "managers.remove", a.Managers.RemoveManager)
	return apigen.RemoveManager204Response{}, err
}

// keepAt is keep for the manager whom a path names. What cannot be an address is nobody's.
func (a *API) keepAt(
	ctx context.Context, path, email, action string, do func(context.Context, tenant.Tenant, string) (tenant.Manager, error),
) ([]byte, error) {
	return a.keep(ctx, path, action, func(ctx context.Context, t tenant.Tenant) (tenant.Manager, error) {
		address, err := tenant.ParseAddress(email)
		if err != nil {
			return tenant.Manager{}, tenant.ErrManagerUnknown
		}
		return do(ctx, t, address.Key)
	})
}

// keep does something to a manager, once for its key, and writes it down. The audit has the person's id: their name is gone when
// they are.
func (a *API) keep(ctx context.Context, path, action string, do func(context.Context, tenant.Tenant) (tenant.Manager, error)) ([]byte, error) {
	name, err := slugOf(path)
	if err != nil {
		return nil, err
	}
	caller := callOf(ctx)
	return a.Recorder.Record(ctx, caller.actor, name, action, caller.write(), func(ctx context.Context, t tenant.Tenant) (operation.Deed, error) {
		m, err := do(ctx, t)
		if err != nil {
			return operation.Deed{}, err
		}
		answer, err := json.Marshal(managerTo(m))
		return operation.Deed{
			Answer: answer, Target: "managers/" + m.ID,
			Detail: map[string]any{"group": m.Group, "enabled": m.Enabled},
		}, err
	})
}

func managerTo(m tenant.Manager) apigen.Manager {
	return apigen.Manager{
		Id: m.ID, Email: m.Email, Group: (*apigen.ManagerGroup)(orNil(m.Group)), Enabled: m.Enabled,
		Status: apigen.ManagerStatus(m.Status), InvitedAt: m.InvitedAt,
	}
}

// kept answers with bytes that are the same each time the request is repeated.
type kept struct {
	status int
	body   []byte
}

func (k kept) visit(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(k.status)
	if _, err := w.Write(k.body); err != nil {
		return fmt.Errorf("write a manager: %w", err)
	}
	return nil
}

// VisitInviteManagerResponse implements the generated interface.
func (k kept) VisitInviteManagerResponse(w http.ResponseWriter) error { return k.visit(w) }

// VisitUpdateManagerResponse writes the answer.
func (k kept) VisitUpdateManagerResponse(w http.ResponseWriter) error { return k.visit(w) }
