package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

// catchUp is how long records may wait for a search that is there again: the indexer's pauses grow with the outage.
const catchUp = 3 * time.Minute

func call(agent string, length time.Duration) samplecall.Call {
	return samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Orders EMEA", RoutingProfile: "Retail Voice",
		Start: time.Now().Add(-length - time.Minute).Truncate(time.Millisecond), Duration: length,
	})
}

// Search is killed while twenty batches arrive. Every batch is accepted meanwhile, and when search is there again it has
// exactly their documents.
func TestSearchKilledWhileBatchesArrive(t *testing.T) {
	w := setup(t)
	const agent, batches, killedAfter = "killed.search", 20, 7
	acme := w.Tenant(t, "acme")
	sent := call(agent, 10*time.Minute)
	posts := sent.Posts()
	if len(posts) < batches {
		t.Fatalf("%d batches, want at least %d", len(posts), batches)
	}
	var pid int
	for i, p := range posts {
		if i == killedAfter {
			pid = w.Signal(t, "opensearch", syscall.SIGKILL)
		}
		if status, _, raw := world.Send(t, acme.API()+"/"+p.Route, acme.Origin(), p.Body); status != http.StatusAccepted {
			t.Fatalf("batch %d: %s answered %d: %s", i, p.Route, status, raw)
		}
	}
	w.Restarted(t, "opensearch", pid)
	end := within(t, "all is there", catchUp)
	for kind, want := range sent.Documents() {
		world.Eventually(t, most*catchUp, fmt.Sprintf("%d documents of %s", want, kind), func(ctx context.Context) (bool, string) {
			n := w.Count(ctx, t, "acme-"+kind+"-*", world.AgentIs(agent))
			return n >= want, fmt.Sprint(n)
		})
	}
	end()
	w.Drain(t, acme)
	w.FindExactly(t, "acme", agent, sent)
}

// Postgres is killed in the middle of five onboardings that two workers share. All finish.
func TestPostgresRestartedDuringOnboardings(t *testing.T) {
	w := setup(t)
	startWorker(t, w, "second-worker", "EARSHOT_WORKERS=2", "EARSHOT_POLL=300ms")
	var slugs, operations []string
	for i := range 5 {
		slugs = append(slugs, fmt.Sprintf("shared%d", i))
		operations = append(operations, onboard(t, w, slugs[i]))
	}
	world.Eventually(t, catchTime, "all five have begun", func(ctx context.Context) (bool, string) {
		begun, err := query(ctx, w, `select step from operations where id = any($1::uuid[]) and step not in ('', 'create_stack')`, operations)
		return len(begun) == len(operations), fmt.Sprint(begun, err)
	})
	open := ask(t, w, `select step from operations where id = any($1::uuid[]) and finished_at is null`, operations)
	if len(open) == 0 {
		t.Fatal("all five were over before Postgres was killed")
	}
	t.Logf("Postgres is killed while %d of 5 are at %v", len(open), open)
	w.Restarted(t, "postgres", w.Signal(t, "postgres", syscall.SIGKILL))
	await(t, w, resumeTime, "succeeded", operations...)
	for i, s := range slugs {
		wantOnboarded(t, w, s, operations[i])
		wantToldOnce(t, w, s, operations[i])
	}
	if by := ask(t, w, `select distinct claimed_by from faults.claims where operation = any($1::uuid[])`, operations); len(by) < 2 {
		t.Errorf("only %v worked on them", by)
	}
}
