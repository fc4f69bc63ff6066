package tenant

import (
	"context"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A Manager is a person of the tenant who may see its space and its calls.
type Manager struct {
	ID        string // the subject of their tokens, which outlives a change of address
	Email     string // as it was first written
	Group     ManagerGroup
	Enabled   bool
	Status    ManagerStatus
	InvitedAt time.Time
}

// ManagerGroup says what a manager may do. Empty: the invitation broke off, and they may do nothing.
type ManagerGroup string

// The groups, by their names in the tenant's user pool.
const (
	Editors ManagerGroup = "managers" // may change the tenant's space
	Viewers ManagerGroup = "viewers"  // may see it
)

// ManagerStatus says how far a manager has come.
type ManagerStatus string

// The statuses: the temporary password was sent; it is too old to sign in with; they have chosen one of their own.
const (
	ManagerInvited ManagerStatus = "invited"
	ManagerExpired ManagerStatus = "expired"
	ManagerActive  ManagerStatus = "active"
)

// InvitationLasts is how long a temporary password is good for: TemporaryPasswordValidityDays of infra/tenant.yaml.
const InvitationLasts = 7 * 24 * time.Hour

// MostManagers is how many a tenant may have, so that their list is one answer.
const MostManagers = 500

// An Address is a manager's e-mail address: as it was written, for people, and as it is compared.
type Address struct{ Written, Key string }

// An Invitation is a manager whom somebody asks for.
type Invitation struct {
	Address Address
	Group   ManagerGroup
}

// A ManagerChange says what becomes of a manager. Nil members stay as they are.
type ManagerChange struct {
	Enabled *bool
	Group   *ManagerGroup
}

// Managers keeps the managers of tenants in their user pools. A tenant without a pool is ErrNoPool.
type Managers interface {
	// Managers lists all of them, by their addresses.
	Managers(ctx context.Context, t Tenant) ([]Manager, error)
	// Invite makes a manager and has a temporary password sent to them; again for one whose invitation has expired or broke off.
	// Any other who is there already is ErrManagerExists.
	Invite(ctx context.Context, t Tenant, i Invitation) (Manager, error)
	// ChangeManager changes a manager, who keeps no session that has more than is left to them.
	ChangeManager(ctx context.Context, t Tenant, key string, c ManagerChange) (Manager, error)
	// RemoveManager removes a manager, and returns who it was.
	RemoveManager(ctx context.Context, t Tenant, key string) (Manager, error)
}

// The faults of managers.
var (
	ErrManagerUnknown = fault.New(fault.NotFound, "manager.not_found", "The tenant has no manager with this address.")
	ErrManagerExists  = fault.New(fault.Conflict, "manager.exists", "The tenant has a manager with this address.")
	ErrTooManyPeople  = fault.New(fault.Conflict, "manager.too_many", "The tenant has as many managers as it may; remove one first.")
	ErrNoPool         = fault.New(fault.Conflict, "manager.no_pool", "The tenant has no user pool: its stack is not built yet, or is gone.")
	ErrEmail          = fault.New(fault.Invalid, "manager.email_invalid", "Send one e-mail address of at most 254 ASCII characters, such as nora.lind@example.com.")
)

const (
	maxAddress  = 254 // RFC 5321, section 4.5.3.1.3, without the angle brackets
	maxMailbox  = 64
	mailboxText = `[A-Za-z0-9!#$%&'*+=?^_{|}~-]+`
	labelText   = `[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`
)

// Quoted mailboxes and address literals are legal, and nobody has one: a list, a header or markup could hide in them.
var addressForm = form(`^(` + mailboxText + `(?:\.` + mailboxText + `)*)@((?:` + labelText + `\.)+[A-Za-z]` + `[A-Za-z0-9-]*[A-Za-z0-9])$`)

// ParseAddress reads an e-mail address, or returns ErrEmail. Blanks around it are nobody's.
func ParseAddress(text string) (Address, error) {
	written := strings.Trim(text, " ")
	parts := addressForm().FindStringSubmatch(written)
	if len(written) > maxAddress || parts == nil || len(parts[1]) > maxMailbox {
		return Address{}, ErrEmail
	}
	return Address{Written: written, Key: strings.ToLower(written)}, nil
}
