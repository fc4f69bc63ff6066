package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var errAway = errors.New("away")

// step answers an advance.
type step struct {
	wait time.Duration
	err  error
}

func (s step) Advance(context.Context, string, string) (time.Duration, error) { return s.wait, s.err }

func TestAdvance(t *testing.T) {
	t.Parallel()
	job := &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{}}
	work := func(s step) error { return (&advance{advancer: s}).Work(t.Context(), job) }
	if err := work(step{}); err != nil {
		t.Errorf("an operation that is over: %v", err)
	}
	var snooze *rivertype.JobSnoozeError
	if err := work(step{wait: time.Minute}); !errors.As(err, &snooze) || snooze.Duration != time.Minute {
		t.Errorf("an operation that waits: %v", err)
	}
	if err := work(step{err: errAway}); !errors.Is(err, errAway) {
		t.Errorf("a store that is away: %v", err)
	}
}

// stepwise answers each step with the next wait, the last for ever.
type stepwise struct {
	waits []time.Duration
	steps int
}

func (s *stepwise) Advance(context.Context, string, string) (time.Duration, error) {
	wait := s.waits[min(s.steps, len(s.waits)-1)]
	s.steps++
	return wait, nil
}

func TestATurnGoesOnThroughBriefWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		waits      []time.Duration
		want, most int           // steps
		snooze     time.Duration // 0: it is over
	}{
		"to the end":     {[]time.Duration{time.Millisecond, brief, 0}, 3, 3, 0},
		"to a long wait": {[]time.Duration{time.Millisecond, brief, 5 * time.Second}, 3, 3, 5 * time.Second},
		"a while":        {[]time.Duration{brief}, 2, int(turn/brief) + 1, brief},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stepwise{waits: test.waits}
				err := (&advance{advancer: s}).Work(t.Context(), &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{}})
				var snooze *rivertype.JobSnoozeError
				isSnoozed := errors.As(err, &snooze)
				if isSnoozed != (test.snooze > 0) || isSnoozed && snooze.Duration != test.snooze || s.steps < test.want || s.steps > test.most {
					t.Errorf("%d steps, then %v", s.steps, err)
				}
			})
		})
	}
	t.Run("a part of its time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), turn)
			defer cancel()
			s := &stepwise{waits: []time.Duration{time.Millisecond}}
			var snooze *rivertype.JobSnoozeError
			err := (&advance{advancer: s}).Work(ctx, &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{}})
			if most := int(turn/share/time.Millisecond) + 1; !errors.As(err, &snooze) || s.steps < most/2 || s.steps > most {
				t.Errorf("%d steps, then %v", s.steps, err)
			}
		})
	})
	t.Run("until the worker ends", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &stepwise{waits: []time.Duration{brief}}
		var snooze *rivertype.JobSnoozeError
		err := (&advance{advancer: s}).Work(ctx, &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{}})
		if !errors.As(err, &snooze) || s.steps != 1 {
			t.Errorf("%d steps, then %v", s.steps, err)
		}
	})
}

// nested asks for a second job of the same operation while the first works.
type nested struct {
	again func(operationID string) error
	err   error // of the same operation's second job
	other error // of another operation's job
}

func (n *nested) Advance(_ context.Context, _, id string) (time.Duration, error) {
	if again := n.again; id == "one" && again != nil {
		n.again = nil
		n.err, n.other = again("one"), again("two")
	}
	return 0, nil
}

func TestOneJobAtATimeDrivesAnOperation(t *testing.T) {
	t.Parallel()
	n := &nested{}
	w := &advance{advancer: n}
	work := func(id string) error {
		return w.Work(t.Context(), &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{}, Args: operation.AdvanceArgs{OperationID: id}})
	}
	n.again = work
	var snooze *rivertype.JobSnoozeError
	if err := work("one"); err != nil || !errors.As(n.err, &snooze) || n.other != nil {
		t.Errorf("the first ended with %v, the second with %v, another operation's with %v", err, n.err, n.other)
	}
	if err := work("one"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestNextRetryIsNeverFar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := time.Duration(0)
		for _, attempt := range []int{1, 2, 5, 6, 1000, 30000} {
			job := &river.Job[operation.AdvanceArgs]{JobRow: &rivertype.JobRow{Attempt: attempt}}
			wait := time.Until((&advance{}).NextRetry(job))
			if wait < max(last, time.Second) || wait > 30*time.Second {
				t.Errorf("after attempt %d the next is in %s", attempt, wait)
			}
			last = wait
		}
	})
}

// landscape is tenants, cells, stacks and the rebuilds that were started.
type landscape struct {
	tenants []tenant.Tenant
	stacks  map[slug.Slug]operation.StackStatus
	answers map[slug.Slug]error
	started []slug.Slug
}

func (*landscape) Tenant(context.Context, access.Actor, slug.Slug) (tenant.Tenant, error) {
	return tenant.Tenant{}, tenant.ErrNotFound
}

