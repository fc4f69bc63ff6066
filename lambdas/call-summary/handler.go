package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// Records reads what search has of one tenant's calls; internal/records meets it.
type Records interface {
	Look(ctx context.Context, request settle.Request) (settle.Seen, error)
	Call(ctx context.Context, call settle.Call) (records.Found, error)
}

// Queue takes envelopes to the indexer; internal/queue meets it.
type Queue interface {
	Send(ctx context.Context, e telemetry.Envelope) error
}

// Postponer keeps returned requests away for a while; internal/queue meets it.
type Postponer interface {
	Postpone(ctx context.Context, messages []queue.Returned, by queue.BackOff) error
}

// A Handler computes the summaries of one tenant's calls.
type Handler struct {
	Tenant     slug.Slug
	Thresholds tenant.Thresholds
	Delays     settle.Delays
	Records    Records
	Queue      Queue
	Requests   Postponer
	BackOff    queue.BackOff
	Now        func() time.Time
}

// patience is how many receives a request waits for documents that search does not show: by then they are gone (an erased
// agent, an index that was deleted), and the summary is of what is there.
const patience = 4

var errNotSearchable = errors.New("search does not show yet what was written")

// Handle answers each request by itself and returns those that are to come again. What the log says holds neither an agent nor
// a contact.
func (h *Handler) Handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	began := h.Now()
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	var returned []queue.Returned
	did, counts := map[settle.Decision]int{}, &figures.Counts{}
	unreadable := 0
	for _, message := range event.Records {
		receives, err := strconv.Atoi(message.Attributes["ApproximateReceiveCount"])
		if err != nil {
			receives = 1
		}
		request, err := settle.Parse([]byte(message.Body))
		if err != nil || request.Tenant != h.Tenant {
			slog.ErrorContext(ctx, "no request of ours", "tenant", h.Tenant, "message", message.MessageId, "error", err)
			unreadable++
			counts.Add(figures.SummariesDropped, 1)
			continue
		}
		decision, err := h.answer(ctx, request, receives, counts)
		if err != nil {
			if !errors.Is(err, errNotSearchable) {
				slog.ErrorContext(ctx, "no summary", "tenant", h.Tenant, "message", message.MessageId, "error", err)
			}
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
			returned = append(returned, queue.Returned{Receipt: message.ReceiptHandle, Receives: receives})
			continue
		}
		did[decision]++
	}
	if len(returned) > 0 {
		if err := h.Requests.Postpone(ctx, returned, h.BackOff); err != nil {
			slog.WarnContext(ctx, "requests come back early or late", "tenant", h.Tenant, "error", err)
		}
	}
	attributes := []slog.Attr{
		slog.Any("tenant", h.Tenant), slog.Int("requests", len(event.Records)), slog.Int("computed", did[settle.Compute]),
		slog.Int("stepped_back", did[settle.StepBack]), slog.Int("done_before", did[settle.Done]), slog.Int("returned", len(returned)),
		slog.Int("unreadable", unreadable), slog.Int64("millis", h.Now().Sub(began).Milliseconds()),
	}
	slog.LogAttrs(ctx, slog.LevelInfo, "summarised", append(attributes, counts.Attrs(h.Now(), h.Tenant.String(), "call-summary")...)...)
	return answer, nil
}

// answer decides about one request, and computes. Without an error the summary is in the queue, or none is needed.
func (h *Handler) answer(ctx context.Context, request settle.Request, receives int, counts *figures.Counts) (settle.Decision, error) {
	now := telemetry.InstantOf(h.Now())
	seen, err := h.Records.Look(ctx, request)
	if err != nil {
		return 0, err
	}
	decision := request.Decide(seen, now, h.Delays)
	if decision == settle.Wait {
		if receives < patience {
			return decision, errNotSearchable
		}
		seen.HasDocument = true
		decision = request.Decide(seen, now, h.Delays)
	}
	if decision != settle.Compute {
		return decision, nil
	}
	return decision, h.compute(ctx, request, seen.Summary, now, counts)
}

// compute reads the call and puts its summary into the queue. Its version is the instant before it read: of two computations
// the one that began to read later stays. It counts as received when the first of its records was: so whatever erases one of
// these erases the summary too, be it on its way or in search, and be the record's clock ahead of the erasure.
func (h *Handler) compute(ctx context.Context, request settle.Request, before *settle.Summary, began telemetry.Instant, counts *figures.Counts) error {
	found, err := h.Records.Call(ctx, request.Call)
	if err != nil {
		return err
	}
	summary, isKnown := verdict.Judge(found.Call, h.Thresholds)
	if !isKnown {
		counts.Add(figures.SummariesDropped, 1)
		return nil // its documents are gone
	}
	text, err := json.Marshal(summary)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	at := summary.StartedAt
	if before != nil {
		at = before.At // earlier seconds that come late must not make a second summary in another index
	}
	err = h.Queue.Send(ctx, telemetry.Envelope{
		Kind: telemetry.KindCallSummary, Tenant: h.Tenant, ConnectInstance: found.Instance, Version: int64(began),
		Ingest:  telemetry.Ingest{ReceivedAt: found.FirstReceived, Pusher: "call-summary"},
		Records: []telemetry.Record{{ID: telemetry.SummaryID(request.ContactID, request.Agent), At: at, Doc: text}},
	})
	if err != nil {
		return err
	}
	counts.Add(figures.Summaries, 1)
	if before != nil {
		counts.Add(figures.SummariesAgain, 1)
	}
	if summary.Ended == verdict.EndedLost {
		counts.Add(figures.SummariesWithoutReport, 1)
	}
	counts.Delay(h.Now().Sub(request.ReceivedAt.Time()))
	return nil
}
