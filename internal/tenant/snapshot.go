package tenant

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Condition is how a tenant does, in one word.
type Condition string

// The conditions. Bad is for what keeps records from arriving; Unknown says that nobody could look.
const (
	Good    Condition = "good"
	Warning Condition = "warning"
	Bad     Condition = "bad"
	Unknown Condition = "unknown"
)

// A Snapshot is how a tenant did when somebody looked last.
type Snapshot struct {
	At         time.Time // zero: nobody has looked yet
	Condition  Condition
	Reason     string
	CallsToday *int64 // reports since midnight UTC of At; nil: not known
}

// staleAfter is how old a snapshot may be until it says little about now.
const staleAfter = 5 * time.Minute

// IsStale reports whether the snapshot is too old to be believed.
func (s Snapshot) IsStale(now time.Time) bool { return now.Sub(s.At) > staleAfter }

// Calls returns the calls of the day that it is now, nil when the snapshot is not of that day.
func (s Snapshot) Calls(now time.Time) *int64 {
	if s.At.UTC().Truncate(day) != now.UTC().Truncate(day) {
		return nil
	}
	return s.CallsToday
}

const day = 24 * time.Hour

// The ages of the oldest message in a queue at which somebody should look. Search that is away for a while is a delay, not a loss.
const (
	waitsLong    = 2 * time.Minute
	waitsTooLong = 15 * time.Minute
)

// Judge says in a word how the tenant does, and the gravest reason.
func Judge(t Tenant, h Health) (Condition, string) {
	oldest := time.Duration(0)
	if h.Queue != nil && h.Queue.OldestSeconds != nil {
		oldest = time.Duration(*h.Queue.OldestSeconds) * time.Second
	}
	unread := slices.IndexFunc(h.Unreadable, func(u Unreadable) bool { return u.Part != "oldest_message" })
	failed := slices.IndexFunc(h.Directory, func(r DirectoryRun) bool { return r.State == DirectoryFailed })
	switch {
	case t.State == Failed:
		return Bad, "Its last operation has failed."
	case oldest >= waitsTooLong:
		return Bad, fmt.Sprintf("Records wait for %d minutes to be written to search.", int(oldest.Minutes()))
	case unread >= 0:
		return Unknown, fmt.Sprintf("A part could not be read (%s): %s", h.Unreadable[unread].Part, h.Unreadable[unread].Reason)
	case h.DeadLetters != nil && *h.DeadLetters > 0:
		return Warning, fmt.Sprintf("Dead letters: %d.", *h.DeadLetters)
	case oldest >= waitsLong:
		return Warning, fmt.Sprintf("Records wait for %d minutes to be written to search.", int(oldest.Minutes()))
	case failed >= 0:
		return Warning, fmt.Sprintf("The agent directory of %s could not be read (%s).", h.Directory[failed].ConnectInstance, h.Directory[failed].Code)
	case t.State == Suspended:
		return Good, "Suspended: it takes nothing in."
	}
	return Good, "Nothing waits, and there are no dead letters."
}

// Onlooker sees how tenants do, for a list of many.
type Onlooker interface {
	// Snapshot answers within a few seconds, whatever is away.
	Snapshot(ctx context.Context, t Tenant) Snapshot
}
