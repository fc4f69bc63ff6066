package tenant

import (
	"context"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A SpaceFile is somebody's export of Dashboards, for a tenant's space.
type SpaceFile struct {
	Text      []byte
	Overwrite bool // objects that are there and are others
	Template  bool // the objects are the tenant's own templates from now on, in the place of those that were so before
}

// A SpaceImport says what became of each object of a file, by its key ("dashboard:wallboard").
type SpaceImport struct {
	Created   []string
	Updated   []string
	Unchanged []string
	Notes     []SpaceNote
}

// A SpaceNote says what is not as it was in the file.
type SpaceNote struct{ Object, Text string }

// Spaces takes objects into tenants' spaces, and out of them.
type Spaces interface {
	// ImportSpace writes the objects of a file into the tenant's space: all of them, or none. What cannot be taken is
	// ErrSpaceRefused, and what would overwrite something that it may not is ErrSpaceConflict; both name each object. Again it
	// changes nothing.
	ImportSpace(ctx context.Context, t Tenant, f SpaceFile) (SpaceImport, error)
	// ExportSpace returns the objects of the tenant's space, as Dashboards exports them and ImportSpace takes them.
	ExportSpace(ctx context.Context, t Tenant) ([]byte, error)
}

// The faults of spaces.
var (
	ErrSpaceRefused  = fault.New(fault.Invalid, "space.refused", "The file holds what the tenant's space cannot have, and nothing was written.")
	ErrSpaceConflict = fault.New(fault.Conflict, "space.conflict",
		"The space has other objects with these ids, and nothing was written. Send overwrite=true to replace them.")
	ErrNoSpace       = fault.New(fault.Conflict, "space.none", "The tenant has no space: its stack is not built yet, or is gone.")
	ErrSpaceTooLarge = fault.New(fault.Conflict, "space.too_large",
		"The space holds more than one answer can carry. Export its dashboards in Dashboards.")
)
