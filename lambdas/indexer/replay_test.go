package main

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// documents returns all that search holds of the tenant: the source of each document by index and id.
func (w *world) documents(t *testing.T) map[string]string {
	t.Helper()
	w.refresh(t)
	answer, err := w.root.Search(w.root.Search.WithIndex(w.slug.IndexPattern()), w.root.Search.WithSize(10_000), w.root.Search.WithContext(t.Context()))
	if err != nil || answer.IsError() {
		t.Fatal(answer, err)
	}
	defer func() { _ = answer.Body.Close() }()
	var found struct {
		Hits struct {
			Hits []struct {
				Index  string          `json:"_index"`
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, hit := range found.Hits.Hits {
		all[hit.Index+" "+hit.ID] = string(hit.Source)
	}
	return all
}

// archived returns all envelopes of the archive, in any order.
func (w *world) archived(t *testing.T) (envelopes []telemetry.Envelope) {
	t.Helper()
	for _, kind := range telemetry.Measured {
		keys, err := w.archive.Keys(t.Context(), kind, time.Now().Add(-24*time.Hour), time.Now().Add(time.Hour), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			for e, err := range w.archive.Read(t.Context(), key) {
				if err != nil {
					t.Fatal(err)
				}
				envelopes = append(envelopes, e)
			}
		}
	}
	rand.Shuffle(len(envelopes), func(i, j int) { envelopes[i], envelopes[j] = envelopes[j], envelopes[i] })
	return envelopes
}

// replay sends the archive's envelopes again, as lambdas/resend does.
func (w *world) replay(t *testing.T, envelopes []telemetry.Envelope) {
	t.Helper()
	for i := range envelopes {
		envelopes[i].Replay = true
	}
	if err := w.handler.Queue.(*queue.Queue).SendAll(t.Context(), envelopes); err != nil {
		t.Fatal(err)
	}
	if returned := w.deliver(t); returned != 0 {
		t.Errorf("%d messages went back", returned)
	}
}

func differences(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d documents, want %d", len(got), len(want))
	}
	told := 0
	for id, source := range want {
		if got[id] != source && told < 5 {
			told++
			t.Errorf("%s is\n%s\nwant\n%s", id, got[id], source)
		}
	}
}

// All indices of the tenant are deleted, and the archive brings back the same documents, field for field, whatever the order
// in which it is read, however often, and whatever came later under an id that was taken.
func TestAReplayBringsBackTheSameDocuments(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i, family := range []samplecall.Family{samplecall.Interarrival, samplecall.BufferDelay, samplecall.InterarrivalPlus} {
		w.send(t, samplecall.New(samplecall.Options{
			Agent: "replay.example", Start: time.Now().Add(-10 * time.Minute), Schema: 1 + i%2, Family: family, Seed: uint64(i),
		}))
		w.deliver(t)
	}
	// A second tab and a forger: the same ids later, with another page, and with other values.
	for _, e := range w.archived(t) {
		e.Ingest.ReceivedAt += 1000
		e.Ingest.PageID = "another-page"
		for i, record := range e.Records {
			e.Records[i].Doc = json.RawMessage(strings.ReplaceAll(string(record.Doc), `"agent":"replay.example"`, `"agent":"forged.example"`))
		}
		if err := w.handler.Queue.(*queue.Queue).Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	w.deliver(t)
	want := w.documents(t)
	if len(want) < 1000 {
		t.Fatalf("%d documents", len(want))
	}
	objects := len(w.archived(t))

	t.Run("over what is there", func(t *testing.T) {
		w.replay(t, w.archived(t))
		differences(t, w.documents(t), want)
	})
	t.Run("after all indices are gone", func(t *testing.T) {
		for range 2 {
			answer, err := w.root.Indices.Delete([]string{w.slug.IndexPattern()}, w.root.Indices.Delete.WithContext(t.Context()))
			if err != nil || answer.IsError() {
				t.Fatal(answer, err)
			}
			_ = answer.Body.Close()
			if left := w.documents(t); len(left) != 0 {
				t.Fatalf("%d documents are left", len(left))
			}
			w.replay(t, w.archived(t))
			differences(t, w.documents(t), want)
		}
	})
	if n := len(w.archived(t)); n != objects {
		t.Errorf("the archive holds %d envelopes after the replays, %d before", n, objects)
	}
	if n := w.waiting(t, w.deadURL); n != "0" {
		t.Errorf("%s dead letters", n)
	}
}
