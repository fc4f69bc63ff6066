package main

import (
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A request that is under way when its agent is erased finds the documents that are about to go. Its summary ends at the
// indexer, and one that search has already goes with them; neither may hide behind a browser's clock that is ahead.
func TestASummaryInFlightDoesNotBringAnErasedAgentBack(t *testing.T) {
	t.Parallel()
	const key, gone = "the tenant's key", "mira.holm"
	for name, begins := range map[string]time.Duration{"a call of before": -10 * time.Minute, "a clock that is ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			post := func(agent string, begins time.Duration) {
				t.Helper()
				w.write(t, samplecall.New(samplecall.Options{
					Agent: agent, Schema: 2, Start: w.now.Add(begins).Truncate(time.Millisecond), Duration: 2 * time.Minute,
				}).Posts())
			}
			post(gone, begins)
			post("jo.lund", begins)
			before := w.now.Add(time.Second)
			erasures := telemetry.NewErasures(key)
			erasures.Add(telemetry.SubjectOf(key, gone), telemetry.InstantOf(before))

			inFlight := w.settle(t, 2*time.Hour)
			ended := 0
			for _, e := range inFlight {
				w.index(t, e) // as an indexer does that does not know of the erasure yet
				_, n := erasures.Apply(e)
				ended += n
			}
			if len(inFlight) != 2 || ended != 1 || len(w.found(t)) != 2 {
				t.Fatalf("%d summaries, of which %d end at the indexer", len(inFlight), ended)
			}
			if _, done, err := w.admin.EraseAgent(t.Context(), w.slug, gone, before, time.Now().Add(time.Minute)); err != nil || !done {
				t.Fatal(done, err)
			}
			if s := w.only(t); s.Agent != "jo.lund" {
				t.Errorf("the summary of %s is left", s.Agent)
			}

			post(gone, time.Minute) // of a later agent of that name
			for _, e := range w.settle(t, 2*time.Hour) {
				rest, n := erasures.Apply(e)
				if n > 0 {
					t.Error("a later call's summary ends at the indexer")
				}
				w.index(t, rest)
			}
			if found := w.found(t); len(found) != 2 {
				t.Errorf("%d summaries", len(found))
			}
		})
	}
}
