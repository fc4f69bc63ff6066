package operation_test

import (
	"context"
	"slices"
	"strings"
	"testing"

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

// The function that is asked for the call starts while the space is filled, and holds nothing up if it does not answer.
func TestTheProbeStartsWhileTheSpaceIsFilled(t *testing.T) {
	t.Parallel()
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
}
