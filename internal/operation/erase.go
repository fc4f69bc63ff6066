package operation

import (
	"context"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// An Erasure is of everything that a tenant has of one agent up to an instant. The name is kept for as long as the operation
// needs it; what stays for good, and is shown, is the subject.
type Erasure struct {
	Agent   string            `json:"agent,omitempty"` // empty when the operation has ended well
	Subject telemetry.Subject `json:"subject"`
	Before  time.Time         `json:"before"`
}

var errAgent = fault.New(fault.Invalid, "erase.agent_invalid",
	"Send the agent's Connect username: 1 to 256 bytes, without control characters.")

// NewErasure returns the erasure of an agent of a tenant up to now.
func NewErasure(t tenant.Tenant, agent string, now time.Time) (Erasure, error) {
	switch {
	case !telemetry.IsAgentName(agent):
		return Erasure{}, errAgent.At("/agent")
	case agent == telemetry.ProbeAgent:
		return Erasure{}, errAgent.With("This is the agent of the synthetic call, which is nobody.").At("/agent")
	}
	return Erasure{
		Agent: agent, Subject: telemetry.SubjectOf(t.ExternalID, agent), Before: now.UTC().Truncate(time.Millisecond),
	}, nil
}

// An ErasedPart is one of the places that an agent is taken out of, or one of the looks before.
type ErasedPart string

// The parts, in the order in which they are done.
const (
	EraseNote      ErasedPart = "note" // makes the indexer stop what is on its way
	EraseQueue     ErasedPart = "queue"
	EraseDocuments ErasedPart = "documents"
	EraseArchive   ErasedPart = "archive"
	EraseDirectory ErasedPart = "directory"
	EraseLetters   ErasedPart = "letters"
)

// An Eraser takes an agent out of what a tenant has.
type Eraser interface {
	// Erase does some of one part, and may be called again and again: what is gone is not counted twice. Its errors name nobody.
	Erase(ctx context.Context, cell tenant.Cell, s slug.Slug, part ErasedPart, e Erasure, cursor string) (Erased, error)
}

// Erased is what one call did.
type Erased struct {
	Cursor  string // where the next call of the part goes on
	Removed int
	Waiting int  // messages: in the tenant's queues, of EraseQueue; else those that must be waited for
	Done    bool // there is no next call
}

// EraseMemo is how far an erasure has come, and what it found where.
type EraseMemo struct {
	Noted          time.Time `json:"noted,omitzero"`
	Cursor         string    `json:"cursor,omitempty"`
	Waiting        int       `json:"waiting,omitempty"` // messages of before that may still be in the queue
	Documents      int       `json:"documents,omitempty"`
	ArchiveRecords int       `json:"archive_records,omitempty"`
	Directory      int       `json:"directory,omitempty"` // entries of agent directories
	DeadLetters    int       `json:"dead_letters,omitempty"`
}

var erasing = []step{
	{name: "note", limit: eraseTime, do: (*run).note},
	{name: "settle", limit: eraseTime, do: (*run).settle},
	{name: "await_queue", limit: eraseTime, do: (*run).awaitQueue},
	{name: "erase_documents", limit: eraseTime, do: (*run).eraseDocuments},
	{name: "erase_archive", limit: eraseTime, do: (*run).eraseArchive},
	{name: "erase_directory", limit: eraseTime, do: (*run).eraseDirectory},
	{name: "erase_letters", limit: eraseTime, do: (*run).eraseLetters},
}

func eraseTime(r *Runner) time.Duration { return r.EraseTimeout }

func (r *run) note(ctx context.Context) (time.Duration, error) {
	if _, err := r.Eraser.Erase(ctx, r.cell, r.op.Slug, EraseNote, r.op.Erase, ""); err != nil {
		return 0, err
	}
	r.op.Memo.Erase = EraseMemo{Noted: r.Now()}
	r.reach(10)
	r.say("It is noted who is erased: what is on its way, and what comes late, ends at the indexer.")
	r.enter("settle")
	return soon, nil
}

// settle waits until no indexer goes by what was noted before.
func (r *run) settle(context.Context) (time.Duration, error) {
	if left := r.EraseSettle - r.Now().Sub(r.op.Memo.Erase.Noted); left > 0 {
		return min(left, r.Poll), nil
	}
	r.reach(20)
	r.enter("await_queue")
	return soon, nil
}

// awaitQueue waits until the queue was seen empty once: then nothing of before is in it. A queue that never is empties as
// well, and what is in it ends at the indexer: it is waited for no longer than EraseQueueWait.
func (r *run) awaitQueue(ctx context.Context) (time.Duration, error) {
	found, err := r.Eraser.Erase(ctx, r.cell, r.op.Slug, EraseQueue, r.op.Erase, "")
	if err != nil {
		return 0, err
	}
	if r.op.Memo.Erase.Waiting = found.Waiting; found.Waiting > 0 && r.Now().Sub(r.op.Memo.StepStarted) < r.EraseQueueWait {
		return r.Poll, nil
	}
	r.reach(30)
	r.enter("erase_documents")
	return soon, nil
}

func (r *run) eraseDocuments(ctx context.Context) (time.Duration, error) {
	return r.erasePart(ctx, EraseDocuments, &r.op.Memo.Erase.Documents, func() {
		r.reach(60)
		r.enter("erase_archive")
	})
}

func (r *run) eraseArchive(ctx context.Context) (time.Duration, error) {
	return r.erasePart(ctx, EraseArchive, &r.op.Memo.Erase.ArchiveRecords, func() {
		r.reach(85)
		r.enter("erase_directory")
	})
}

func (r *run) eraseDirectory(ctx context.Context) (time.Duration, error) {
	return r.erasePart(ctx, EraseDirectory, &r.op.Memo.Erase.Directory, func() {
		r.reach(90)
		r.enter("erase_letters")
	})
}

func (r *run) eraseLetters(ctx context.Context) (time.Duration, error) {
	return r.erasePart(ctx, EraseLetters, &r.op.Memo.Erase.DeadLetters, func() {
		r.reach(100)
		r.say(r.op.Memo.Erase.told())
		r.finish(Succeeded)
	})
}

// erasePart does some of a part, and calls then when that is done. The step's time counts from where it last came further.
func (r *run) erasePart(ctx context.Context, part ErasedPart, count *int, then func()) (time.Duration, error) {
	memo := &r.op.Memo.Erase
	found, err := r.Eraser.Erase(ctx, r.cell, r.op.Slug, part, r.op.Erase, memo.Cursor)
	if err != nil {
		return 0, err
	}
	*count += found.Removed
	if found.Done {
		memo.Cursor = ""
		then()
		return soon, nil
	}
	if found.Removed > 0 || found.Cursor != memo.Cursor {
		r.op.Memo.StepStarted = r.Now()
	}
	memo.Cursor = found.Cursor
	if found.Waiting > 0 {
		return r.Poll, nil
	}
	return soon, nil
}

// told says what was found where.
func (m EraseMemo) told() string {
	text := fmt.Sprintf("Erased: %d documents, %d records of the archive, %d entries of agent directories, %d dead letters.",
		m.Documents, m.ArchiveRecords, m.Directory, m.DeadLetters)
	if m.Waiting > 0 {
		text += fmt.Sprintf(" The queue was never seen empty; what it holds of the agent ends at the indexer, within its %d messages.", m.Waiting)
	}
	return text
}
