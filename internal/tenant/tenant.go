// Package tenant holds what a tenant, its Connect instances and its cell are, and which of them are valid.
package tenant

import (
	"context"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
)

// State is where a tenant is in its life.
type State string

// The states: pending → provisioning → active ⇄ updating, active ⇄ suspended, any → deleting → deleted;
// failed is any state's broken operation, which may be retried or followed by an off-boarding.
const (
	Pending      State = "pending"
	Provisioning State = "provisioning"
	Active       State = "active"
	Updating     State = "updating"
	Suspended    State = "suspended"
	Failed       State = "failed"
	Deleting     State = "deleting"
	Deleted      State = "deleted"
)

// KeepsDocuments reports whether a tenant in the state has documents that retention bounds. What an off-boarding retains stays
// until it is purged.
func (s State) KeepsDocuments() bool { return slices.Contains(KeepingDocuments, s) }

// KeepingDocuments are the states in which a tenant has documents that retention bounds.
var KeepingDocuments = []State{Active, Updating, Suspended, Failed}

// Isolation says where a tenant's telemetry lives.
type Isolation string

// Pooled tenants share their cell's search domain; a dedicated tenant's stack has one of its own.
const (
	Pooled    Isolation = "pooled"
	Dedicated Isolation = "dedicated"
)

// A Tenant is one customer of the operator.
type Tenant struct {
	ID               string // UUID
	Slug             slug.Slug
	DisplayName      string
	State            State
	Isolation        Isolation
	Cell             string
	ExternalID       string // made by us, shown to the customer, never chosen by a caller
	ConnectInstances []ConnectInstance
	Settings         Settings
	Stack            Stack
	URLs             URLs
	ActiveOperation  string // id of the running or queued operation, or empty
	DataRetained     bool   // off-boarded with data=retain: the slug is still held
	Version          int64  // grows with each change; the ETag
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Snapshot         *Snapshot // how it did when the worker looked last; in lists only, of tenants that keep documents
}

// A ConnectInstance is an Amazon Connect instance of the tenant, in the customer's own AWS account.
type ConnectInstance struct {
	Alias            string `json:"alias"`
	ARN              string `json:"arn"`
	Region           string `json:"region"`
	CCPURL           string `json:"ccp_url"`
	SAMLURL          string `json:"saml_url,omitempty"`           // optional
	DirectoryRoleARN string `json:"directory_role_arn,omitempty"` // optional: set once the customer has made the role
}

// Stack is the tenant's CloudFormation stack; its members are empty before it is created.
type Stack struct {
	Name            string
	ID              string
	ArtifactVersion string
}

// URLs are what an admin hands out; empty until the stack has them.
type URLs struct {
	Softphone     string
	TelemetryAPI  string
	Space         string
	ManagerSignIn string
}

// A Cell is where tenants live: an AWS account and region, and what they share there.
type Cell struct {
	Name       string
	Region     string
	StackName  string // the cell's own CloudFormation stack; its outputs are parameters of the tenants' stacks
	RoleARN    string // the role that the worker assumes; empty: the worker's own identity
	ExternalID string
	MaxTenants int
	Tenants    int  // those that hold a place
	MaxShards  int  // of its search; 0: no limit of its own
	Shards     int  // what the indices of its pooled tenants may come to
	Draining   bool // no new tenant is placed in it
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// A Page asks for part of a list.
type Page struct {
	Query     string    // substring of slug or display name; empty: all
	State     State     // empty: all
	Cell      string    // empty: all
	Artifacts string    // version of the stack; empty: all
	Condition Condition // when the worker looked last; empty: all
	Limit     int       // 1 to 200
	Cursor    string    // from the page before; empty: the first
}

// Directory reads tenants. Every method sees only what the actor's scope reaches: another tenant is ErrNotFound,
// never a hint that it exists.
type Directory interface {
	// Tenant returns the tenant that holds the slug.
	Tenant(ctx context.Context, actor access.Actor, s slug.Slug) (Tenant, error)
	// Tenants returns a page in slug order and the cursor of the next, empty at the end. A cursor that we did not
	// make is ErrCursor.
	Tenants(ctx context.Context, actor access.Actor, page Page) ([]Tenant, string, error)
}

// The faults of tenants.
var (
	ErrNotFound      = fault.New(fault.NotFound, "tenant.not_found", "There is no such tenant.")
	ErrCursor        = fault.New(fault.Invalid, "list.cursor_invalid", "Use the next_cursor of the page before, or none.")
	ErrSlugTaken     = fault.New(fault.Conflict, "tenant.slug_taken", "Another tenant has this slug, or its retained data does.")
	ErrARNTaken      = fault.New(fault.Conflict, "connect_instance.arn_taken", "Another tenant has this Connect instance.")
	ErrCellUnknown   = fault.New(fault.Invalid, "cell.unknown", "There is no cell of this name; leave cell out to be placed.")
	ErrCellFull      = fault.New(fault.Conflict, "cell.full", "The cell holds as many tenants as it may; choose another, or add one.")
	ErrCellDraining  = fault.New(fault.Conflict, "cell.draining", "The cell takes no new tenants; choose another, or leave cell out to be placed.")
	ErrNoCell        = fault.New(fault.Conflict, "cell.none_free", "No cell has room for another tenant; add a cell.")
	ErrProtected     = fault.New(fault.Conflict, "tenant.delete_protected", "Delete protection is on; switch it off in settings.delete_protection first.")
	ErrRetained      = fault.New(fault.Conflict, "tenant.data_retained", "The tenant is off-boarded and its data retained; send data=delete to delete that too.")
	ErrNotActive     = fault.New(fault.Conflict, "tenant.not_active", "The tenant is not active.")
	ErrNotSuspended  = fault.New(fault.Conflict, "tenant.not_suspended", "The tenant is not suspended.")
	ErrConfirm       = fault.New(fault.Invalid, "tenant.confirm_mismatch", "Send confirm= with the tenant's slug.")
	ErrNotConnectARN = fault.New(fault.Invalid, "connect_instance.arn_invalid",
		"Send the instance's ARN: arn:aws:connect:<region>:<account>:instance/<id>.")
)
