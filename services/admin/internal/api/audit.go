package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// noteRefusal writes down that somebody whom we know was refused a change, or something that the role does not allow. It must
// not be lost with a caller who does not wait. When it cannot be written, the request is refused all the same.
func (a *API) noteRefusal(c *gin.Context, p problem.Problem) {
	route := a.routes[c.Request.Method+" "+c.FullPath()]
	actor := callOf(c).actor
	refused := p.Status >= http.StatusBadRequest && p.Status < http.StatusInternalServerError && !isNoise(p.Status)
	if actor.Subject == "" || !refused || route.audit == "" && p.Status != http.StatusForbidden {
		return
	}
	refusal := access.Refusal{Action: route.audit, Target: targetOf(c), Tenant: c.Param("slug"), Code: p.Code}
	if refusal.Action == "" {
		refusal.Action = string(route.action)
	}
	if err := a.Ledger.Refuse(context.WithoutCancel(c.Request.Context()), actor, refusal); err != nil {
		a.Log.ErrorContext(c, "a refusal is missing in the audit", "action", refusal.Action,
			"subject", actor.Subject, "error", err)
	}
}

// targetOf is what the request names: its path without the version and the action, and of a tenant that is to be made its slug.
// A manager's address is left out: the audit keeps nobody's.
func targetOf(c *gin.Context) string {
	target := strings.TrimPrefix(c.Request.URL.Path, "/v1/")
	target, _, _ = strings.Cut(target, "/actions/")
	if tenant, _, isManager := strings.Cut(target, "/managers/"); isManager {
		target = tenant + "/managers"
	}
	if body, ok := c.Request.Body.(*readBody); ok && target == "tenants" {
		if members, ok := body.value.(map[string]any); ok {
			if name, ok := members["slug"].(string); ok {
				target += "/" + name
			}
		}
	}
	return target
}

// ListAuditEvents lists who did what: as a page, or all of it as lines of JSON.
func (a *API) ListAuditEvents(ctx context.Context, r apigen.ListAuditEventsRequestObject) (apigen.ListAuditEventsResponseObject, error) {
	p, caller := r.Params, callOf(ctx)
	filter := access.AuditFilter{
		Actor: orZero(p.Actor), Action: orZero(p.Action), Tenant: orZero(p.Tenant), Outcome: access.Outcome(orZero(p.Outcome)),
		From: orZero(p.From), To: orZero(p.To), Limit: orZero(p.Limit), Cursor: orZero(p.Cursor),
	}
	if caller.takes("application/x-ndjson") {
		filter.Limit = linesAtOnce
	}
	list, next, err := a.Ledger.AuditEvents(ctx, caller.actor, filter)
	if err != nil {
		return nil, err
	}
	if caller.takes("application/x-ndjson") {
		filter.Cursor = next
		return auditLines{api: a, ctx: ctx, actor: caller.actor, first: list, filter: filter}, nil
	}
	page := apigen.ListAuditEvents200JSONResponse{Items: make([]apigen.AuditEvent, 0, len(list)), NextCursor: orNil(next)}
	for _, e := range list {
		page.Items = append(page.Items, auditEventTo(e))
	}
	return page, nil
}

// linesAtOnce is how many events are read for an export at a time.
const linesAtOnce = 200

// auditLines writes all events that match, page after page.
type auditLines struct {
	api    *API
	ctx    context.Context // the generated code writes a response without one
	actor  access.Actor
	first  []access.AuditEvent
	filter access.AuditFilter // of the page after the first; an empty cursor: there is none
}

// VisitListAuditEventsResponse implements the generated interface. An export that breaks is cut off, so that nobody takes its
// part for all.
func (l auditLines) VisitListAuditEventsResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	if err := l.write(w); err != nil {
		if _, known := fault.As(err); l.ctx.Err() == nil || known {
			l.api.Log.WarnContext(l.ctx, "audit export broke", "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (l auditLines) write(w http.ResponseWriter) error {
	control, lines := http.NewResponseController(w), json.NewEncoder(w)
	for page := l.first; ; {
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		for _, e := range page {
			if err := lines.Encode(auditEventTo(e)); err != nil {
				return err
			}
		}
		if err := control.Flush(); err != nil || l.filter.Cursor == "" {
			return err
		}
		var err error
		if page, l.filter.Cursor, err = l.api.Ledger.AuditEvents(l.ctx, l.actor, l.filter); err != nil {
			return fmt.Errorf("read audit events: %w", err)
		}
	}
}

func auditEventTo(e access.AuditEvent) apigen.AuditEvent {
	out := apigen.AuditEvent{
		Id: e.ID, At: e.At, Action: e.Action, Outcome: apigen.AuditOutcome(e.Outcome), Code: orNil(e.Code), Target: e.Target,
		Tenant: orNil(e.Tenant), TenantId: orNil(e.TenantID), SourceAddress: orNil(e.Actor.Origin.Address),
		RequestId: orNil(e.Actor.Origin.RequestID), Before: e.Before, After: e.After, Detail: e.Detail,
	}
	out.Actor.Subject, out.Actor.Name, out.Actor.Role = e.Actor.Subject, orNil(e.Actor.Name), orNil(string(e.Actor.Role))
	return out
}
