package operation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestAReplayGoesOnFromItsCursor(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Replay)
	b.cloud.Full = 3
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || op.Percent != 100 || tn.State != tenant.Active {
		t.Errorf("operation %s at %d %%, tenant %s", op.State, op.Percent, tn.State)
	}
	if !slices.Equal(b.cloud.Resent, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("sent %v", b.cloud.Resent)
	}
	if last := events[len(events)-1].Message; last != "Replayed: 70 records in 7 messages, 7 records left out that are older than the tenant's retention." {
		t.Errorf("it ends with %q", last)
	}
	if len(events) < 4 {
		t.Errorf("%d events tell of its progress", len(events))
	}
}

func TestARedriveEndsWhenOnlyNewLettersAreLeft(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Redrive)
	b.cloud.Full = 1
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || b.cloud.Redriven != 7 {
		t.Errorf("operation %s, tenant %s, %d letters", op.State, tn.State, b.cloud.Redriven)
	}
	if last := events[len(events)-1].Message; last != "7 dead letters are in the queue again; 1 newer ones were left." {
		t.Errorf("it ends with %q", last)
	}
}

// A letter that cannot be seen for a while is waited for: without it the redrive would say too early that it has ended.
func TestARedriveWaitsForHiddenLetters(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Redrive)
	b.cloud.Hidden = 3
	op := b.finish(t)
	if op.State != operation.Succeeded || b.cloud.Redriven != 7 || b.cloud.Hidden != 0 {
		t.Errorf("operation %s, %d letters, %d still hidden", op.State, b.cloud.Redriven, b.cloud.Hidden)
	}
	b = setup(t, operation.Redrive)
	b.cloud.Hidden = 1 << 30
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	b.pass(25 * time.Hour)
	if op = b.finish(t); op.State != operation.Failed || !strings.Contains(op.Failure.Reason, "dead letters cannot be seen yet") {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

// A replay that comes no further fails in the end, spares the tenant, and goes on where it was when it is tried again.
func TestAStuckReplayFailsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Replay)
	for range 3 {
		if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
			t.Fatal(err)
		}
	}
	b.cloud.Trouble = errors.New("connection refused")
	sent := len(b.cloud.Resent)
	b.pass(25 * time.Hour)
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Code != "operation.timeout" || tn.State != tenant.Active {
		t.Errorf("operation %s: %+v, tenant %s", op.State, op.Failure, tn.State)
	}
	b.cloud.Trouble = nil
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || sent == 0 || len(b.cloud.Resent) != 7 {
		t.Errorf("retry: %s, sent %v", op.State, b.cloud.Resent)
	}
}

// While it comes further, however slowly, or waits for a queue that is full for less than the limit, it goes on.
func TestALongReplayIsNotLate(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Replay)
	for n := range 500 {
		wait, err := b.Advance(t.Context(), tenantID, opID)
		if err != nil {
			t.Fatal(err)
		}
		if wait == 0 {
			break
		}
		b.cloud.Full = n % 2
		b.pass(11 * time.Hour)
	}
	if op, _, _ := b.store.Look(opID); op.State != operation.Succeeded {
		t.Errorf("operation %s: %+v", op.State, op.Failure)
	}
}

func TestAReplayGivesWayToAnOffboarding(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Replay)
	if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
		t.Fatal(err)
	}
	b.store.Cancel(opID)
	op := b.finish(t)
	if _, tn, _ := b.store.Look(opID); op.State != operation.Cancelled || tn.State != tenant.Active || len(b.cloud.Resent) != 2 {
		t.Errorf("operation %s, tenant %s, sent %v", op.State, tn.State, b.cloud.Resent)
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		span    operation.Span
		wantTo  time.Time
		kinds   string
		wantErr string
	}{
		{"to now, of all", operation.Span{From: now.Add(-time.Hour)}, now, strings.Join(slices.Sorted(slices.Values(telemetry.Measured)), " "), ""},
		{"to the future", operation.Span{From: now.Add(-time.Hour), To: now.Add(time.Hour), Kinds: []string{"apimetric"}}, now, "apimetric", ""},
		{"a kind twice", operation.Span{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour), Kinds: []string{"softphonecallreport", "apimetric", "softphonecallreport"}}, now.Add(-time.Hour), "apimetric softphonecallreport", ""},
		{"from nowhere", operation.Span{}, now, "", "replay.span_invalid"},
		{"the wrong way round", operation.Span{From: now.Add(-time.Hour), To: now.Add(-2 * time.Hour)}, now, "", "replay.span_invalid"},
		{"from the future", operation.Span{From: now.Add(time.Hour)}, now, "", "replay.span_invalid"},
		{"a summary", operation.Span{From: now.Add(-time.Hour), Kinds: []string{"callsummary"}}, now, "", "replay.kind_unknown"},
		{"a path", operation.Span{From: now.Add(-time.Hour), Kinds: []string{"apimetric", "../directory"}}, now, "", "replay.kind_unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.span.Check(now)
			if test.wantErr != "" {
				if f, ok := fault.As(err); !ok || f.Code != test.wantErr {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || !got.To.Equal(test.wantTo) || strings.Join(got.Kinds, " ") != test.kinds {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
