package tenant

import (
	"context"
	"time"
)

// A SetupState says whether something is set up in a customer's account.
type SetupState string

// The states. Unknown says that nobody could look.
const (
	SetupDone    SetupState = "done"
	SetupNotDone SetupState = "not_done"
	SetupUnknown SetupState = "unknown"
)

// The things that a contact centre's own administrator sets up for Earshot.
const (
	SetupDirectoryRole  = "directory_role"
	SetupApprovedOrigin = "approved_origin"
	SetupCCP            = "ccp_url"
)

// A SetupItem is one of these things, as it was found.
type SetupItem struct {
	Item   string
	State  SetupState
	Detail string
	Advice string // for whoever can change it; empty: nothing
}

// Setup is what a live look at a Connect instance has found.
type Setup struct {
	At    time.Time
	Items []SetupItem
}

// Setups looks at what customers have set up.
type Setups interface {
	// Setup answers within a few seconds; what it could not look at is SetupUnknown.
	Setup(ctx context.Context, t Tenant, c ConnectInstance) Setup
}
