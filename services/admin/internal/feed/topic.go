package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
)

// eventsAtOnce is how many are read with one question.
const eventsAtOnce = 200

// A topic is one operation that somebody follows.
type topic struct {
	history   operation.History
	every     time.Duration
	stop      context.CancelFunc
	soon      chan struct{} // holds one when something new was heard of
	followers int           // guarded by the feed's mu

	mu     sync.Mutex // guards all below
	events []operation.Event
	over   *operation.Operation
	err    error
	more   chan struct{} // closed, and made anew, with each change
}

func (t *topic) lookSoon() {
	select {
	case t.soon <- struct{}{}:
	default: // it will look anyway
	}
}

// run looks until the operation is over, it cannot be read, or ctx ends.
func (t *topic) run(ctx context.Context, actor access.Actor, id string) {
	ticks := time.NewTicker(t.every)
	defer ticks.Stop()
	for t.look(ctx, actor, id) {
		select {
		case <-t.soon:
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// look reads what is new and reports whether there may be more. Whether the operation is over is asked first: an event that is saved
// with its end is told before the end.
func (t *topic) look(ctx context.Context, actor access.Actor, id string) (goesOn bool) {
	op, err := t.history.Operation(ctx, actor, id)
	for err == nil {
		var events []operation.Event
		if events, err = t.history.Events(ctx, actor, id, t.last(), eventsAtOnce); err != nil {
			break
		}
		isLast := len(events) < eventsAtOnce
		isOver := isLast && op.State != operation.Queued && op.State != operation.Running
		t.add(events, op, isOver)
		if isLast {
			return !isOver
		}
	}
	if ctx.Err() == nil {
		t.fail(err)
	}
	return false
}

func (t *topic) last() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.events) == 0 {
		return 0
	}
	return t.events[len(t.events)-1].Sequence
}

func (t *topic) add(events []operation.Event, op operation.Operation, isOver bool) {
	if len(events) == 0 && !isOver {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, events...)
	if isOver {
		t.over = &op
	}
	t.tell()
}

func (t *topic) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	t.tell()
}

// isDone reports whether nothing more will be told: a retry of the operation is another topic.
func (t *topic) isDone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over != nil || t.err != nil
}

// tell wakes whoever waits. The caller holds mu.
func (t *topic) tell() {
	close(t.more)
	t.more = make(chan struct{})
}

func (t *topic) news(after int64) (events []operation.Event, over *operation.Operation, more <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, _ := slices.BinarySearchFunc(t.events, after+1, func(e operation.Event, sequence int64) int { return int(e.Sequence - sequence) })
	return t.events[from:len(t.events):len(t.events)], t.over, t.more, t.err
}
