package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const resendTime = 5 * time.Minute // two of them a letter may be hidden

// TestAReplayRebuildsATenant deletes all indices of a tenant and has its archive bring them back; then it puts letters into
// the dead-letter queue and has them redriven.
func TestAReplayRebuildsATenant(t *testing.T) {
	w := setup(t)
	tenant := w.Onboard(t, world.Draft("meadow"))
	began := time.Now().Add(-time.Minute)
	const agent = "ada.replayed"
	call := samplecall.New(samplecall.Options{
		Agent: agent, Schema: 2, Start: time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond), Duration: 2 * time.Minute,
	})
	w.Post(t, tenant, call)
	w.FindExactly(t, "meadow", agent, call)
	before := sources(t, w, agent)

	t.Run("replay", func(t *testing.T) {
		if status, raw := w.Search(t.Context(), t, http.MethodDelete, "/meadow-*", nil); status != http.StatusOK {
			t.Fatalf("delete the indices: %d %s", status, raw)
		}
		if n := w.Count(t.Context(), t, "meadow-*", world.AgentIs(agent)); n > 0 {
			t.Fatalf("%d documents are left", n)
		}
		act(t, w, "replay", map[string]any{"from": began.Format(time.RFC3339)})
		w.FindExactly(t, "meadow", agent, call)
		after := sources(t, w, agent)
		for id, want := range before {
			if after[id] != want {
				t.Fatalf("%s is %s, was %s", id, after[id], want)
			}
		}
	})
	t.Run("redrive", func(t *testing.T) {
		dead := w.Outputs(t, "earshot-meadow")["DeadLetterQueueUrl"]
		at := telemetry.InstantOf(time.Now())
		for n := range 12 {
			letter, err := queue.LetterOf(telemetry.Envelope{
				Kind: telemetry.KindAPIMetric, Tenant: "meadow", Ingest: telemetry.Ingest{ReceivedAt: at, Pusher: "test"},
				Records: []telemetry.Record{{ID: fmt.Sprint("redriven-", n), At: at, Doc: json.RawMessage(`{"agent":"bob.redriven","name":"x"}`)}},
			}, 0, "code", "reason")
			if err != nil {
				t.Fatal(err)
			}
			if err := queue.NewDeadLetters(sqs.NewFromConfig(w.AWS()), dead).Put(t.Context(), []queue.Letter{letter}); err != nil {
				t.Fatal(err)
			}
		}
		act(t, w, "redrive", nil)
		world.Eventually(t, world.ArriveTime, "12 documents", func(ctx context.Context) (bool, string) {
			n := w.Count(ctx, t, "meadow-*", world.AgentIs("bob.redriven"))
			return n == 12, fmt.Sprint(n)
		})
		if n := w.Length(t.Context(), t, dead); n != 0 {
			t.Errorf("%d dead letters are left", n)
		}
	})
	t.Run("and the tenant goes as it came", func(t *testing.T) { w.Offboard(t, "meadow", "delete") })
}

// act has an action done to the tenant, to its end.
func act(t *testing.T, w *world.World, action string, body any) {
	t.Helper()
	status, answer := w.Call(t, http.MethodPost, "/v1/tenants/meadow/actions/"+action, body)
	if status != http.StatusAccepted {
		t.Fatalf("%s answered %d: %v", action, status, answer)
	}
	w.Follow(t, world.Member(answer, "operation", "id").(string), resendTime)
}

// sources returns an agent's documents by index and id.
func sources(t *testing.T, w *world.World, agent string) map[string]string {
	t.Helper()
	status, raw := w.Search(t.Context(), t, http.MethodPost, "/meadow-*/_search", map[string]any{"size": 10_000, "query": world.AgentIs(agent)})
	var answer struct {
		Hits struct {
			Hits []struct {
				Index  string          `json:"_index"`
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("documents of %s: %d %.300s (%v)", agent, status, raw, err)
	}
	found := map[string]string{}
	for _, hit := range answer.Hits.Hits {
		found[hit.Index+" "+hit.ID] = string(hit.Source)
	}
	return found
}
