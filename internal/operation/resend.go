package operation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Span is what a replay brings back: telemetry of some kinds that was received from From on and before To.
type Span struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Kinds []string  `json:"kinds"`
}

// The faults of a span.
var (
	errSpan = fault.New(fault.Invalid, "replay.span_invalid", "A replay needs an instant from which to begin that is before its end.")
	errKind = fault.New(fault.Invalid, "replay.kind_unknown", "The archive keeps softphonestreamstats, softphonecallreport and apimetric.")
)

// Check returns the span as it is replayed: to the present at most, of all kinds if none is named, each once.
func (s Span) Check(now time.Time) (Span, error) {
	if s.To.IsZero() || s.To.After(now) {
		s.To = now
	}
	s.From, s.To = s.From.UTC(), s.To.UTC()
	if s.From.IsZero() || !s.From.Before(s.To) {
		return Span{}, errSpan.At("/from")
	}
	for i, kind := range s.Kinds {
		if !slices.Contains(telemetry.Measured, kind) {
			return Span{}, errKind.At(fmt.Sprintf("/kinds/%d", i))
		}
	}
	if len(s.Kinds) == 0 {
		s.Kinds = telemetry.Measured
	}
	s.Kinds = slices.Sorted(slices.Values(s.Kinds))
	s.Kinds = slices.Compact(s.Kinds)
	return s, nil
}

// A Resender sends again what a tenant's queue had once, by the tenant's own function: the control plane learns counts only.
// Every method does one chunk, and a chunk that is done twice changes nothing.
type Resender interface {
	// Replay sends the archive's envelopes of the span after the cursor, without records from before notBefore.
	Replay(ctx context.Context, cell tenant.Cell, s slug.Slug, span Span, notBefore time.Time, cursor string) (Resent, error)
	// Redrive sends the dead letters that were set aside before an instant.
	Redrive(ctx context.Context, cell tenant.Cell, s slug.Slug, before time.Time) (Resent, error)
}

// Resent is what one chunk did.
type Resent struct {
	Cursor   string   // where the next chunk of a replay begins
	Share    float64  // of a replay's span that is done, 0 to 1
	Messages int      // sent
	Records  int      // in these
	TooOld   int      // records left out
	Damaged  []string // objects of the archive that could not be read whole
	Newer    int      // letters left out
	Hidden   int      // letters that a redrive must wait for: somebody's look keeps them from being seen for a while
	Done     bool     // there is no next chunk
	Waiting  bool     // the queue is full
}

// ResendMemo is how far a replay or redrive has come, over all its attempts.
type ResendMemo struct {
	Cursor   string `json:"cursor,omitempty"`
	Messages int    `json:"messages,omitempty"`
	Records  int    `json:"records,omitempty"`
	TooOld   int    `json:"too_old,omitempty"`
	Damaged  int    `json:"damaged,omitempty"`
	Newer    int    `json:"newer,omitempty"`
	Told     int    `json:"told,omitempty"` // the percentage of the last event
}

var (
	replaying = []step{{name: "replay", limit: resendTime, do: (*run).replay}}
	redriving = []step{{name: "redrive", limit: resendTime, do: (*run).redrive}}
)

func resendTime(r *Runner) time.Duration { return r.ResendTimeout }

// tellEvery is how many percent lie between two events of a replay.
const tellEvery = 5

// replay sends the next chunk. Retention is asked anew each time: what it has made go does not come back.
func (r *run) replay(ctx context.Context) (time.Duration, error) {
	memo := &r.op.Memo.Resend
	notBefore := r.Now().AddDate(0, 0, -r.tenant.Settings.RetentionDays)
	resent, err := r.Resender.Replay(ctx, r.cell, r.op.Slug, r.op.Span, notBefore, memo.Cursor)
	if err != nil {
		return 0, err
	}
	isFurther := resent.Cursor != memo.Cursor
	r.count(resent)
	memo.Cursor = resent.Cursor
	for _, key := range resent.Damaged {
		r.events = append(r.events, Event{
			Step: r.op.Step, Level: "error", Message: "The archive's object " + key + " is damaged; what could be read of it was sent.", Percent: r.op.Percent,
		})
	}
	if resent.Done {
		r.reach(100)
		r.say("Replayed: " + memo.replayed() + ".")
		r.finish(Succeeded)
		return 0, nil
	}
	r.reach(min(99, int(100*resent.Share)))
	if r.op.Percent >= memo.Told+tellEvery {
		memo.Told = r.op.Percent
		r.say("So far: " + memo.replayed() + ".")
	}
	return r.afterChunk(resent, isFurther)
}

// redrive sends the next letters that were there when the operation was asked for. What fails again comes back as a new
// letter, and is left.
func (r *run) redrive(ctx context.Context) (time.Duration, error) {
	resent, err := r.Resender.Redrive(ctx, r.cell, r.op.Slug, r.op.CreatedAt)
	if err != nil {
		return 0, err
	}
	r.count(resent)
	if !resent.Done {
		return r.afterChunk(resent, resent.Messages > 0)
	}
	r.reach(100)
	r.say(r.op.Memo.Resend.redriven())
	r.finish(Succeeded)
	return 0, nil
}

func (r *run) count(resent Resent) {
	memo := &r.op.Memo.Resend
	memo.Messages += resent.Messages
	memo.Records += resent.Records
	memo.TooOld += resent.TooOld
	memo.Damaged += len(resent.Damaged)
	memo.Newer = max(memo.Newer, resent.Newer)
}

// afterChunk goes on at once, or waits while the queue is full. The step's time counts from where it last came further.
func (r *run) afterChunk(resent Resent, isFurther bool) (time.Duration, error) {
	if isFurther {
		r.op.Memo.StepStarted = r.Now()
	}
	if resent.Waiting {
		return r.Poll, waiting("the tenant's queue is full")
	}
	if resent.Hidden > 0 {
		return r.Poll, waiting(fmt.Sprintf("%d dead letters cannot be seen yet: somebody has looked at them in the last minutes", resent.Hidden))
	}
	return soon, nil
}

func (m ResendMemo) replayed() string {
	said := []string{fmt.Sprintf("%d records in %d messages", m.Records, m.Messages)}
	if m.TooOld > 0 {
		said = append(said, fmt.Sprintf("%d records left out that are older than the tenant's retention", m.TooOld))
	}
	if m.Damaged > 0 {
		said = append(said, fmt.Sprintf("%d objects damaged", m.Damaged))
	}
	return strings.Join(said, ", ")
}

func (m ResendMemo) redriven() string {
	said := fmt.Sprintf("%d dead letters are in the queue again", m.Messages)
	if m.Newer > 0 {
		said += fmt.Sprintf("; %d newer ones were left", m.Newer)
	}
	return said + "."
}
