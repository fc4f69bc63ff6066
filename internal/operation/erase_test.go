package operation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func someErasure() operation.Erasure {
	return operation.Erasure{
		Agent: "mira.holm", Subject: telemetry.SubjectOf("key", "mira.holm"), Before: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC),
	}
}

func TestEraseSaysWhatItFoundWhereAndForgetsWhom(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Erase)
	b.cloud.Queued = 3
	began := b.now()
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || op.Percent != 100 || tn.State != tenant.Active {
		t.Errorf("operation %s at %d %%, tenant %s", op.State, op.Percent, tn.State)
	}
	if found := op.Memo.Erase; found.Documents != 2 || found.ArchiveRecords != 2 || found.Directory != 2 || found.DeadLetters != 2 {
		t.Errorf("found %+v", found)
	}
	want := []string{
		"note ", "queue ", "queue ", "queue ", "queue ", "documents ", "documents half", "archive ", "archive half", "directory ", "directory half",
		"letters ", "letters half",
	}
	if !slices.Equal(b.cloud.Erased, want) {
		t.Errorf("did %q, want %q", b.cloud.Erased, want)
	}
	if b.now().Sub(began) < 2*time.Minute {
		t.Errorf("the indexers had %s to learn of it", b.now().Sub(began))
	}
	if op.Erase.Agent != "" || op.Erase.Subject == "" {
		t.Errorf("kept is %+v", op.Erase)
	}
	if last := events[len(events)-1].Message; last != "Erased: 2 documents, 2 records of the archive, 2 entries of agent directories, 2 dead letters." {
		t.Errorf("told is %q", last)
	}
	for _, e := range events {
		if strings.Contains(fmt.Sprint(e), "mira.holm") {
			t.Errorf("an event names the agent: %+v", e)
		}
	}
}

// A queue that is never empty holds nobody up for ever, and what it means is said.
func TestEraseDoesNotWaitForABusyQueueForEver(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Erase)
	b.cloud.Queued = 1_000_000
	op := b.finish(t)
	_, _, events := b.store.Look(opID)
	if op.State != operation.Succeeded || !strings.Contains(events[len(events)-1].Message, "never seen empty") {
		t.Errorf("operation %s: %q", op.State, events[len(events)-1].Message)
	}
}

// An erasure goes on after an outage, and one that fails keeps the tenant active, and the name for its retry.
func TestEraseGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, operation.Erase)
	for b.cloud.Erased == nil {
		if _, err := b.Advance(t.Context(), tenantID, opID); err != nil {
			t.Fatal(err)
		}
	}
	b.EraseTimeout = 10 * time.Minute
	b.cloud.Trouble = errors.New("search answered 503")
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Code != "operation.timeout" || tn.State != tenant.Active || op.Erase.Agent == "" {
		t.Errorf("operation %s, %+v, tenant %s, %+v", op.State, op.Failure, tn.State, op.Erase)
	}
	b.cloud.Trouble = nil
	b.retry()
	if op := b.finish(t); op.State != operation.Succeeded || op.Memo.Erase.Documents != 2 || op.Erase.Agent != "" {
		t.Errorf("the second attempt %s: %+v", op.State, op.Memo.Erase)
	}
}

func TestWhoCanBeErased(t *testing.T) {
	t.Parallel()
	of, now := tenant.Tenant{ExternalID: "key"}, time.Date(2026, 11, 25, 9, 0, 0, 123456, time.UTC)
	got, err := operation.NewErasure(of, "mira.holm", now)
	if err != nil || got.Agent != "mira.holm" || got.Subject != telemetry.SubjectOf("key", "mira.holm") || !got.Before.Equal(now.Truncate(time.Millisecond)) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, agent := range []string{"", " ", "a\nb", "a\x00", strings.Repeat("x", 257), telemetry.ProbeAgent, "\xff"} {
		if _, err := operation.NewErasure(of, agent, now); err == nil {
			t.Errorf("%q can be erased", agent)
		} else if f, ok := fault.As(err); !ok || f.Code != "erase.agent_invalid" || len(f.Fields) != 1 || f.Fields[0].Pointer != "/agent" {
			t.Errorf("%q: %v", agent, err)
		}
	}
}
