package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// UpdateTenant changes a tenant.
func (a *API) UpdateTenant(ctx context.Context, r apigen.UpdateTenantRequestObject) (apigen.UpdateTenantResponseObject, error) {
	name, err := slugOf(r.Slug)
	if err != nil {
		return nil, err
	}
	seen, err := versionsOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	return a.update(ctx, name, changeFrom(*r.Body), seen, func(t tenant.Tenant) (any, error) { return tenantTo(t), nil })
}

// update asks for a change; show is what the answer holds where no operation is needed.
func (a *API) update(
	ctx context.Context, name slug.Slug, change tenant.Change, seen []int64, show func(tenant.Tenant) (any, error),
) (updated, error) {
	caller := callOf(ctx)
	w := caller.write()
	w.Render = func(s operation.Started) ([]byte, error) { return renderUpdated(s, show) }
	s, err := a.Starter.StartUpdate(ctx, caller.actor, name, change, seen, w)
	if err != nil || s.Replay != nil {
		return s.Replay, err
	}
	return w.Render(s)
}

// tagOf is the ETag of a version.
func tagOf(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// versionsOf reads the If-Match that a change needs: nil stands for any version. A tag that is not one of ours, weak ones included,
// matches none (RFC 9110 §13.1.1).
func versionsOf(header *string) ([]int64, error) {
	match := strings.TrimSpace(orZero(header))
	switch match {
	case "":
		return nil, problem.ErrNoMatch.At("/header/If-Match")
	case "*":
		return nil, nil
	}
	versions := []int64{}
	for tag := range strings.SplitSeq(match, ",") {
		tag = strings.TrimSpace(tag)
		version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		if err == nil && tag == tagOf(version) {
			versions = append(versions, version)
		}
	}
	return versions, nil
}

// updated answers a change with bytes that are the same each time the request is repeated.
type updated []byte

// updatedAnswer is what is remembered of such an answer.
type updatedAnswer struct {
	ETag     string          `json:"etag"`
	Location string          `json:"location,omitempty"` // of the operation; empty: none was needed
	Body     json.RawMessage `json:"body"`
}

// renderUpdated writes the answer that is remembered; show is what it holds where no operation was needed.
func renderUpdated(s operation.Started, show func(tenant.Tenant) (any, error)) (text []byte, err error) {
	answer := updatedAnswer{ETag: tagOf(s.Tenant.Version)}
	if s.Operation.ID == "" {
		var shown any
		if shown, err = show(s.Tenant); err == nil {
			answer.Body, err = json.Marshal(shown)
		}
	} else {
		answer.Location = locationOf(s.Operation.ID)
		answer.Body, err = renderStarted(s)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// VisitUpdateTenantResponse implements the generated interface.
func (u updated) VisitUpdateTenantResponse(w http.ResponseWriter) error { return u.visit(w) }

func (u updated) visit(w http.ResponseWriter) error {
	var answer updatedAnswer
	if err := json.Unmarshal(u, &answer); err != nil {
		return fmt.Errorf("read a remembered answer: %w", err)
	}
	h, status := w.Header(), http.StatusOK
	h.Set("Content-Type", "application/json")
	if answer.Location != "" {
		h.Set("Location", answer.Location)
		status = http.StatusAccepted
	} else {
		h.Set("ETag", answer.ETag)
	}
	w.WriteHeader(status)
	_, err := w.Write(answer.Body)
	return err
}
