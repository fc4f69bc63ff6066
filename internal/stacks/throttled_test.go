package stacks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/stacks"
)

func isThrottled(err error) bool { return errors.Is(err, operation.ErrThrottled) }

const (
	manyStacks = 60
	oldEvents  = 900
	eventEvery = 7 * time.Second // a new event of each stack
	perPage    = 100
)

// throttling is case 25's CloudFormation: many stacks in motion, each with a long history, and every third call refused.
type throttling struct {
	mu     sync.Mutex
	began  time.Time
	silent time.Time // from then on it answers nothing for a while
	calls  []time.Time
	pages  int
}

const silence = 90 * time.Second

func (a *throttling) handle(_ *http.Request, call url.Values) *http.Response {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.calls = append(a.calls, now)
	if now.After(a.silent) && now.Before(a.silent.Add(silence)) {
		return nil
	}
	if len(a.calls)%3 == 0 {
		return refuse("Throttling", "Rate exceeded")
	}
	switch call.Get("Action") {
	case "ListStacks":
		var all []stackPage
		for i := range manyStacks {
			all = append(all, stackPage{slugOf(i).StackName(), slugOf(i).StackName(), "CREATE_IN_PROGRESS", "2026-11-24T09:00:00Z"})
		}
		return reply(call, answer{StackSummaries: all})
	case "DescribeStacks":
		name := call.Get("StackName")
		return reply(call, answer{Stacks: []stackPage{{name, name, "CREATE_IN_PROGRESS", "2026-11-24T09:00:00Z"}}})
	case "DescribeStackEvents":
		a.pages++
		return reply(call, a.events(call, now))
	}
	return refuse("InvalidAction", call.Get("Action"))
}

// events makes a page: event n of a stack is told at began + n × eventEvery, those below zero belong to an older call.
func (a *throttling) events(call url.Values, now time.Time) answer {
	id := call.Get("StackName")
	newest := int(now.Sub(a.began) / eventEvery)
	if next := call.Get("NextToken"); next != "" {
		_, _ = fmt.Sscan(next, &newest)
	}
	var page answer
	for n := newest; n > newest-perPage && n >= -oldEvents; n-- {
		e := event{EventID: fmt.Sprint(id, "/", n), StackID: id, LogicalResourceID: "Thing", ResourceType: "AWS::Some::Thing", ResourceStatus: "CREATE_COMPLETE", ClientRequestToken: "ours"}
		if n < 0 {
			e.ClientRequestToken = "older"
		}
		if n == 0 {
			e.ResourceType, e.PhysicalResourceID, e.ResourceStatus = "AWS::CloudFormation::Stack", id, "CREATE_IN_PROGRESS"
		}
		page.StackEvents = append(page.StackEvents, e)
	}
	if newest-perPage >= -oldEvents {
		page.NextToken = strconv.Itoa(newest - perPage)
	}
	return page
}

func slugOf(i int) slug.Slug {
	return slug.Slug("t" + strings.Repeat("a", i/26+1) + string(rune('a'+i%26)))
}

// follower polls one stack as an operation does.
type follower struct {
	of    slug.Slug
	seen  int // events told, in order and without a gap
	wrong error
	stale time.Duration // the longest that an event waited to be told, before the silence
}

func (f *follower) follow(ctx context.Context, s *stacks.Stacks, began, silent time.Time) {
	const poll = 5 * time.Second
	last := ""
	for ctx.Err() == nil {
		step, cancel := context.WithTimeout(ctx, 30*time.Second)
		if err := f.step(step, s, &last); err != nil && !isThrottled(err) && !errors.Is(err, context.DeadlineExceeded) {
			f.wrong = err
		}
		cancel()
		if now := time.Now(); now.Before(silent) {
			f.stale = max(f.stale, now.Sub(began.Add(time.Duration(f.seen)*eventEvery)))
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
		}
	}
}

func (f *follower) step(ctx context.Context, s *stacks.Stacks, last *string) error {
	view, err := s.Describe(ctx, frankfurt, f.of)
	if err != nil {
		return err
	}
	if view.Status != operation.StackCreating {
		return fmt.Errorf("status %s", view.Status)
	}
	events, err := s.Events(ctx, frankfurt, f.of.StackName(), "ours", *last)
	if err != nil {
		return err
	}
	for _, e := range events {
		if want := fmt.Sprint(f.of.StackName(), "/", f.seen); e.ID != want {
			return fmt.Errorf("event %s, want %s", e.ID, want)
		}
		f.seen++
		*last = e.ID
	}
	return nil
}

// Case 25: sixty operations for ten minutes against an account that takes two calls a second and refuses every third; then
// it answers nothing for a minute and a half.
func TestThrottledPollingGoesOnSlower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &throttling{began: time.Now(), silent: time.Now().Add(10 * time.Minute)}
		s := against(a.handle, stacks.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 14*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		followers := make([]*follower, manyStacks)
		for i := range followers {
			followers[i] = &follower{of: slugOf(i)}
			all.Go(func() { followers[i].follow(ctx, s, a.began, a.silent) })
		}
		all.Wait()

		var slowest time.Duration
		for _, f := range followers {
			if f.wrong != nil {
				t.Errorf("%s: %v", f.of, f.wrong)
			}
			// Nearly all events of fourteen minutes, each once: those of the last minute may still be to come.
			if least := int(13 * time.Minute / eventEvery); f.seen < least {
				t.Errorf("%s told %d events, want at least %d", f.of, f.seen, least)
			}
			slowest = max(slowest, f.stale)
		}
		// What the account lets through serves sixty stacks in 49 s at best; most runs stay below a minute, none far above.
		if slowest > 75*time.Second {
			t.Errorf("progress was stale for %s", slowest)
		}
		for i := range a.calls {
			if i >= 20 && a.calls[i].Sub(a.calls[i-20]) < 10*time.Second {
				t.Fatalf("more than 20 calls in 10 s, at %s", a.calls[i].Sub(a.began))
			}
		}
		t.Logf("%d calls, %d pages of events; progress stale for %s at most", len(a.calls), a.pages, slowest)
	})
}

// Stacks that rest are looked at one by one, however many: only those in motion are worth a list.
func TestStacksAtRestMakeNoCrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status, lists := "CREATE_COMPLETE", 0
		s := against(func(_ *http.Request, call url.Values) *http.Response {
			name := call.Get("StackName")
			switch call.Get("Action") {
			case "ListStacks":
				lists++
				return reply(call, answer{})
			case "DescribeStacks":
				return reply(call, answer{Stacks: []stackPage{{name, name, status, "2026-11-24T09:00:00Z"}}})
			}
			return refuse("InvalidAction", call.Get("Action"))
		}, stacks.Options{Calls: 100})
		look := func() {
			for i := range 10 {
				if _, err := s.Describe(t.Context(), frankfurt, slugOf(i)); err != nil {
					t.Error(err)
				}
			}
		}
		look()
		look()
		if lists != 0 {
			t.Errorf("%d lists for stacks at rest", lists)
		}
		status = "UPDATE_IN_PROGRESS"
		look()
		if lists == 0 {
			t.Error("no list for ten stacks in motion")
		}
	})
}
