package telemetry

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/earshot-hq/earshot/internal/slug"
)

// EnvelopeVersion is the version of the envelope that Marshal writes.
const EnvelopeVersion = 1

// An Envelope carries the records of one body from pusher to indexer, and later from the archive to a replay. Its records
// are final: cleaned, under the tenant's privacy setting, derived, with their ids.
type Envelope struct {
	V               int       `json:"v"`
	Kind            string    `json:"kind"`
	Tenant          slug.Slug `json:"tenant"`
	ConnectInstance string    `json:"connectInstance,omitempty"` // alias; senders of schema 1 name none
	Ingest          Ingest    `json:"ingest"`
	Probe           bool      `json:"probe,omitempty"`   // of the synthetic call: nobody counts it
	Version         int64     `json:"version,omitempty"` // of a summary: the instant of its computation in ms
	Replay          bool      `json:"replay,omitempty"`  // from the archive: overwrites, and is not archived again
	Records         []Record  `json:"records"`
}

// Ingest says how the records came in. It is copied into each document.
type Ingest struct {
	ReceivedAt     Instant `json:"receivedAt"`
	Pusher         string  `json:"pusher"`
	SchemaVersion  int64   `json:"schemaVersion"`
	BatchID        string  `json:"batchId,omitempty"`
	PageID         string  `json:"pageId,omitempty"`
	OpenPages      *int64  `json:"openPages,omitempty"`
	SkewMillis     *int64  `json:"skewMillis,omitempty"` // receivedAt − sentAt
	DroppedRecords *int64  `json:"droppedRecords,omitempty"`
}

// A Record is one document to be. Its id comes from its content alone.
type Record struct {
	ID  string          `json:"id"`
	At  Instant         `json:"at"` // decides the index; @timestamp of the document
	Doc json.RawMessage `json:"doc"`
}

// IsArchived reports whether the archive keeps the envelope: not what comes from there, not the synthetic call's, and not
// what can be computed again.
func (e Envelope) IsArchived() bool { return !e.Replay && !e.Probe && isMeasured(e.Kind) }

// isMeasured reports whether a kind is of what browsers send.
func isMeasured(kind string) bool { return slices.Contains(Measured, kind) }

// Marshal returns the envelope as JSON, in the present version.
func (e Envelope) Marshal() ([]byte, error) {
	e.V = EnvelopeVersion
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write envelope: %w", err)
	}
	return text, nil
}

// ParseEnvelope reads what Marshal of this version wrote, or of the version before. Members that it does not know are
// passed over.
func ParseEnvelope(text []byte) (Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return Envelope{}, fmt.Errorf("read envelope: %w", err)
	}
	if e.V != EnvelopeVersion {
		return Envelope{}, fmt.Errorf("read envelope: version %d is not known", e.V)
	}
	return e, nil
}

// Split returns the envelope as at most n envelopes of about as many records each. An envelope of one call report is
// split by its per-second series: the first part is the report with the first stretch, each later part a document of its
// own id with the next. What cannot be split further comes back as it is, alone.
func (e Envelope) Split(n int) []Envelope {
	records := e.Records
	if len(records) == 1 && e.Kind == KindCallReport {
		records = splitSeries(records[0], n)
	}
	n = min(n, len(records))
	if n < 2 {
		return []Envelope{e}
	}
	parts := make([]Envelope, 0, n)
	for i := range n {
		part := e
		part.Records = records[i*len(records)/n : (i+1)*len(records)/n]
		parts = append(parts, part)
	}
	return parts
}
