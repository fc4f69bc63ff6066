package telemetry

import (
	"fmt"
	"testing"
)

// The table of the published figures, to four decimals.
func TestScoreOfPath(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		roundTrip, jitter float64
		lost, received    int64
		loss, r, mos      float64
		quality           string
	}{
		{0, 0, 0, 50, 0, 92.7200, 4.3998, "good"},
		{40, 2, 0, 50, 0, 92.1440, 4.3879, "good"},
		{188, 1, 0, 50, 0, 90.4160, 4.3491, "good"},
		{120, 12, 1, 49, 2, 83.6929, 4.1556, "good"},
		{250, 30, 3, 47, 6, 66.9050, 3.4487, "poor"},
		{400, 60, 5, 45, 10, 40.0775, 2.0678, "bad"},
		{800, 120, 20, 30, 40, -34.1087, 1.0000, "bad"},
		{60, 5, 50, 0, 100, 15.8208, 1.1419, "bad"},
	} {
		t.Run(fmt.Sprint(row.roundTrip, row.jitter, row.lost), func(t *testing.T) {
			t.Parallel()
			loss, known := lossOfSecond(&sample{lost: row.lost, packets: row.received})
			r := rate(oneWay(row.roundTrip, bufferFor(row.jitter)), loss)
			if !known || fix4(loss) != row.loss || fix4(r) != row.r || fix4(mosOf(r)) != row.mos || qualityOf(mosOf(r)) != row.quality {
				t.Errorf("loss %.4f R %.4f MOS %.4f %s, want %+v", loss, r, mosOf(r), qualityOf(mosOf(r)), row)
			}
			// The same path as a sender reports it.
			doc := decodeOne(t, fmt.Sprintf(`{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T09:00:00Z",
				"packetsLost":%d,"packetsCount":%d,"jitterBufferMillis":%v,"roundTripTimeMillis":%v}`,
				row.lost, row.received, row.jitter, row.roundTrip))
			if doc["mos"] != row.mos || doc["rFactor"] != row.r || doc["lossPercent"] != row.loss {
				t.Errorf("document has mos %v rFactor %v lossPercent %v", doc["mos"], doc["rFactor"], doc["lossPercent"])
			}
		})
	}
}

func TestScoreStaysInBounds(t *testing.T) {
	t.Parallel()
	for r := -50.0; r <= 120; r += 0.25 {
		if mos := mosOf(r); mos < 1 || mos > 4.5 {
			t.Errorf("R %.2f has MOS %.4f", r, mos)
		}
	}
}
