package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// audited is what an audit event says besides who, from where and when.
type audited struct {
	tenantID      string // empty: about no tenant
	target        string
	action        string
	before, after map[string]any // the members that differ
	detail        map[string]any
}

// audited returns the event of a start, after which the tenant is as now says.
func (s starting) audited(now tenant.Tenant) audited {
	e := audited{tenantID: s.tenantID, target: targetOf(now), action: s.action, detail: s.detail}
	if s.wanted != nil {
		now = *s.wanted
	}
	e.before, e.after = differences(s.before, now)
	return e
}

func targetOf(t tenant.Tenant) string { return "tenants/" + t.Slug.String() }

// differences returns the members of a tenant that a change changes. None of them holds a secret.
func differences(before *tenant.Tenant, after tenant.Tenant) (was, is map[string]any) {
	is = membersOf(after)
	if before == nil {
		return nil, is
	}
	was = membersOf(*before)
	for name, value := range was {
		if reflect.DeepEqual(value, is[name]) {
			delete(was, name)
			delete(is, name)
		}
	}
	return was, is
}

func membersOf(t tenant.Tenant) map[string]any {
	members := map[string]any{
		"state": t.State, "cell": t.Cell, "isolation": t.Isolation, "artifact_version": t.Stack.ArtifactVersion, "data_retained": t.DataRetained,
	}
	for _, m := range tenant.Members() {
		members[m.Name] = m.Of(t)
	}
	return members
}

// audit writes an event in the name of the transaction's actor.
func (t tx) audit(ctx context.Context, e audited) error {
	params := dbsqlc.AddAuditEventParams{
		Actor: t.actor.Subject, Name: t.actor.Name, Role: string(t.actor.Role), Source: t.actor.Origin.Address,
		RequestID: t.actor.Origin.RequestID, Action: e.action, Target: e.target,
	}
	if e.tenantID != "" {
		params.TenantID = &e.tenantID
	}
	if e.detail == nil {
		e.detail = map[string]any{}
	}
	for _, part := range []struct {
		to   *[]byte
		from map[string]any
	}{{&params.Before, e.before}, {&params.After, e.after}, {&params.Detail, e.detail}} {
		if part.from == nil {
			continue
		}
		text, err := json.Marshal(part.from)
		if err != nil {
			return fmt.Errorf("write audit event: %w", err)
		}
		*part.to = text
	}
	return t.AddAuditEvent(ctx, params)
}

// Refuse implements access.Ledger.
func (db *DB) Refuse(ctx context.Context, actor access.Actor, r access.Refusal) error {
	return db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		return t.AddRefusal(ctx, dbsqlc.AddRefusalParams{
			Slug: plain(r.Tenant), Actor: actor.Subject, Name: actor.Name, Role: string(actor.Role), Source: actor.Origin.Address,
			RequestID: actor.Origin.RequestID, Action: r.Action, Target: cut(plain(r.Target), maxTarget), Code: r.Code,
		})
	})
}

// maxTarget is the longest target that the table takes, in characters.
const maxTarget = 300

func cut(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most])
	}
	return text
}

// auditPlace is where a page of audit events ends.
type auditPlace struct {
	At time.Time `json:"a"`
	ID int64     `json:"i"`
}

// AuditEvents implements access.Ledger.
func (db *DB) AuditEvents(ctx context.Context, actor access.Actor, f access.AuditFilter) (list []access.AuditEvent, next string, err error) {
	filter := []string{
		"audit", f.Actor, f.Action, f.Tenant, string(f.Outcome), f.From.UTC().Format(time.RFC3339Nano), f.To.UTC().Format(time.RFC3339Nano),
	}
	before, err := readCursor(f.Cursor, filter, auditPlace{})
	if err != nil || f.Cursor != "" && (before.At.IsZero() || before.ID <= 0) {
		return nil, "", tenant.ErrCursor
	}
	limit := pageSize(f.Limit)
	query := dbsqlc.AuditEventsBeforeParams{
		Actor: f.Actor, Action: f.Action, Slug: f.Tenant, Outcome: string(f.Outcome), Since: orNull(f.From), Until: orNull(f.To),
		BeforeAt: orNull(before.At), BeforeID: before.ID, AtMost: limit + 1,
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.AuditEventsBefore(ctx, query)
		if err != nil {
			return err
		}
		next = ""
		if len(rows) > int(limit) {
			rows = rows[:limit]
			last := rows[limit-1].AuditEvent
			next = writeCursor(filter, auditPlace{At: last.At, ID: last.ID})
		}
		list = make([]access.AuditEvent, 0, len(rows))
		for _, row := range rows {
			list = append(list, auditEventFrom(row))
		}
		return nil
	})
	return list, next, err
}

func auditEventFrom(row dbsqlc.AuditEventsBeforeRow) access.AuditEvent {
	a := row.AuditEvent
	e := access.AuditEvent{
		ID: a.ID, At: a.At.UTC(), Action: a.Action, Outcome: access.Outcome(a.Outcome), Code: a.Code, Tenant: row.Slug, Target: a.Target,
		Before: a.Before, After: a.After, Detail: a.Detail,
		Actor: access.Actor{
			Subject: a.Actor, Name: a.Name, Role: access.Role(a.Role), Origin: access.Origin{Address: a.Source, RequestID: a.RequestID},
		},
	}
	if a.TenantID != nil {
		e.TenantID = *a.TenantID
	}
	if e.Target == "" && row.Slug != "" { // written by a release that had no targets
		e.Target = "tenants/" + row.Slug
	}
	return e
}
