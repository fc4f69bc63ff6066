package telemetry

import (
	"encoding/json"
	"fmt"
	"testing"
)

// The table of the published figures, to four decimals. The softphone is tested with the same file.
func TestScoreOfPath(t *testing.T) {
	t.Parallel()
	var rows []struct {
		RoundTrip float64 `json:"roundTripMillis"`
		Jitter    float64 `json:"jitterMillis"`
		Lost      int64   `json:"lost"`
		Received  int64   `json:"received"`
		Loss      float64 `json:"lossPercent"`
		R         float64 `json:"r"`
		MOS       float64 `json:"mos"`
		Quality   string  `json:"quality"`
	}
	if err := json.Unmarshal(readFile(t, "vectors/mos.json"), &rows); err != nil || len(rows) == 0 {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(fmt.Sprint(row.RoundTrip, row.Jitter, row.Lost), func(t *testing.T) {
			t.Parallel()
			loss, known := lossOfSecond(&sample{lost: row.Lost, packets: row.Received})
			r := rate(oneWay(row.RoundTrip, bufferFor(row.Jitter)), loss)
			if !known || fix4(loss) != row.Loss || fix4(r) != row.R || fix4(mosOf(r)) != row.MOS || qualityOf(mosOf(r)) != row.Quality {
				t.Errorf("loss %.4f R %.4f MOS %.4f %s, want %+v", loss, r, mosOf(r), qualityOf(mosOf(r)), row)
			}
			// The same path as a sender reports it.
			doc := decodeOne(t, fmt.Sprintf(`{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T09:00:00Z",
				"packetsLost":%d,"packetsCount":%d,"jitterBufferMillis":%v,"roundTripTimeMillis":%v}`,
				row.Lost, row.Received, row.Jitter, row.RoundTrip))
			if doc["mos"] != row.MOS || doc["rFactor"] != row.R || doc["lossPercent"] != row.Loss {
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
