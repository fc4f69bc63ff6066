package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// recognise returns who sends a request: by an API key, or by a token of the admins' sign-in.
func (a *API) recognise(c *gin.Context) (access.Actor, error) {
	token := bearer(c.Request)
	if access.IsSecret(token) {
		return a.Keys.KeyActor(c.Request.Context(), access.Secret(token))
	}
	actor, err := a.Verifier.Verify(c.Request.Context(), token)
	if err != nil {
		return access.Actor{}, err
	}
	if a.seen.lately(actor) {
		return actor, nil
	}
	if err := a.Keys.Seen(c.Request.Context(), actor); err != nil {
		return access.Actor{}, err
	}
	a.seen.note(actor)
	return actor, nil
}

// sightings remembers who was found to be enabled a moment ago, so that not every request writes a row.
type sightings struct {
	mu   sync.Mutex
	last map[string]time.Time // by subject, role and scope
}

const (
	sightingLasts = 10 * time.Second
	mostSightings = 10_000
)

func sightingOf(actor access.Actor) string {
	return fmt.Sprintf("%q %s %v", actor.Subject, actor.Role, actor.Scope)
}

func (s *sightings) lately(actor access.Actor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last[sightingOf(actor)]) < sightingLasts
}

func (s *sightings) note(actor access.Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || len(s.last) >= mostSightings {
		s.last = map[string]time.Time{}
	}
	s.last[sightingOf(actor)] = time.Now()
}

// forget makes the next request of everybody ask again.
func (s *sightings) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = nil
}

// AddAPIKey makes an API key.
func (a *API) AddAPIKey(ctx context.Context, r apigen.AddAPIKeyRequestObject) (apigen.AddAPIKeyResponseObject, error) {
	const usualDays = 90
	draft := access.KeyDraft{Name: r.Body.Name, Role: access.Role(r.Body.Role), Tenants: orZero(r.Body.Tenants), Days: usualDays}
	if r.Body.ExpiresInDays != nil {
		draft.Days = *r.Body.ExpiresInDays
	}
	key, secret, err := a.Keys.AddKey(ctx, callOf(ctx).actor, draft)
	if err != nil {
		return nil, err
	}
	return apigen.AddAPIKey201JSONResponse{APIKeySecretJSONResponse: apigen.APIKeySecretJSONResponse{Key: keyTo(key), Secret: string(secret)}}, nil
}

// RotateAPIKey gives an API key a new secret.
func (a *API) RotateAPIKey(ctx context.Context, r apigen.RotateAPIKeyRequestObject) (apigen.RotateAPIKeyResponseObject, error) {
	overlap := 24
	if r.Body.OverlapHours != nil {
		overlap = *r.Body.OverlapHours
	}
	key, secret, err := a.Keys.RotateKey(ctx, callOf(ctx).actor, r.Id, overlap)
	if err != nil {
		return nil, err
	}
	return apigen.RotateAPIKey200JSONResponse{APIKeySecretJSONResponse: apigen.APIKeySecretJSONResponse{Key: keyTo(key), Secret: string(secret)}}, nil
}

// DeleteAPIKey ends an API key.
func (a *API) DeleteAPIKey(ctx context.Context, r apigen.DeleteAPIKeyRequestObject) (apigen.DeleteAPIKeyResponseObject, error) {
	if err := a.Keys.RevokeKey(ctx, callOf(ctx).actor, r.Id); err != nil {
		return nil, err
	}
	return apigen.DeleteAPIKey204Response{}, nil
}

// ListAPIKeys lists API keys.
func (a *API) ListAPIKeys(ctx context.Context, _ apigen.ListAPIKeysRequestObject) (apigen.ListAPIKeysResponseObject, error) {
	keys, err := a.Keys.ListKeys(ctx, callOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	list := apigen.ListAPIKeys200JSONResponse{Items: make([]apigen.APIKey, 0, len(keys))}
	for _, k := range keys {
		list.Items = append(list.Items, keyTo(k))
	}
	return list, nil
}

// ListAdmins lists who has signed in.
func (a *API) ListAdmins(ctx context.Context, _ apigen.ListAdminsRequestObject) (apigen.ListAdminsResponseObject, error) {
	admins, err := a.Keys.Admins(ctx, callOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	list := apigen.ListAdmins200JSONResponse{Items: make([]apigen.Admin, 0, len(admins))}
	for _, one := range admins {
		list.Items = append(list.Items, apigen.Admin{
			Subject: one.Subject, Name: orNil(one.Name), Role: apigen.APIKeyRole(one.Role), SeenAt: one.SeenAt, DisabledAt: orNil(one.DisabledAt),
		})
	}
	return list, nil
}

// DisableAdmin stops an admin's sign-in and keys.
func (a *API) DisableAdmin(ctx context.Context, r apigen.DisableAdminRequestObject) (apigen.DisableAdminResponseObject, error) {
	if err := a.Keys.SetDisabled(ctx, callOf(ctx).actor, r.Subject, true); err != nil {
		return nil, err
	}
	a.seen.forget()
	return apigen.DisableAdmin204Response{}, nil
}

// EnableAdmin undoes DisableAdmin.
func (a *API) EnableAdmin(ctx context.Context, r apigen.EnableAdminRequestObject) (apigen.EnableAdminResponseObject, error) {
	if err := a.Keys.SetDisabled(ctx, callOf(ctx).actor, r.Subject, false); err != nil {
		return nil, err
	}
	return apigen.EnableAdmin204Response{}, nil
}

func keyTo(k access.Key) apigen.APIKey {
	out := apigen.APIKey{
		Id: k.ID, Name: k.Name, Prefix: k.Prefix, Role: apigen.APIKeyRole(k.Role), MadeBy: k.MadeBy, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt,
		LastUsedAt: orNil(k.LastUsedAt), PreviousUntil: orNil(k.PreviousUntil),
	}
	out.Scope.All, out.Scope.TenantIds = k.Scope.All, listed(k.Scope.TenantIDs)
	return out
}
