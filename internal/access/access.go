// Package access says who calls, what they may do, and how it is written down.
package access

import (
	"strings"

	"github.com/earshot-hq/earshot/internal/fault"
)

// Role is what an admin may do.
type Role string

// The roles of admins, and System, which is the product itself: the worker on behalf of an operation.
const (
	Owner    Role = "owner"
	Operator Role = "operator"
	Auditor  Role = "auditor"
	System   Role = "system"
)

var (
	// ErrUnauthenticated is answered to a caller whom we do not know.
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "access.unauthenticated",
		"Send a valid bearer token of the admins' sign-in in the Authorization header.")
	// ErrForbidden is answered to a caller whose role does not allow the action.
	ErrForbidden = fault.New(fault.Forbidden, "access.forbidden", "Your role does not allow this.")
	// ErrScope is answered to a caller whose role allows an action that is for those who reach every tenant.
	ErrScope = fault.New(fault.Forbidden, "access.scope_too_narrow", "This is for those who reach every tenant; you reach some.")
)

// Scope says which tenants an actor reaches: all, or those listed by id. The zero value reaches none.
type Scope struct {
	All       bool
	TenantIDs []string
}

// An Actor is whoever causes a change: an admin, or an operation of the product.
type Actor struct {
	Subject string // the token's subject, or "operation:<id>"
	Name    string // for people: an e-mail address
	Role    Role
	Scope   Scope
	Origin  Origin
}

// Origin is the request by which an actor acts; the zero value where there is none.
type Origin struct {
	Address   string // of the network
	RequestID string
}

// KeySubject is what the subject of an API key begins with; its id follows.
const KeySubject = "key:"

// isKey reports whether the actor came with an API key.
func (a Actor) isKey() bool { return strings.HasPrefix(a.Subject, KeySubject) }

// ForTenant is the actor of a job, which always has exactly one tenant.
func ForTenant(subject, tenantID string) Actor {
	return Actor{Subject: subject, Name: subject, Role: System, Scope: Scope{TenantIDs: []string{tenantID}}}
}
