package faults_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
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

var outage = flag.Duration("outage", 40*time.Second, "how long search stands still in TestSearchStandsStillWhileCallsGoOn")

// Search stands still: it takes connections and answers nothing, so that every bulk ends by its time-out. Calls go on all the
// while, each is accepted, and when search goes on it has exactly their documents. With -outage=1h it is as long as no usual run has
// time for.
func TestSearchStandsStillWhileCallsGoOn(t *testing.T) {
	w := setup(t)
	length := *outage
	calls := max(8, int(length/(20*time.Second)))
	acme := w.Tenant(t, "acme")
	letters := retryWithin(t, w, "acme", time.Minute)["EARSHOT_DEAD_LETTER_URL"]
	pid := w.Signal(t, "opensearch", syscall.SIGSTOP)
	resume := func() { _ = syscall.Kill(pid, syscall.SIGCONT) } // it may have been resumed, or be gone
	t.Cleanup(resume)

	began := time.Now()
	sent, total := map[string]map[string]int{}, 0 // by agent and kind
	for i := range calls {
		waitUntil(t, began.Add(length*time.Duration(i)/time.Duration(calls)))
		agent := fmt.Sprintf("outage.%03d", i)
		c := call(agent, 2*time.Minute)
		w.Post(t, acme, c)
		sent[agent] = c.Documents()
		for _, n := range c.Documents() {
			total += n
		}
	}
	waitUntil(t, began.Add(length))
	t.Logf("%d calls of %d records were accepted while search stood still for %s", calls, total, time.Since(began).Round(time.Second))
	resume()
	resumed := time.Now()
	var told time.Time
	world.Eventually(t, max(most*catchUp, length), "every record is there", func(ctx context.Context) (bool, string) {
		found := foundOf(ctx, t, w, "acme", "outage.")
		is := 0
		for _, kinds := range found {
			for _, n := range kinds {
				is += n
			}
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			t.Logf("%s after search went on: %d of %d", time.Since(resumed).Round(time.Second), is, total)
		}
		return is >= total, fmt.Sprintf("%d of %d", is, total)
	})
	t.Logf("all were there %s after search went on", time.Since(resumed).Round(time.Second))
	w.Drain(t, acme)
	found := foundOf(t.Context(), t, w, "acme", "outage.")
	for agent, kinds := range sent {
		if !maps.Equal(found[agent], kinds) {
			t.Errorf("%s has %v, want %v", agent, found[agent], kinds)
		}
	}
	if len(found) != len(sent) {
		t.Errorf("documents of %d agents, want %d", len(found), len(sent))
	}
	if n := w.Length(t.Context(), t, letters); n != 0 {
		t.Errorf("%d letters are dead", n)
	}
}

func waitUntil(t *testing.T, instant time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(instant))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// retryWithin has the tenant's indexer keep messages away for no longer than this after a failure, whatever the outage, until the
// test ends, and returns the indexer's other settings.
func retryWithin(t *testing.T, w *world.World, s string, longest time.Duration) map[string]string {
	t.Helper()
	functions, name := lambda.NewFromConfig(w.AWS()), aws.String(slug.Slug(s).FunctionName("indexer"))
	is, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	set := func(variables map[string]string) {
		_, err := functions.UpdateFunctionConfiguration(context.WithoutCancel(t.Context()), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: name, Environment: &types.Environment{Variables: variables},
		})
		if err != nil {
			t.Error(err)
		}
	}
	before := is.Environment.Variables
	t.Cleanup(func() { set(before) })
	shorter := maps.Clone(before)
	shorter["EARSHOT_RETRY_MOST"] = longest.String()
	set(shorter)
	return before
}

// foundOf counts a tenant's documents by agent and kind, of agents whose names begin so.
func foundOf(ctx context.Context, t *testing.T, w *world.World, s, agents string) map[string]map[string]int {
	t.Helper()
	found := map[string]map[string]int{}
	for kind := range call("any", time.Minute).Documents() {
		pattern := "/" + s + "-" + kind + "-*"
		_, _ = w.Search(ctx, t, http.MethodPost, pattern+"/_refresh?ignore_unavailable=true", nil) // what is not there yet is asked for again
		_, raw := w.Search(ctx, t, http.MethodPost, pattern+"/_search?ignore_unavailable=true", map[string]any{
			"size": 0, "query": map[string]any{"prefix": map[string]any{"doc.agent.keyword": agents}},
			"aggs": map[string]any{"agents": map[string]any{"terms": map[string]any{"field": "doc.agent.keyword", "size": 10_000}}},
		})
		var answer struct {
			Aggregations struct {
				Agents struct {
					Buckets []struct {
						Key   string
						Count int `json:"doc_count"`
					}
				}
			}
		}
		if json.Unmarshal(raw, &answer) != nil {
			continue // search is not there yet
		}
		for _, b := range answer.Aggregations.Agents.Buckets {
			if found[b.Key] == nil {
				found[b.Key] = map[string]int{}
			}
			found[b.Key][kind] = b.Count
		}
	}
	return found
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