// Tenants returns one tenant a page.
func (l *landscape) Tenants(_ context.Context, _ access.Actor, p tenant.Page) ([]tenant.Tenant, string, error) {
	i := len(p.Cursor)
	if p.State != tenant.Active || i >= len(l.tenants) {
		return nil, "", nil
	}
	return l.tenants[i : i+1], p.Cursor + "x", nil
}

func (*landscape) Cells(context.Context, access.Actor) ([]tenant.Cell, error) {
	return []tenant.Cell{{Name: "one"}, {Name: "two"}}, nil
}

func (l *landscape) Describe(_ context.Context, cell tenant.Cell, s slug.Slug) (operation.StackView, error) {
	if cell.Name == "two" {
		return operation.StackView{}, errAway
	}
	return operation.StackView{Status: l.stacks[s]}, nil
}

func (l *landscape) StartRebuild(_ context.Context, _ access.Actor, s slug.Slug) (operation.Started, error) {
	l.started = append(l.started, s)
	return operation.Started{}, l.answers[s]
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	l := &landscape{
		tenants: []tenant.Tenant{
			{Slug: "ready", Cell: "one"}, {Slug: "away", Cell: "two"}, {Slug: "lost", Cell: "one"}, {Slug: "busy", Cell: "one"}, {Slug: "refused", Cell: "one"},
		},
		stacks: map[slug.Slug]operation.StackStatus{
			"ready": operation.StackReady, "lost": operation.StackAbsent, "busy": operation.StackAbsent, "refused": operation.StackAbsent,
		},
		answers: map[slug.Slug]error{"busy": operation.ErrRunning, "refused": access.ErrForbidden},
	}
	r := &Rebuilder{Directory: l, Cells: l, Stacks: l, Starter: l, Log: slog.New(slog.DiscardHandler)}
	err := r.Rebuild(t.Context())
	if !errors.Is(err, errAway) || !errors.Is(err, access.ErrForbidden) || errors.Is(err, operation.ErrRunning) {
		t.Errorf("got %v", err)
	}
	if want := []slug.Slug{"lost", "busy", "refused"}; !slices.Equal(l.started, want) {
		t.Errorf("started %v, want %v", l.started, want)
	}
	if err := (&rebuildMissing{}).Work(t.Context(), nil); err != nil {
		t.Errorf("where rebuilding is off: %v", err)
	}
}

// keeper counts what it is asked.
type keeper struct{ asked []string }

func (k *keeper) ForgetOldKeys(_ context.Context, a access.Actor) (int64, error) {
	k.asked = append(k.asked, "forget")
	return 0, errors.Join(errAway, a.May(access.ChangeTenants))
}

func (k *keeper) Requeue(context.Context, access.Actor, time.Duration) (int, error) {
	k.asked = append(k.asked, "requeue")
	return 1, nil
}

func TestHousekeepingDoesAllOfIt(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	err := (&housekeeping{keeper: k, log: slog.New(slog.DiscardHandler)}).Work(t.Context(), nil)
	if !errors.Is(err, errAway) || len(k.asked) != 2 {
		t.Errorf("asked %v, got %v", k.asked, err)
	}
}

func TestPeriodicJobs(t *testing.T) {
	t.Parallel()
	if n := len(Periodic(Config{ExpireEvery: time.Hour})); n != 2 {
		t.Errorf("%d periodic jobs where rebuilding is off", n)
	}
	c := Config{ExpireEvery: time.Hour, Rebuilder: &Rebuilder{}, RebuildEvery: time.Minute}
	if n := len(Periodic(c)); n != 3 {
		t.Errorf("%d periodic jobs where it is on", n)
	}
	if Workers(c) == nil {
		t.Error("no workers")
	}
}

// rollouts answers for a rollout.
type rollouts struct {
	over bool
	err  error
}

func (r rollouts) AdvanceRollout(context.Context, operation.RolloutArgs) (bool, error) {
	return r.over, r.err
}

func TestAdvanceRollout(t *testing.T) {
	t.Parallel()
	job := &river.Job[operation.RolloutArgs]{JobRow: &rivertype.JobRow{Attempt: 3}}
	work := func(r rollouts) error {
		return (&advanceRollout{advancer: r, every: time.Minute}).Work(t.Context(), job)
	}
	if err := work(rollouts{over: true}); err != nil {
		t.Errorf("a rollout that is over: %v", err)
	}
	var snooze *rivertype.JobSnoozeError
	if err := work(rollouts{}); !errors.As(err, &snooze) || snooze.Duration != time.Minute {
		t.Errorf("a rollout that goes on: %v", err)
	}
	if err := work(rollouts{err: errAway}); !errors.Is(err, errAway) {
		t.Errorf("a store that is away: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		if in := time.Until((&advanceRollout{}).NextRetry(job)); in != 4*time.Second {
			t.Errorf("the next try comes in %s", in)
		}
	})
}
