package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Archive holds the tenant's envelopes; internal/archive meets it.
type Archive interface {
	Keys(ctx context.Context, kind string, from, to time.Time, after string, limit int) ([]string, error)
	Read(ctx context.Context, key string) iter.Seq2[telemetry.Envelope, error]
}

// A Handler sends again what the tenant's queue had once, a chunk an invocation. It looks at nothing beyond instants, and
// answers counts.
type Handler struct {
	Tenant      slug.Slug
	Archive     Archive
	Queue       *queue.Queue
	DeadLetters *queue.DeadLetters

	MaxWaiting int           // messages in the queue, live ones too, above which nothing is added
	ChunkTime  time.Duration // of one invocation; the object or letters in hand are sent to their end
}

// A Request asks for one chunk of one of the two.
type Request struct {
	Replay  *Replay  `json:"replay"`
	Redrive *Redrive `json:"redrive"`
}

// A Replay asks for the envelopes of some kinds that were received in a span of time, without the records from before
// not_before.
type Replay struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Kinds     []string  `json:"kinds"`
	NotBefore time.Time `json:"not_before"`
	Cursor    string    `json:"cursor"` // the last chunk's; empty: from the beginning
}

// A Redrive asks for the dead letters that were set aside before an instant.
type Redrive struct {
	Before time.Time `json:"before"`
}

// An Answer says what one chunk did.
type Answer struct {
	Cursor    string   `json:"cursor"`   // of a replay: where the next chunk begins
	Share     float64  `json:"share"`    // of a replay: how much of the span is done, 0 to 1
	Messages  int      `json:"messages"` // sent
	Records   int      `json:"records"`  // in these
	TooOld    int      `json:"too_old"`  // records left out
	Damaged   []string `json:"damaged"`  // objects that were read only in part, or not at all
	Newer     int      `json:"newer"`    // letters left out
	Hidden    int      `json:"hidden"`   // letters that nobody can see for a while and that must be waited for
	Done      bool     `json:"done"`     // there is no next chunk
	IsWaiting bool     `json:"waiting"`  // the queue is full
}

var (
	errRequest = errors.New(`send {"replay": {"from", "to", "kinds", "not_before", "cursor"}} or {"redrive": {"before"}}`)
	errCursor  = errors.New("the cursor is none of ours")
)

// Handle does one chunk. An error means that it may be asked for again: what was sent is sent twice, which changes nothing.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (Answer, error) {
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var request Request
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil || decoder.More() || (request.Replay == nil) == (request.Redrive == nil) {
		return Answer{}, errRequest
	}
	var answer Answer
	var err error
	what, until := "replay", began.Add(h.ChunkTime)
	if request.Replay != nil {
		answer, err = h.replay(ctx, *request.Replay, until)
	} else {
		what = "redrive"
		answer, err = h.redrive(ctx, *request.Redrive, until)
	}
	slog.InfoContext(ctx, what, "tenant", h.Tenant, "messages", answer.Messages, "records", answer.Records, "too_old", answer.TooOld,
		"damaged", len(answer.Damaged), "done", answer.Done, "waiting", answer.IsWaiting, "hidden", answer.Hidden,
		"millis", time.Since(began).Milliseconds(), "error", err)
	return answer, err
}

func (h *Handler) redrive(ctx context.Context, r Redrive, until time.Time) (Answer, error) {
	var answer Answer
	for isLate := false; !isLate; isLate = !time.Now().Before(until) {
		if full, err := h.isFull(ctx); err != nil || full {
			answer.IsWaiting = full
			return answer, err
		}
		found, err := h.DeadLetters.Redrive(ctx, h.Queue, r.Before)
		answer.Messages, answer.Newer = answer.Messages+found.Moved, answer.Newer+found.Newer
		if err != nil {
			return answer, err
		}
		if found == (queue.Redriven{}) {
			return h.ended(ctx, answer)
		}
	}
	if answer.Messages == 0 { // all that comes is newer
		return h.ended(ctx, answer)
	}
	return answer, nil
}

// ended answers for a queue in which nothing more was seen that is to move. It is done when no letter is hidden but those that
// were just left: others may be in the hands of a look whose answer was lost, or that failed.
func (h *Handler) ended(ctx context.Context, answer Answer) (Answer, error) {
	hidden, err := h.DeadLetters.Hidden(ctx)
	if err != nil {
		return answer, err
	}
	answer.Hidden = max(0, hidden-answer.Newer)
	answer.Done = answer.Hidden == 0
	return answer, nil
}

// isFull reports whether the queue has as many messages as it may: what is sent again yields to live data.
func (h *Handler) isFull(ctx context.Context) (bool, error) {
	waiting, err := h.Queue.Waiting(ctx)
	return waiting >= h.MaxWaiting, err
}

// known reports whether all kinds are of the archive.
func known(kinds []string) bool {
	return len(kinds) > 0 && !slices.ContainsFunc(kinds, func(kind string) bool { return !slices.Contains(telemetry.Measured, kind) })
}
