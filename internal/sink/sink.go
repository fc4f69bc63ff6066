// Package sink writes documents to OpenSearch in bulks and reads the answer item by item.
package sink

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	maxDocuments = 1000
	maxBytes     = 5 << 20 // before compression; every .large node of the managed service refuses 10 MiB
	patience     = 25 * time.Second
)

// A Sink writes documents as one tenant's writer. Use New.
type Sink struct {
	search opensearchapi.Transport
}

// New returns a sink that writes through search, which should not retry by itself and must sign in as the writer.
func New(search opensearchapi.Transport) *Sink { return &Sink{search: search} }

// Write sends documents in as few bulks as the bounds allow and returns one outcome for each, in order. It does not retry:
// after a bulk of which nothing is known it stops, and what it did not send is Retry too.
func (s *Sink) Write(ctx context.Context, documents []telemetry.Document) []Outcome {
	outcomes := make([]Outcome, len(documents))
	for from := 0; from < len(documents); {
		to := from + fitting(documents[from:])
		if outage := s.bulk(ctx, documents[from:to], outcomes[from:to]); outage != nil {
			fill(outcomes[to:], *outage)
			return outcomes
		}
		from = to
	}
	return outcomes
}

// fitting returns how many of the documents go into one bulk: at least one.
func fitting(documents []telemetry.Document) int {
	size := 0
	for i, d := range documents {
		size += lineBytes(d)
		if i > 0 && (i == maxDocuments || size > maxBytes) {
			return i
		}
	}
	return len(documents)
}

// bulk sends the documents at once and fills in their outcomes. It returns the outage when search is down: what every
// document is from there on.
func (s *Sink) bulk(ctx context.Context, documents []telemetry.Document, outcomes []Outcome) (outage *Outcome) {
	status, said, err := s.send(ctx, documents)
	switch {
	case err != nil:
		outage = &Outcome{Type: "unreachable", Reason: err.Error()}
	case status == http.StatusRequestEntityTooLarge:
		return s.halve(ctx, documents, outcomes)
	case status != http.StatusOK:
		outage = &Outcome{Type: said.Error.Type, Reason: said.Error.Reason}
		if outage.Type == "" {
			outage.Type = fmt.Sprintf("http_%d", status)
		}
	default:
		if err := said.judgeAll(documents, outcomes); err != nil {
			outage = &Outcome{Type: "unreadable_answer", Reason: err.Error()}
		}
	}
	if outage != nil {
		fill(outcomes, *outage)
	}
	return outage
}

// halve sends a bulk that was too large in two.
func (s *Sink) halve(ctx context.Context, documents []telemetry.Document, outcomes []Outcome) (outage *Outcome) {
	if len(documents) == 1 {
		outcomes[0] = Outcome{Verdict: Refused, Type: "too_large", Reason: "search takes no body as large as this document"}
		return nil
	}
	half := len(documents) / 2
	if outage = s.bulk(ctx, documents[:half], outcomes[:half]); outage != nil {
		fill(outcomes[half:], *outage)
		return outage
	}
	return s.bulk(ctx, documents[half:], outcomes[half:])
}

func fill(outcomes []Outcome, with Outcome) {
	for i := range outcomes {
		outcomes[i] = with
	}
}
