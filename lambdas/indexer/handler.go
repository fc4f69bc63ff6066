package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Writer puts documents into search; internal/sink meets it.
type Writer interface {
	Write(ctx context.Context, documents []telemetry.Document) []sink.Outcome
}

// Archive keeps envelopes for as long as the tenant wants them; internal/archive meets it.
type Archive interface {
	Keep(ctx context.Context, envelopes []telemetry.Envelope) []error
}

// Erasures says which agents were erased; internal/erasures meets it.
type Erasures interface {
	Current(ctx context.Context) (telemetry.Erasures, error)
}

// DeadLetters sets aside what never will be written; internal/queue meets it.
type DeadLetters interface {
	Put(ctx context.Context, letters []queue.Letter) error
}

// Summaries takes requests for the summaries of calls; internal/queue meets it.
type Summaries interface {
	Ask(ctx context.Context, requests []settle.Request) error
}

// Postponer keeps returned messages away for a while; internal/queue meets it.
type Postponer interface {
	Postpone(ctx context.Context, messages []queue.Returned, by queue.BackOff) error
}

// What is kept of the function's time for all that comes after.
const (
	afterBulk    = 15 * time.Second // the archive
	afterArchive = 8 * time.Second  // dead letters, the delay of what goes back, the answer
)

// errErasures keeps everything out of search while nobody knows whose records must not come there.
var errErasures = errors.New("erasures unreadable")

// A Handler writes one tenant's messages to search, and what it has written to the archive.
type Handler struct {
	Tenant      slug.Slug
	Periods     telemetry.Periods
	Writer      Writer
	Archive     Archive
	Erasures    Erasures
	DeadLetters DeadLetters
	Queue       Postponer
	Summaries   Summaries
	Delays      settle.Delays
	BackOff     queue.BackOff
}

// Handle writes all messages in as few bulks as it can and returns those that are to come again: the ones with a document
// that is not known to be written, and the ones that the archive or the dead-letter queue did not take. No message waits for
// another.
func (h *Handler) Handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	began := time.Now()
	jobs := make([]*job, 0, len(event.Records))
	var documents []telemetry.Document
	erasures, err := h.Erasures.Current(ctx)
	if err != nil {
		slog.ErrorContext(ctx, "nobody knows who was erased", "tenant", h.Tenant, "error", err)
		err = errErasures
	}
	for _, message := range event.Records {
		j := &job{message: message, from: len(documents), blocked: err}
		if err == nil {
			h.read(j, erasures)
		}
		jobs = append(jobs, j)
		documents = append(documents, j.documents...)
	}
	outcomes := h.write(ctx, documents)
	written := time.Now()
	for _, j := range jobs {
		j.outcomes = outcomes[j.from : j.from+len(j.documents)]
	}
	h.archive(ctx, jobs)
	h.ask(ctx, jobs)
	var returned []*job
	for _, j := range jobs {
		if !h.finish(ctx, j) {
			returned = append(returned, j)
		}
	}
	h.log(ctx, jobs, returned, written, time.Since(began))
	return h.sendBack(ctx, returned), nil
}

// write leaves time for what comes after it.
func (h *Handler) write(ctx context.Context, documents []telemetry.Document) []sink.Outcome {
	if len(documents) == 0 {
		return nil
	}
	ctx, cancel := sparing(ctx, afterBulk)
	defer cancel()
	return h.Writer.Write(ctx, documents)
}

func sparing(ctx context.Context, spare time.Duration) (context.Context, context.CancelFunc) {
	if deadline, isSet := ctx.Deadline(); isSet {
		return context.WithDeadline(ctx, deadline.Add(-spare))
	}
	return ctx, func() {}
}

// archive keeps the envelopes of the messages that will not come again, and notes where it could not. An outage of search
// archives nothing: what waits is in the queue.
func (h *Handler) archive(ctx context.Context, jobs []*job) {
	var kept []*job
	var envelopes []telemetry.Envelope
	for _, j := range jobs {
		if len(j.envelope.Records) > 0 && j.envelope.IsArchived() && !j.mustRetry() {
			kept, envelopes = append(kept, j), append(envelopes, j.envelope)
		}
	}
	if len(kept) == 0 {
		return
	}
	ctx, cancel := sparing(ctx, afterArchive)
	defer cancel()
	for i, err := range h.Archive.Keep(ctx, envelopes) {
		if err != nil {
			slog.ErrorContext(ctx, "not archived", "tenant", h.Tenant, "message", kept[i].message.MessageId, "error", err)
			kept[i].isUnarchived = true
		}
	}
}

