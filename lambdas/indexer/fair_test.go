package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// batch is one post of a tenant, with records that no other has.
func (w *world) batch(n int) telemetry.Envelope {
	at := telemetry.InstantOf(time.Now())
	e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.slug, Ingest: telemetry.Ingest{ReceivedAt: at, Pusher: "test"}}
	for i := range 10 {
		id := fmt.Sprintf("fair-%06d-%d", n, i)
		e.Records = append(e.Records, telemetry.Record{ID: id, At: at, Doc: json.RawMessage(fmt.Sprintf(`{"agent":"fair","name":%q,"time":%d}`, id, n))})
	}
	return e
}

// watched notes when the archive, which is asked last, has an envelope: then search has it too.
type watched struct {
	Archive
	arrived func(telemetry.Envelope)
}

func (a watched) Keep(ctx context.Context, envelopes []telemetry.Envelope) []error {
	failed := a.Archive.Keep(ctx, envelopes)
	for i, e := range envelopes {
		if failed[i] == nil {
			a.arrived(e)
		}
	}
	return failed
}

// A quiet tenant's documents arrive while a neighbour of its cell sends fifty times as much, for as long as that lasts. How
// late they are is printed; that they come at all before the neighbour ends is what is wanted: no tenant waits behind another.
func TestALoudTenantDoesNotStarveAQuietOne(t *testing.T) {
	t.Parallel()
	const times, posts = 50, 12
	quiet, loud := newWard(t), newWard(t)

	var mu sync.Mutex
	delays := map[telemetry.Instant]time.Duration{}
	all := make(chan struct{})
	quiet.handler.Archive = watched{quiet.archive, func(e telemetry.Envelope) {
		mu.Lock()
		defer mu.Unlock()
		if delays[e.Ingest.ReceivedAt] = time.Since(e.Ingest.ReceivedAt.Time()); len(delays) == posts {
			close(all)
		}
	}}

	ctx, end := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for _, w := range []*ward{quiet, loud} {
		for range 2 { // as the event source's concurrency is capped
			work.Go(func() {
				for ctx.Err() == nil {
					w.turn(t, false)
				}
			})
		}
	}
	var sent atomic.Int64
	work.Go(func() {
		for ctx.Err() == nil {
			if loud.sender.Send(ctx, loud.batch(int(sent.Load()))) == nil {
				sent.Add(1)
			}
		}
	})
	for n := range posts {
		loud.patiently(t, "the loud tenant sends", func() bool { return sent.Load() >= int64(times*(n+1)) })
		if err := quiet.sender.Send(t.Context(), quiet.batch(n)); err != nil {
			t.Fatal(err)
		}
	}
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
		t.Error("the quiet tenant's documents do not arrive while the loud one sends")
	}
	end()
	work.Wait()
	mu.Lock()
	defer mu.Unlock()
	var list []time.Duration
	for _, d := range delays {
		list = append(list, d.Round(time.Millisecond))
	}
	slices.Sort(list)
	if len(list) > 0 {
		t.Logf("%d posts of the quiet tenant beside %d of the loud one: median %s, last %s", posts, sent.Load(), list[len(list)/2], list[len(list)-1])
	}
}
