package telemetry

import (
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// An Arrival is what a pusher knows of a request besides its body.
type Arrival struct {
	Tenant     slug.Slug
	Pusher     string // the function's name within the tenant, such as "streamstats-pusher"
	ReceivedAt time.Time
	SourceIP   string // of the connection, never of a header
	Privacy    tenant.IPPrivacy
}

// A Batch is what became of a body.
type Batch struct {
	Envelope       Envelope // the good records
	Rejected       []Refusal
	DroppedMembers int // members that nobody knows, or whose value is of no use
	WithoutContact int // records of no known contact: kept, never summarised
}
