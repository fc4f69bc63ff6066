package tenant

import (
	"context"
	"time"
)

// HealthWindow is how far back a tenant's figures reach.
const HealthWindow = time.Hour

// Health is how a tenant does. A part that could not be read is nil, and Unreadable says why.
type Health struct {
	At          time.Time
	Figures     *Figures
	Queue       *QueueDepth
	DeadLetters *int64
	Directory   []DirectoryRun // one for each Connect instance
	Unreadable  []Unreadable
}

// Figures are what the tenant's functions counted within HealthWindow. The synthetic call is in none of them.
type Figures struct {
	Calls          int64            // call reports taken in; a call that was tried again has several
	RecordsIn      int64            // put into the queue
	Indexed        int64            // found in search from then on
	Retried        int64            // sent back into the queue to come again, each time
	Rejected       map[string]int64 // records that never will be documents, by code
	Refused        map[string]int64 // posts of which nothing was taken, by code
	SuspectSamples int64
	UnknownAgents  int64
	LagP95Millis   *float64 // from a pusher's receipt to search's answer; nil: nothing was indexed
	Summaries      SummaryFigures
}

// SummaryFigures are of the summaries of calls.
type SummaryFigures struct {
	Written       int64    // computed and put into the queue
	Again         int64    // of these, of calls that had one before
	WithoutReport int64    // of these, of calls whose page never reported their end
	Dropped       int64    // requests that came to nothing: their documents are gone, or they were unreadable
	LagP95Millis  *float64 // from a pusher's receipt to the summary, the wait until a call has settled included; nil: there was none
}

// QueueDepth is what waits for the indexer, about: the queue counts roughly.
type QueueDepth struct {
	Waiting       int64
	InFlight      int64  // taken by the indexer, or away until they come again
	Delayed       int64  // not to be taken yet
	OldestSeconds *int64 // of the message that waits longest; nil: not known
}

// DirectoryState says what is known of a Connect instance's directory.
type DirectoryState string

// The states: there is no role to read it with; nobody has read it yet; how the last reading ended.
const (
	DirectoryOff    DirectoryState = "off"
	DirectoryNever  DirectoryState = "never"
	DirectoryGood   DirectoryState = "good"
	DirectoryFailed DirectoryState = "failed"
)

// A DirectoryRun is the last reading of one Connect instance's directory.
type DirectoryRun struct {
	ConnectInstance string // its alias
	State           DirectoryState
	EndedAt         time.Time // zero: none
	Agents          *int64    // nil: none were counted
	Code            string    // of a failure
	Detail          string
}

// Unreadable says why a part of a tenant's health is not known.
type Unreadable struct {
	Part   string // figures, queue, oldest_message, dead_letters or directory
	Reason string // for an admin
}

// Gauges reads how tenants do, where they run.
type Gauges interface {
	// Health answers within a few seconds, whatever is away.
	Health(ctx context.Context, t Tenant) Health
}
