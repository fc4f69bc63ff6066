// Package insights is what managers ask about the calls of their tenant: how they sounded, which did not, and why.
package insights

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// Names are what a list of calls may be filtered by, beside time.
var Names = []string{
	"queue", "routing_profile", "agent", "hierarchy_l1", "hierarchy_l2", "hierarchy_l3", "hierarchy_l4", "hierarchy_l5",
	"verdict", "finding", "cause", "contact_id",
}

// The bounds of a question.
const (
	MostCalls   = 200                  // on a page
	LongestSpan = 400 * 24 * time.Hour // of an overview or a list
)

// A Filter says which calls. A value of Values that is empty filters nothing.
type Filter struct {
	From, To time.Time         // of the call's beginning; To is not in it
	Values   map[string]string // by Names
	Limit    int               // 1 to MostCalls
	Cursor   string            // of the page before; empty: the first
}

// A Page is part of a list of calls, the newest first.
type Page struct {
	Calls []verdict.Summary `json:"calls"`
	Next  string            `json:"next_cursor,omitempty"` // missing on the last page
}

// An Overview is how the calls of a span sounded, beside those of the same span a week before.
type Overview struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Now    Figures   `json:"now"`
	Before Figures   `json:"week_before"`
	Hours  []Bucket  `json:"hours"` // of now; one without a call is missing
	Past   []Bucket  `json:"hours_week_before"`
	Queues []Group   `json:"queues"` // of now, with most calls first
	Agents []Group   `json:"agents"`
}

// Figures are of the calls of a span.
type Figures struct {
	Calls       int64            `json:"calls"`
	Verdicts    map[string]int64 `json:"verdicts"`
	Findings    map[string]int64 `json:"findings"` // calls that have one of each
	Causes      map[string]int64 `json:"causes"`
	MarkedBad   int64            `json:"marked_bad"` // by their agents
	MOSAgent    *float64         `json:"mos_heard_by_agent,omitempty"`
	MOSCustomer *float64         `json:"mos_heard_by_customer,omitempty"`
}

// A Bucket is the calls that began within an hour, or a day of a long span.
type Bucket struct {
	At          telemetry.Instant `json:"at"`
	Calls       int64             `json:"calls"`
	Verdicts    map[string]int64  `json:"verdicts"`
	MOSAgent    *float64          `json:"mos_heard_by_agent,omitempty"`
	MOSCustomer *float64          `json:"mos_heard_by_customer,omitempty"`
}

// Step is how long a Bucket of a span is.
func Step(from, to time.Time) time.Duration {
	const fortnight = 14 * 24 * time.Hour
	if to.Sub(from) > fortnight {
		return 24 * time.Hour
	}
	return time.Hour
}

// A Group is the calls of one queue or agent.
type Group struct {
	Name     string           `json:"name"`
	Calls    int64            `json:"calls"`
	Verdicts map[string]int64 `json:"verdicts"`
}

// A Detail is one call: what is told of it, and the evidence.
type Detail struct {
	Summary   verdict.Summary `json:"summary"`
	WhatToDo  []string        `json:"what_to_do"` // against the likely cause
	Agents    []string        `json:"agents"`     // all of the contact; the summary is of one of them
	Heard     []Second        `json:"heard"`      // what the agent heard
	Spoken    []Second        `json:"spoken"`     // what the customer heard
	APIErrors []APIError      `json:"api_errors"` // of the agent's page, from a minute before the call to two after it
}

// A Second is one of one direction. What is missing is not known.
type Second struct {
	At        telemetry.Instant `json:"at"`
	Packets   *int64            `json:"packets,omitempty"`
	Lost      *int64            `json:"lost,omitempty"`
	Level     *int64            `json:"level,omitempty"`
	Jitter    *float64          `json:"jitter_millis,omitempty"`
	IsBuffer  bool              `json:"jitter_is_buffer_delay,omitempty"`
	RoundTrip *float64          `json:"round_trip_millis,omitempty"`
	MOS       *float64          `json:"mos,omitempty"`
	Muted     *bool             `json:"muted,omitempty"`
	OnHold    *bool             `json:"on_hold,omitempty"`
	Suspect   bool              `json:"suspect,omitempty"` // kept, and counted nowhere
}

// An APIError is a call of Connect's API that failed.
type APIError struct {
	At     telemetry.Instant `json:"at"`
	Name   string            `json:"name"`
	Status *int64            `json:"status,omitempty"`
	Millis *int64            `json:"millis,omitempty"`
}

// A Reader answers as one tenant's reader: what it cannot see, search itself keeps from it.
type Reader interface {
	// Overview tells of the calls of a filter's span and values; it has no pages.
	Overview(ctx context.Context, f Filter) (Overview, error)
	// Calls returns a page. A cursor of another list is ErrCursor.
	Calls(ctx context.Context, f Filter) (Page, error)
	// Detail returns a call of the contact, of the named agent or, with none, of the first; ErrCallUnknown when there is none.
	Detail(ctx context.Context, contactID, agent string) (Detail, error)
}

// The faults of questions.
var (
	ErrCallUnknown = fault.New(fault.NotFound, "insights.call_not_found", "There is no summary of such a call; it comes a minute after the call has ended.")
	ErrCursor      = fault.New(fault.Invalid, "insights.cursor_invalid", "Use the next_cursor of the page before, with the same filters, or none.")
	ErrAway        = fault.New(fault.Unavailable, "insights.search_unavailable", "What was recorded cannot be read now. It is not lost; try again in a moment.")
)
