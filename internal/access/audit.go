package access

import (
	"context"
	"encoding/json"
	"time"
)

// Outcome is what became of what somebody asked for.
type Outcome string

// What was done, and what was refused.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// An AuditEvent records who did what. That of a change is written in the transaction of the change, and no event is ever
// changed.
type AuditEvent struct {
	ID       int64
	At       time.Time
	Actor    Actor // without its scope
	Action   string
	Outcome  Outcome
	Code     string          // why it was refused
	TenantID string          // empty: about no tenant that the actor reaches
	Tenant   string          // its slug
	Target   string          // what the actor named, as a path of the API without its version
	Before   json.RawMessage // the members that differ; nil: there was nothing before
	After    json.RawMessage
	Detail   json.RawMessage
}

// A Refusal is a try that was refused. What was sent with it is not kept.
type Refusal struct {
	Action string
	Target string
	Tenant string // a slug, as the actor wrote it; empty: it is about none
	Code   string
}

// AuditFilter asks for part of the events. Its zero value asks for the first page of all.
type AuditFilter struct {
	Actor   string // subject or name
	Action  string
	Tenant  string // a slug
	Outcome Outcome
	From    time.Time // the first instant
	To      time.Time // the first instant that is not asked for
	Limit   int
	Cursor  string
}

// A Ledger keeps audit events. It shows those of tenants within the actor's scope; those about no tenant are for whoever reaches
// all.
type Ledger interface {
	// Refuse writes down a refused try. The actor is who tried.
	Refuse(ctx context.Context, actor Actor, r Refusal) error
	// AuditEvents returns a page, newest first, and the cursor of the next, empty at the end.
	AuditEvents(ctx context.Context, actor Actor, f AuditFilter) ([]AuditEvent, string, error)
}
