package operation_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// What people have made of the space is told, and is no failure.
func TestConflictsOfTheSpaceAreTold(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	b.cloud.Space = operation.SpaceReport{
		Version: "v2", Managed: 3, Updated: []string{"dashboard:a"}, Conflicts: []string{"dashboard:b"}, Deleted: []string{"search:c"},
	}
	op := b.finish(t)
	if op.State != operation.Succeeded || op.Memo.Space == nil || !slices.Equal(op.Memo.Space.Conflicts, []string{"dashboard:b"}) {
		t.Errorf("operation %s: %+v", op.State, op.Memo.Space)
	}
	_, _, events := b.store.Look(opID)
	for _, want := range []string{"templates v2: 0 created, 1 updated", "1 edited by somebody and kept, though the template is a newer one: dashboard:b.", "brought back: search:c."} {
		if !slices.ContainsFunc(events, func(e operation.Event) bool { return e.Step == "fill_space" && strings.Contains(e.Message, want) }) {
			t.Errorf("nothing is told of %q", want)
		}
	}
}

// meeting is a prober that does not answer before it is let go, and a space that is filled only once the prober was asked.
type meeting struct {
	*operationtest.Cloud
	asked chan struct{}
}

func (m meeting) Found(ctx context.Context, _ tenant.Cell, _ slug.Slug, _ string) (map[string]int, error) {
	m.asked <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (m meeting) Provision(ctx context.Context, cell tenant.Cell, s slug.Slug) (operation.SpaceReport, error) {
	select {
	case <-m.asked:
		return m.Cloud.Provision(ctx, cell, s)
	case <-ctx.Done():
		return operation.SpaceReport{}, ctx.Err()
	}
}

// A look for the call that goes on while the space is filled holds nothing up if it is not answered.
func TestALookWithoutAnAnswerHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, operation.Onboard)
		b.advanceTo(t, "fill_space")
		m := meeting{b.cloud, make(chan struct{})}
		b.Prober, b.Spaces = m, m
		if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
			t.Fatal(err)
		}
		if op, _, _ := b.store.Look(opID); op.Step != "await_call" || op.State != operation.Running {
			t.Errorf("operation %s in %s", op.State, op.Step)
		}
		b.Prober, b.Spaces = b.cloud, b.cloud
		if op := b.finish(t); op.State != operation.Succeeded {
			t.Errorf("operation %s: %+v", op.State, op.Failure)
		}
	})
}

// A lateCall is a synthetic call that is found at the third look, and a space that is filled only once somebody has looked so often, or
// is refused.
type lateCall struct {
	*operationtest.Cloud
	third   chan struct{} // closed at the third look
	looks   *atomic.Int32
	refusal error
}

func (l lateCall) Found(ctx context.Context, cell tenant.Cell, s slug.Slug, callID string) (map[string]int, error) {
	if n := l.looks.Add(1); n < 3 {
		return map[string]int{"apimetric": 2}, nil
	} else if n == 3 {
		close(l.third)
	}
	return l.Cloud.Found(ctx, cell, s, callID)
}

func (l lateCall) Provision(ctx context.Context, cell tenant.Cell, s slug.Slug) (operation.SpaceReport, error) {
	select {
	case <-l.third:
	case <-ctx.Done():
		return operation.SpaceReport{}, ctx.Err()
	}
	if l.refusal != nil {
		return operation.SpaceReport{}, l.refusal
	}
	return l.Cloud.Provision(ctx, cell, s)
}

// The call is looked for while the space is filled, and what is found then need not be looked for again.
func TestTheCallIsFoundWhileTheSpaceIsFilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, operation.Onboard)
		b.advanceTo(t, "fill_space")
		late := lateCall{b.cloud, make(chan struct{}), &atomic.Int32{}, nil}
		b.Prober, b.Spaces = late, late
		if op := b.finish(t); op.State != operation.Succeeded || late.looks.Load() != 3 {
			t.Errorf("operation %s: %+v, %d looks", op.State, op.Failure, late.looks.Load())
		}
	})
}

// What was found of an attempt that has failed proves nothing of the next.
func TestWhatAnotherAttemptHasFoundProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, operation.Onboard)
		b.advanceTo(t, "fill_space")
		late := lateCall{b.cloud, make(chan struct{}), &atomic.Int32{}, &operation.Failure{Code: "space.refused", Reason: "no such template"}}
		b.Prober, b.Spaces = late, late
		if op := b.finish(t); op.State != operation.Failed || op.Memo.CallFound["apimetric"] != 2 {
			t.Fatalf("operation %s, found %v", op.State, op.Memo.CallFound)
		}
		b.Prober, b.Spaces, b.cloud.Lose = b.cloud, b.cloud, 3
		b.retry()
		if op := b.finish(t); op.State != operation.Failed || op.Failure.Code != "operation.timeout" || b.cloud.Sent != 2 {
			t.Errorf("operation %s: %+v, %d calls", op.State, op.Failure, b.cloud.Sent)
		}
	})
}
