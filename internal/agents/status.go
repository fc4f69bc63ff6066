package agents

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A Status is what the last run for one Connect instance came to. It is kept beside the directory, which only a good run
// replaces. Its form is stable: health reads it.
type Status struct {
	V               int       `json:"v"`
	Alias           string    `json:"alias"`
	StartedAt       time.Time `json:"startedAt"`
	EndedAt         time.Time `json:"endedAt"`
	Agents          int       `json:"agents"`
	Groups          int       `json:"groups"`
	RoutingProfiles int       `json:"routingProfiles"`
	Requests        int       `json:"requests"`  // to Connect, those that were throttled too
	Throttled       int       `json:"throttled"` // of them
	Code            string    `json:"code"`      // of a fault of this package; empty: the run was good
	Detail          string    `json:"detail"`
}

// Marshal returns the status as it is stored.
func (s Status) Marshal() ([]byte, error) {
	s.V = Version
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write status: %w", err)
	}
	return text, nil
}

// ParseStatus reads what Marshal of this version wrote.
func ParseStatus(text []byte) (Status, error) {
	var s Status
	if err := json.Unmarshal(text, &s); err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if s.V != Version {
		return Status{}, fmt.Errorf("%w: %d", ErrVersion, s.V)
	}
	return s, nil
}

// The faults of a run. After each, the directory of the last good run stays.
var (
	ErrRoleRefused = fault.New(fault.Forbidden, "directory.role_refused",
		"The customer's role could not be assumed. Look at its ARN, at whom it trusts, and at the external id that it asks for.")
	ErrAccessDenied = fault.New(fault.Forbidden, "directory.access_denied",
		"The customer's role may not read this Connect instance. Have its stack updated from the present template.")
	ErrInstanceUnknown = fault.New(fault.NotFound, "directory.instance_unknown",
		"The customer's account has no Connect instance of this ARN in this region.")
	ErrThrottled = fault.New(fault.Throttled, "directory.throttled",
		"Connect answered too many requests throughout. Somebody else uses up the account's rate; the next run tries again.")
	ErrOutOfTime = fault.New(fault.Unavailable, "directory.out_of_time",
		"The run had no time left. The next one begins with another instance.")
	ErrEmpty = fault.New(fault.Conflict, "directory.empty",
		"Connect listed no agent at all, which no instance in use has. The directory is kept as it was.")
	ErrTooLarge = fault.New(fault.TooLarge, "directory.too_large",
		"The instance has more than 50,000 agents: its directory is not taken.")
	ErrUnavailable = fault.New(fault.Unavailable, "directory.unavailable",
		"The directory could not be read or kept; the function's log says why. The next run tries again.")
)
