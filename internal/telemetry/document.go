package telemetry

import (
	"encoding/json"

	"github.com/earshot-hq/earshot/internal/slug"
)

// A Document is what search is asked to keep.
type Document struct {
	ID        string
	Index     string
	Source    json.RawMessage
	Overwrite bool  // false: create, and an id that exists already counts as done
	Version   int64 // of a document that overwrites: an older computation never replaces a newer one
}

// source is a document as search stores it.
type source struct {
	Timestamp       Instant         `json:"@timestamp"`
	Tenant          slug.Slug       `json:"tenant"`
	ConnectInstance string          `json:"connectInstance,omitempty"`
	Ingest          Ingest          `json:"ingest"`
	Probe           bool            `json:"probe,omitempty"`
	Doc             json.RawMessage `json:"doc"`
}

// Documents returns the documents of an envelope, and the records that can be none. It trusts the envelope's tenant: who
// takes envelopes from a queue checks that the queue is that tenant's.
func Documents(e Envelope, periods Periods) ([]Document, []Refusal) {
	if refusal, bad := refuseAll(e); bad {
		return nil, refusal
	}
	documents := make([]Document, 0, len(e.Records))
	var refused []Refusal
	for i, record := range e.Records {
		text, err := json.Marshal(source{
			Timestamp: record.At, Tenant: e.Tenant, ConnectInstance: e.ConnectInstance,
			Ingest: e.Ingest, Probe: e.Probe, Doc: record.Doc,
		})
		if err != nil || record.ID == "" || !isObject(record.Doc) {
			refused = append(refused, Refusal{i, "record_invalid", "The record has no id or no document."})
			continue
		}
		version := e.version()
		documents = append(documents, Document{
			ID: record.ID, Index: e.Tenant.Index(e.Kind, periods.Suffix(e.Kind, record.At)),
			Source: text, Overwrite: version > 0, Version: version,
		})
	}
	return documents, refused
}

// earlierWins is above every instant in milliseconds, and as far above every version that search gives by itself.
const earlierWins = 1 << 53

// version orders envelopes that overwrite. Live, the first of several deliveries of a record stays, whatever a later one says
// (a page of a second tab, a forger). So in a replay, which reads the archive in an order of its own, the one that was
// received first wins.
func (e Envelope) version() int64 {
	if e.Replay && e.Version == 0 {
		return earlierWins - int64(e.Ingest.ReceivedAt)
	}
	return e.Version
}

// refuseAll refuses every record of an envelope that names no kind or no tenant of ours.
func refuseAll(e Envelope) ([]Refusal, bool) {
	code, detail := "kind_unknown", "The envelope's kind is not known."
	if isMeasured(e.Kind) || e.Kind == KindCallSummary && e.Version > 0 {
		if _, err := slug.Parse(string(e.Tenant)); err == nil {
			return nil, false
		}
		code, detail = "tenant_invalid", "The envelope's tenant is no slug."
	}
	refused := make([]Refusal, 0, len(e.Records))
	for i := range e.Records {
		refused = append(refused, Refusal{i, code, detail})
	}
	return refused, true
}