// ask requests the summaries of the calls whose documents search has now. Where the queue does not take a request, the message
// comes again: a second write changes nothing, and asks again.
func (h *Handler) ask(ctx context.Context, jobs []*job) {
	var asking []*job
	var requests []settle.Request
	for _, j := range jobs {
		if j.unusable != "" || j.mustRetry() || j.indexed() == 0 {
			continue
		}
		if request, isAsked := settle.RequestOf(j.envelope, h.Delays); isAsked {
			asking, requests = append(asking, j), append(requests, request)
		}
	}
	if len(requests) == 0 {
		return
	}
	ctx, cancel := sparing(ctx, afterArchive)
	defer cancel()
	if err := h.Summaries.Ask(ctx, settle.Merge(requests)); err != nil {
		slog.ErrorContext(ctx, "no summaries asked for", "tenant", h.Tenant, "error", err)
		for _, j := range asking {
			j.isUnasked = true
		}
	}
}

// finish sets aside what was refused and reports whether the message is dealt with. While one of its documents may still be
// written the message goes back whole: its refused ones then come again too, and are set aside once.
func (h *Handler) finish(ctx context.Context, j *job) bool {
	if j.mustRetry() {
		return false
	}
	letters, err := j.letters()
	if err == nil && len(letters) > 0 {
		err = h.DeadLetters.Put(ctx, letters)
	}
	if err != nil {
		slog.ErrorContext(ctx, "dead letters not taken", "tenant", h.Tenant, "message", j.message.MessageId, "error", err)
		return false
	}
	j.aside = letters
	return true
}

// sendBack names the messages that come again, each after a delay of its own.
func (h *Handler) sendBack(ctx context.Context, jobs []*job) events.SQSEventResponse {
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	messages := make([]queue.Returned, 0, len(jobs))
	for _, j := range jobs {
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: j.message.MessageId})
		receives, err := strconv.Atoi(j.message.Attributes["ApproximateReceiveCount"])
		if err != nil {
			receives = 1
		}
		messages = append(messages, queue.Returned{Receipt: j.message.ReceiptHandle, Receives: receives})
	}
	if len(messages) > 0 {
		if err := h.Queue.Postpone(ctx, messages, h.BackOff); err != nil {
			slog.WarnContext(ctx, "messages come back early or late", "tenant", h.Tenant, "error", err)
		}
	}
	return answer
}

// log says what became of the batch, in counts: search's reasons may quote a document.
func (h *Handler) log(ctx context.Context, jobs, returned []*job, written time.Time, took time.Duration) {
	documents, refused, erased, why := 0, 0, 0, ""
	for _, j := range jobs {
		erased += j.erased
		documents += len(j.documents)
		refused += len(j.aside)
	}
	for _, j := range returned {
		if why = j.retryType(); why != "" {
			break
		}
	}
	level := slog.LevelInfo
	if len(returned) > 0 || refused > 0 {
		level = slog.LevelWarn
	}
	attributes := []slog.Attr{
		slog.Any("tenant", h.Tenant), slog.Int("messages", len(jobs)), slog.Int("documents", documents), slog.Int("returned", len(returned)),
		slog.Int("dead_letters", refused), slog.Int("erased", erased), slog.String("why", why), slog.Int64("millis", took.Milliseconds()),
	}
	attributes = append(attributes, count(jobs, returned, written).Attrs(written, h.Tenant.String(), "indexer")...)
	slog.LogAttrs(ctx, level, "indexed", attributes...)
}

// count returns the figures of the batch. A message that comes again is counted as indexed or rejected when it is dealt with,
// and the synthetic call's never.
func count(jobs, returned []*job, written time.Time) *figures.Counts {
	counts := &figures.Counts{}
	for _, j := range jobs {
		switch {
		case j.envelope.Probe:
		case slices.Contains(returned, j):
			counts.Add(figures.Retried, max(1, len(j.envelope.Records)))
		default:
			for _, letter := range j.aside {
				counts.Reject(letter.Code, 1)
			}
			counts.Add(figures.Erased, j.erased)
			if n := j.indexed(); n > 0 {
				counts.Add(figures.Indexed, n)
				if j.envelope.Version == 0 && !j.envelope.Replay { // nobody sent a summary, and a replay was late before
					counts.Delay(written.Sub(j.envelope.Ingest.ReceivedAt.Time()))
				}
			}
		}
	}
	return counts
}
