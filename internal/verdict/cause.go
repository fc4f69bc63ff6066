package verdict

import (
	"slices"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// The likely causes. Each is a reading of evidence, not a proof.
const (
	CauseDevice  = "agent_device"
	CauseNetwork = "agent_network"
	CauseUplink  = "agent_uplink"
	CauseFarSide = "far_side"
	CauseUnknown = "unknown"
)

// evidenceSnapshots is evidence that is no finding: the page did not reach Connect while the call was bad.
const evidenceSnapshots = "snapshots_missing"

// cause returns the likely cause and the findings that speak for it. The order is fixed: what explains more comes first.
func (j *judge) cause() (cause string, evidence []string) {
	if device := j.having("", FindingMicrophoneRefused, FindingSilentMicrophone); len(device) > 0 {
		return CauseDevice, device
	}
	// What either side heard badly. Silence is none of it: it may be a choice, or the far side's.
	heard := j.having(byAgent, FindingLoss, FindingJitter, FindingJitterBuffer, FindingPoorMOS, FindingNothingReceived)
	spoken := j.having(byCustomer, FindingLoss, FindingJitter, FindingPoorMOS, FindingNothingSent)
	path := j.having("", FindingRoundTrip, FindingJitter, FindingJitterBuffer)
	isSlow := slices.Contains(path, FindingRoundTrip)
	switch {
	case len(heard) > 0 && len(spoken) > 0:
		return CauseNetwork, union(heard, spoken)
	case isSlow && len(path) > 1:
		return CauseNetwork, path
	case j.missedSnapshots():
		return CauseNetwork, append(j.having("", anything...), evidenceSnapshots)
	case slices.Contains(spoken, FindingLoss) && len(heard) == 0:
		return CauseUplink, spoken
	case len(heard) > 0 && len(spoken) == 0 && !isSlow && len(j.having("", FindingConnectionLost)) == 0:
		return CauseFarSide, heard
	}
	return CauseUnknown, nil
}

var anything = []string{
	FindingConnectionLost, FindingNothingReceived, FindingNothingSent, FindingLoss, FindingJitter, FindingJitterBuffer,
	FindingRoundTrip, FindingPoorMOS,
}

// having returns which of the findings there are that are more than a note, each once. Those that name a side must be heard by
// the one asked for, if any is.
func (j *judge) having(heardBy string, ids ...string) []string {
	var found []string
	for _, f := range j.findings {
		if slices.Contains(ids, f.ID) && f.Severity != Note && (heardBy == "" || f.HeardBy == heardBy) && !slices.Contains(found, f.ID) {
			found = append(found, f.ID)
		}
	}
	return found
}

// missedSnapshots reports whether the page did not reach Connect during what was wrong.
func (j *judge) missedSnapshots() bool {
	for _, f := range j.findings {
		if f.Severity == Note || f.FromSecond == nil || !slices.Contains(anything, f.ID) {
			continue
		}
		from := j.start + telemetry.Instant(*f.FromSecond)*oneSecond
		if j.snapshotsMissing(from, from+telemetry.Instant(max(1, f.Seconds))*oneSecond) {
			return true
		}
	}
	return false
}

func union(a, b []string) []string {
	for _, id := range b {
		if !slices.Contains(a, id) {
			a = append(a, id)
		}
	}
	return a
}
