package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

func TestWhatArrivesInAWindowIsOneBatch(t *testing.T) {
	t.Parallel()
	for _, calls := range []int{1, 10, 100} {
		c := crowd{dice: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // must repeat, not be secret
		const lasts = time.Duration(rig.BatchesOfCall) * callPeriod
		turns := c.arrive(make([]telemetry.Envelope, calls*rig.BatchesOfCall), calls, lasts)
		sum := 0
		for i, one := range turns {
			sum += len(one.envelopes)
			if i > 0 && one.at < turns[i-1].at+batchWindow || one.at+batchWindow > lasts || len(one.envelopes) == 0 {
				t.Errorf("%d calls: batch %d of %d envelopes begins at %s", calls, i, len(one.envelopes), one.at)
			}
		}
		// A call's batch may come in the last window, which is cut off.
		if most := calls * rig.BatchesOfCall; sum > most || sum < most*8/10 {
			t.Errorf("%d of %d batches have arrived", sum, most)
		}
		if n := len(c.arrive(make([]telemetry.Envelope, calls*rig.BatchesOfCall), calls, time.Second)); n != 1 {
			t.Errorf("%d calls: %d batches in less than a window, want the first", calls, n)
		}
	}
}
