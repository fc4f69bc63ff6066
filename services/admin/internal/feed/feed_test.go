package feed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/services/admin/internal/feed"
)

// A story is a store of one operation, and the line on which its news is told.
type story struct {
	operation.History

	mu     sync.Mutex
	op     operation.Operation
	events []operation.Event
	reads  int
	scopes []access.Scope
	away   error

	lines chan line // each line that the feed has asked for
}

type line struct {
	heard func(id string)
	cut   context.CancelFunc
}

func (s *story) Operation(_ context.Context, actor access.Actor, _ string) (operation.Operation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	s.scopes = append(s.scopes, actor.Scope)
	return s.op, s.away
}

func (s *story) Events(_ context.Context, _ access.Actor, _ string, after int64, limit int) ([]operation.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.events[min(int(after), len(s.events)):]
	return slices.Clone(rest[:min(limit, len(rest))]), s.away
}

func (s *story) listen(ctx context.Context, ready func(), heard func(string)) error {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	ready()
	s.lines <- line{heard, cut}
	<-ctx.Done()
	return errors.New("the line is cut")
}

// add writes events and, at the end, the state.
func (s *story) add(events int, state operation.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range events {
		n := int64(len(s.events) + 1)
		s.events = append(s.events, operation.Event{Sequence: n, Message: fmt.Sprint(n)})
	}
	s.op.State = state
}

func (s *story) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *story) seen() (reads int, scopes []access.Scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads, slices.Clone(s.scopes)
}

func setup(t *testing.T) (*story, *feed.Feed, line) {
	t.Helper()
	s := &story{op: operation.Operation{ID: "one", TenantID: "tenant", State: operation.Running}, lines: make(chan line, 10)}
	f := feed.New(feed.Config{History: s, Listen: s.listen, Log: slog.New(slog.DiscardHandler), Again: time.Millisecond, Every: time.Hour})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Stop(context.Background()) })
	return s, f, <-s.lines
}

// await reads until there are so many events after a sequence, the operation is over, or the feed says why not.
func await(t *testing.T, w *feed.Follower, after int64, events int) ([]operation.Event, *operation.Operation, error) {
	t.Helper()
	for {
		found, over, more, err := w.News(after)
		if len(found) >= events || over != nil || err != nil {
			return found, over, err
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("only %d events after %d, want %d", len(found), after, events)
		}
	}
}

func TestManyFollowersShareOneReading(t *testing.T) {
	t.Parallel()
	s, f, l := setup(t)
	s.add(450, operation.Running) // three pages
	const many = 200
	followers := make([]*feed.Follower, many)
	for i := range followers {
		followers[i] = f.Follow(s.op)
		defer followers[i].Close()
	}
	for _, w := range followers {
		if events, _, err := await(t, w, 0, 450); err != nil || events[449].Sequence != 450 {
			t.Fatalf("%d events, %v", len(events), err)
		}
	}
	before, _ := s.seen()
	s.add(1, operation.Running)
	l.heard("one")
	l.heard("another")
	for _, w := range followers {
		if events, over, err := await(t, w, 450, 1); len(events) != 1 || over != nil || err != nil {
			t.Fatalf("events %v, over %v, %v", events, over, err)
		}
	}
	s.add(1, operation.Succeeded)
	l.heard("one")
	for _, w := range followers {
		if events, over, err := await(t, w, 451, 2); len(events) != 1 || over == nil || over.State != operation.Succeeded || err != nil {
			t.Fatalf("events %v, over %v, %v: the last event is told with the end", events, over, err)
		}
	}
	after, scopes := s.seen()
	if after-before != 2 {
		t.Errorf("%d followers took %d readings of two pieces of news", many, after-before)
	}
	for _, scope := range scopes {
		if scope.All || !slices.Equal(scope.TenantIDs, []string{"tenant"}) {
			t.Errorf("read with scope %+v, want the operation's tenant alone", scope)
		}
	}
}

func TestNewsOfABrokenLineIsMadeUpFor(t *testing.T) {
	t.Parallel()
	s, f, l := setup(t)
	s.add(1, operation.Running)
	w := f.Follow(s.op)
	defer w.Close()
	if _, _, err := await(t, w, 0, 1); err != nil {
		t.Fatal(err)
	}
	s.add(1, operation.Running) // and nobody is told
	l.cut()
	if events, _, err := await(t, w, 1, 1); err != nil || len(events) != 1 {
		t.Errorf("events %v, %v", events, err)
	}
}

func TestWhatCannotBeReadIsToldAndReadAnew(t *testing.T) {
	t.Parallel()
	s, f, l := setup(t)
	s.add(1, operation.Running)
	w := f.Follow(s.op)
	defer w.Close()
	if _, _, err := await(t, w, 0, 1); err != nil {
		t.Fatal(err)
	}
	away := errors.New("the store is away")
	s.fail(away)
	l.heard("one")
	if _, _, err := await(t, w, 1, 1); !errors.Is(err, away) {
		t.Errorf("told %v", err)
	}
	s.fail(nil)
	again := f.Follow(s.op)
	defer again.Close()
	if events, _, err := await(t, again, 0, 1); err != nil || len(events) != 1 {
		t.Errorf("events %v, %v", events, err)
	}
}

func TestARetryIsFollowedAnew(t *testing.T) {
	t.Parallel()
	s, f, _ := setup(t)
	s.add(1, operation.Failed)
	first := f.Follow(s.op)
	defer first.Close() // still there while the second comes
	if _, over, _ := await(t, first, 0, 2); over == nil || over.State != operation.Failed {
		t.Fatalf("the first attempt is over as %v", over)
	}
	s.add(1, operation.Running)
	second := f.Follow(s.op)
	defer second.Close()
	if events, over, err := await(t, second, 1, 1); len(events) != 1 || over != nil || err != nil {
		t.Errorf("events %v, over %v, %v: want the second attempt", events, over, err)
	}
}

func TestWhoLeavesIsNotReadFor(t *testing.T) {
	t.Parallel()
	s, f, l := setup(t)
	s.add(1, operation.Running)
	first, second := f.Follow(s.op), f.Follow(s.op)
	if _, _, err := await(t, first, 0, 1); err != nil {
		t.Fatal(err)
	}
	first.Close()
	first.Close() // counts once
	s.add(1, operation.Running)
	l.heard("one")
	if events, _, err := await(t, second, 1, 1); err != nil || len(events) != 1 {
		t.Errorf("who stays is told %v, %v", events, err)
	}
	second.Close()
	before, _ := s.seen()
	l.heard("one")
	if err := f.Stop(t.Context()); err != nil { // waits for all reading
		t.Fatal(err)
	}
	if after, _ := s.seen(); after != before {
		t.Error("what nobody follows is read")
	}
}
