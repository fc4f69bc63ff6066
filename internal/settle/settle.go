// Package settle decides when the summary of a call is computed. The indexer asks for one after every batch, with a delay;
// of all that ask for the same call, those that come too early step back, and those that come after the work was done find it
// done. No state is kept between them but the documents themselves.
package settle

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Delays say how long after its documents were written a request comes.
type Delays struct {
	Quick time.Duration // after a report, or records that were late: the call is over
	Slow  time.Duration // after live records: it is over when no more come. At most SQS's 15 minutes
}

// Call names a contact of an agent.
type Call struct {
	Agent     string `json:"agent"`
	ContactID string `json:"contactId"`
}

// A Request asks for the summary of a call, because search has documents of it.
type Request struct {
	V      int       `json:"v"`
	Tenant slug.Slug `json:"tenant"`
	Call
	ReceivedAt telemetry.Instant `json:"receivedAt"` // when the newest of the documents came in
	Kind       string            `json:"kind"`       // of one of the documents
	DocumentID string            `json:"documentId"` // its id: until it is found, search does not show what was written

	Delay time.Duration `json:"-"`
}

const requestVersion = 1

// late is how old a record is, when it comes in, that is not of a live batch.
const late telemetry.Instant = 60_000

// RequestOf returns the request that an envelope whose documents are written makes, and false when it makes none: no other
// kind is summarised, nor the synthetic call, nor a record without a contact, which would mix agents.
func RequestOf(e telemetry.Envelope, delays Delays) (Request, bool) {
	if e.Probe || len(e.Records) == 0 || e.Kind != telemetry.KindStreamStats && e.Kind != telemetry.KindCallReport {
		return Request{}, false
	}
	// All records of an envelope are of one body, which names one agent and one contact.
	last := e.Records[len(e.Records)-1]
	r := Request{V: requestVersion, Tenant: e.Tenant, ReceivedAt: e.Ingest.ReceivedAt, Kind: e.Kind, DocumentID: last.ID, Delay: delays.Slow}
	if json.Unmarshal(last.Doc, &r.Call) != nil || r.ContactID == "" || r.Agent == "" {
		return Request{}, false
	}
	oldest := e.Records[0].At
	for _, record := range e.Records {
		oldest = min(oldest, record.At)
	}
	if e.Replay || e.Kind == telemetry.KindCallReport || isLate(oldest, r.ReceivedAt) {
		r.Delay = delays.Quick
	}
	return r, true
}

func isLate(oldest, receivedAt telemetry.Instant) bool { return receivedAt-oldest > late }

// Merge returns one request for each call and delay: the newest. A quick one never stands for a slow one, whose coming others
// may rely on.
func Merge(requests []Request) []Request {
	type key struct {
		Call
		delay time.Duration
	}
	at := make(map[key]int, len(requests))
	var merged []Request
	for _, r := range requests {
		k := key{r.Call, r.Delay}
		i, isThere := at[k]
		switch {
		case !isThere:
			at[k] = len(merged)
			merged = append(merged, r)
		case r.ReceivedAt > merged[i].ReceivedAt:
			merged[i] = r
		}
	}
	return merged
}

// Marshal returns the request as JSON.
func (r Request) Marshal() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return text, nil
}

// Parse reads what Marshal wrote.
func Parse(text []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(text, &r); err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	if r.V != requestVersion || r.Agent == "" || r.ContactID == "" || r.DocumentID == "" {
		return Request{}, errors.New("read request: it is of another version, or names no call")
	}
	return r, nil
}

// Seen is what search shows of a call when a request has come.
type Seen struct {
	HasDocument bool              // the one that the request names
	NewestAt    telemetry.Instant // when the newest document came in
	IsReport    bool              // which is a report
	Oldest      telemetry.Instant // the oldest record that came in then
	LastSecond  telemetry.Instant
	ReportEnd   telemetry.Instant // latest end that a report tells; 0: there is none
	Seconds     int64
	Reports     int64
	Summary     *Summary // as it was last computed
}

// Summary is what a summary that exists says of itself.
type Summary struct {
	At      telemetry.Instant // its own instant, which names its index for good
	Seconds int64
	Reports int64

	LacksMark bool // what the agent said of the call after its report is not in it
}

// A Decision is what becomes of a request.
type Decision int

// The decisions.
const (
	Compute  Decision = iota
	StepBack          // a later request is sure to come
	Done              // a summary of the same documents is there
	Wait              // search does not show yet what was written
)

// Decide says what to do about a request now. It never steps back unless another request for the same call is certain to come
// and to see at least what this one would: a message is acknowledged only after its request is in the queue, so newer documents
// mean a request, and no request comes before its delay.
func (r Request) Decide(s Seen, now telemetry.Instant, delays Delays) Decision {
	switch {
	case s.NewestAt > r.ReceivedAt && now < s.pendingUntil(delays):
		return StepBack
	case !s.HasDocument:
		return Wait
	case s.Summary != nil && s.Summary.Seconds == s.Seconds && s.Summary.Reports == s.Reports && !s.Summary.LacksMark:
		return Done
	}
	return Compute
}

// pendingUntil is until when the request of the newest documents cannot have come, less a tenth for clocks that differ. When the call is known to be over, nobody
// waits for the slow request of its last seconds.
func (s Seen) pendingUntil(delays Delays) telemetry.Instant {
	const slack telemetry.Instant = 5000 // between the last second and the end that a report tells
	delay := delays.Slow
	switch {
	case s.IsReport || isLate(s.Oldest, s.NewestAt):
		delay = delays.Quick
	case s.ReportEnd > 0 && s.ReportEnd+slack >= s.LastSecond:
		return 0
	}
	return s.NewestAt + telemetry.Instant((delay - delay/10).Milliseconds())
}
