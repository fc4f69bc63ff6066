package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

// TestErasureOfOneAgent erases an agent of a tenant that works, by the admin API. Afterwards nothing names the agent: no document,
// no object, no message, no row, no log line. What was on its way when it began does not come. Another agent's documents are the
// same to the byte, and a later call of the same name arrives.
func TestErasureOfOneAgent(t *testing.T) {
	w, tenants := neighbours(t)
	tenant := tenants[acme]
	stamp := time.Now().UnixNano()
	gone, stays := fmt.Sprintf("erased.%d", stamp), fmt.Sprintf("stays.%d", stamp)
	send(t, w, tenant, gone)
	call := send(t, w, tenant, stays)
	before := sourcesOf(t, w, stays)

	release := w.Hold(t, acme) // what is sent now is on its way when the erasure begins
	w.Post(t, tenant, samplecall.New(samplecall.Options{
		Agent: gone, Queue: "Orders", RoutingProfile: "Retail", Schema: 2, Instance: tenant.Slug(),
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second, Seed: uint64(stamp),
	}))
	status, answer := w.Call(t, http.MethodPost, "/v1/tenants/"+acme.String()+"/actions/erase", map[string]any{"agent": gone})
	if status != http.StatusAccepted {
		t.Fatalf("%d %v", status, answer)
	}
	release()
	id, _ := world.Member(answer, "operation", "id").(string)
	w.Follow(t, id, 5*time.Minute)
	_, operation := w.Call(t, http.MethodGet, "/v1/operations/"+id, nil)
	t.Logf("%v", operation["erasure"])
	for _, found := range []string{"documents", "archive_records"} {
		if n, _ := world.Member(operation, "erasure", found).(float64); n == 0 {
			t.Errorf("%s: nothing was found", found)
		}
	}

	outputs, places := w.Outputs(t, acme.StackName()), map[string]string{}
	objects(t, w, outputs["DataBucket"], places)
	for _, queue := range []string{"QueueUrl", "SummaryQueueUrl", "DeadLetterQueueUrl"} {
		for n, message := range w.Waiting(t, outputs[queue]) {
			places[fmt.Sprintf("message %d of %s", n, queue)] = world.Open(t, message)
		}
	}
	for _, all := range []map[string]string{w.Logs(t), rows(t, w), documents(t, w)} {
		for place, text := range all {
			places[place] = text
		}
	}
	for place, text := range places {
		seek(t, place, text, []string{gone})
	}
	w.FindExactly(t, acme.String(), stays, call)
	if after := sourcesOf(t, w, stays); after != before {
		t.Error("the other agent's documents have changed")
	}
	callsLater(t, w, tenant, gone, fmt.Sprint(world.Member(operation, "erasure", "before")))
}

// callsLater has an agent call after an instant: what happened before it is erased, whenever it comes.
func callsLater(t *testing.T, w *world.World, tenant world.Tenant, agent, instant string) {
	t.Helper()
	const lasts = 10 * time.Second
	before, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-t.Context().Done():
	case <-time.After(time.Until(before.Add(lasts + 2*time.Second))):
	}
	call := samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Orders", RoutingProfile: "Retail", Schema: 2, Instance: tenant.Slug(),
		Start: time.Now().Add(-lasts - time.Second).Truncate(time.Millisecond), Duration: lasts, Seed: uint64(time.Now().UnixNano()),
	})
	w.Post(t, tenant, call)
	w.FindExactly(t, tenant.Slug(), agent, call)
}

// sourcesOf returns an agent's documents, whole, without the summaries of calls: those come in their own time.
func sourcesOf(t *testing.T, w *world.World, agent string) string {
	t.Helper()
	_, raw := w.Search(t.Context(), t, http.MethodPost, "/"+world.Sent(acme.IndexPattern())+"/_search", map[string]any{
		"size": 5000, "query": world.AgentIs(agent), "sort": []any{"_index", "@timestamp", map[string]any{"doc.agent.keyword": "asc"}},
	})
	_, hits, found := strings.Cut(string(raw), `"hits":[`)
	if !found || hits == "]}}" {
		t.Fatalf("no documents of %s: %.300s", agent, raw)
	}
	return hits
}
