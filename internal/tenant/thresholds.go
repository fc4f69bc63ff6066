package tenant

import (
	"bytes"
	"encoding/json"
	"math"

	"github.com/earshot-hq/earshot/internal/fault"
)

// Thresholds say from where on a call is told to be other than good. A finding holds when a value is over its threshold (a
// score: under it), or lasts as many seconds.
type Thresholds struct {
	LossPercent             Loss   `json:"loss_percent"`
	JitterMillis            Levels `json:"jitter_millis"`        // interarrival
	JitterBufferMillis      Levels `json:"jitter_buffer_millis"` // of the buffer-delay family, whose healthy values are 40 to 80
	RoundTripMillis         Levels `json:"round_trip_millis"`
	MOS                     Levels `json:"mos"`
	NothingReceivedSeconds  int    `json:"nothing_received_seconds"`
	NothingSentSeconds      int    `json:"nothing_sent_seconds"`
	SilentMicrophoneSeconds int    `json:"silent_microphone_seconds"`
	SlowConnectSeconds      Levels `json:"slow_connect_seconds"`
	GapSeconds              int    `json:"gap_seconds"`
	APIErrors               int    `json:"api_errors"`
	LongHoldSeconds         int    `json:"long_hold_seconds"`
	LongMuteSeconds         int    `json:"long_mute_seconds"`
}

// Levels are the thresholds of two severities; severe is the further one.
type Levels struct {
	Degraded float64 `json:"degraded"`
	Severe   float64 `json:"severe"`
}

// Loss is Levels with a first one that is only noted.
type Loss struct {
	Note     float64 `json:"note"`
	Degraded float64 `json:"degraded"`
	Severe   float64 `json:"severe"`
}

// DefaultThresholds returns what holds for a tenant that chooses nothing. Voice planning guides ask for at most 1 % loss, Opus
// with concealment hides up to about 2.5 %, and above 10 % a score falls under 3.5; scores are the categories of user
// satisfaction in G.107 Annex B.
func DefaultThresholds() Thresholds {
	return Thresholds{
		LossPercent:             Loss{Note: 1, Degraded: 2.5, Severe: 10},
		JitterMillis:            Levels{Degraded: 30, Severe: 60},
		JitterBufferMillis:      Levels{Degraded: 150, Severe: 300},
		RoundTripMillis:         Levels{Degraded: 300, Severe: 500},
		MOS:                     Levels{Degraded: 3.6, Severe: 3.1},
		NothingReceivedSeconds:  5,
		NothingSentSeconds:      5,
		SilentMicrophoneSeconds: 15,
		SlowConnectSeconds:      Levels{Degraded: 10, Severe: 15},
		GapSeconds:              5,
		APIErrors:               3,
		LongHoldSeconds:         30,
		LongMuteSeconds:         30,
	}
}

var errThreshold = fault.New(fault.Invalid, "settings.threshold_invalid",
	"A threshold is out of its range, or a severe one is not beyond the degraded one.")

// merge changes the members that a JSON object holds, and none besides.
func (t *Thresholds) merge(change json.RawMessage) error {
	if len(change) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(change))
	decoder.DisallowUnknownFields()
	return decoder.Decode(t)
}

func (t Thresholds) check(w *wrongs) {
	const at = "/settings/thresholds/"
	rising := func(name string, most float64, levels ...float64) {
		for i, level := range levels {
			if !(level > 0 && level <= most) || i > 0 && level <= levels[i-1] { // NaN is neither
				w.add(at+name, errThreshold)
				return
			}
		}
	}
	rising("loss_percent", 100, t.LossPercent.Note, t.LossPercent.Degraded, t.LossPercent.Severe)
	rising("jitter_millis", 2000, t.JitterMillis.Degraded, t.JitterMillis.Severe)
	rising("jitter_buffer_millis", 10_000, t.JitterBufferMillis.Degraded, t.JitterBufferMillis.Severe)
	rising("round_trip_millis", 10_000, t.RoundTripMillis.Degraded, t.RoundTripMillis.Severe)
	rising("slow_connect_seconds", 300, t.SlowConnectSeconds.Degraded, t.SlowConnectSeconds.Severe)
	const bestScore = 4.5
	if rising("mos", bestScore, t.MOS.Severe, t.MOS.Degraded); t.MOS.Severe < 1 || math.IsNaN(t.MOS.Severe) {
		w.add(at+"mos", errThreshold.With("A score is from 1 to 4.5."))
	}
	for name, value := range map[string]int{
		"nothing_received_seconds": t.NothingReceivedSeconds, "nothing_sent_seconds": t.NothingSentSeconds,
		"silent_microphone_seconds": t.SilentMicrophoneSeconds, "gap_seconds": t.GapSeconds, "api_errors": t.APIErrors,
		"long_hold_seconds": t.LongHoldSeconds, "long_mute_seconds": t.LongMuteSeconds,
	} {
		w.between(at+name, value, 1, 3600)
	}
}
