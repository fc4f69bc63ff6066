// Package access says who calls, what they may do, and how it is written down.
package access

import (
	"slices"

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

// Action is one thing that an actor may be allowed to do.
type Action string

// The actions.
const (
	ReadCaller     Action = "caller.read" // oneself
	ReadTenants    Action = "tenants.read"
	ChangeTenants  Action = "tenants.change"
	ReadManagers   Action = "managers.read"
	ChangeManagers Action = "managers.change"
	ReadAudit      Action = "audit.read"
)

var allowed = map[Role][]Action{
	Owner:    {ReadCaller, ChangeTenants, ReadTenants, ChangeManagers, ReadManagers, ReadAudit},
	Operator: {ReadCaller, ChangeTenants, ReadTenants, ChangeManagers, ReadManagers, ReadAudit},
	Auditor:  {ReadCaller, ReadTenants, ReadManagers, ReadAudit},
	System:   {ChangeTenants, ReadTenants},
}

var (
	// ErrUnauthenticated is answered to a caller whom we do not know.
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "access.unauthenticated",
		"Send a valid bearer token of the admins' sign-in in the Authorization header.")
	// ErrForbidden is answered to a caller whose role does not allow the action.
	ErrForbidden = fault.New(fault.Forbidden, "access.forbidden", "Your role does not allow this.")
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

// ForTenant is the actor of a job, which always has exactly one tenant.
func ForTenant(subject, tenantID string) Actor {
	return Actor{Subject: subject, Name: subject, Role: System, Scope: Scope{TenantIDs: []string{tenantID}}}
}

// May returns ErrForbidden unless the actor's role allows the action.
func (a Actor) May(action Action) error {
	if !slices.Contains(allowed[a.Role], action) {
		return ErrForbidden
	}
	return nil
}

// Rights returns the actions that the actor's role allows, sorted.
func (a Actor) Rights() []Action {
	return slices.Sorted(slices.Values(allowed[a.Role]))
}
