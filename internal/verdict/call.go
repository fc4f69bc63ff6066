package verdict

import (
	"slices"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/internal/readings"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// findInCall looks at what is of no direction.
func (j *judge) findInCall() {
	j.findRoundTrip()
	j.findAttempts()
	j.findGaps()
	j.findErrors()
	j.findSoftphones()
	j.findPauses(FindingLongHold, FindingEndedOnHold, j.limits.LongHoldSeconds, func(s Second) *bool { return s.OnHold })
	j.findPauses(FindingLongMute, FindingEndedOnMute, j.limits.LongMuteSeconds, func(s Second) *bool { return s.Muted })
	j.findMutedEnd()
}

// findRoundTrip judges the worse of both directions: it is of the way there and back, and older libraries know it of one only.
func (j *judge) findRoundTrip() {
	trips := func(seconds []Second) []point { return points(seconds, func(s Second) *float64 { return s.RoundTrip }) }
	all := slices.Concat(trips(j.Heard), trips(j.Spoken))
	slices.SortStableFunc(all, func(a, b point) int { return int(a.at - b.at) })
	series := all[:0]
	for _, p := range all {
		if n := len(series); n > 0 && p.at-series[n-1].at < twin {
			series[n-1].value = max(series[n-1].value, p.value)
			continue
		}
		series = append(series, p)
	}
	j.findLevels(FindingRoundTrip, "", mostly, series, j.limits.RoundTripMillis)
}

// findAttempts looks at the reports. An attempt that failed makes the call a failed one only when none got media; else it made
// the call worse.
func (j *judge) findAttempts() {
	failed := Failed
	if j.hasMedia() {
		failed = Degraded
	}
	slowest, lost, denied := 0.0, int64(0), false
	var stages []string
	for _, r := range j.Reports {
		slowest = max(slowest, r.ConnectMillis/1000)
		lost += r.ConnectionsLost
		denied = denied || r.MicrophoneDenied
		if r.FailureStage != "" && !slices.Contains(stages, r.FailureStage) {
			stages = append(stages, r.FailureStage)
		}
	}
	for _, stage := range stages {
		j.add(Finding{ID: FindingMediaFailed, Severity: failed, Value: stage})
	}
	if denied {
		j.add(Finding{ID: FindingMicrophoneRefused, Severity: failed, HeardBy: byCustomer})
	}
	switch levels, f := j.limits.SlowConnectSeconds, (Finding{ID: FindingSlowConnect, Severity: Degraded}); {
	case slowest > levels.Severe:
		f.Severity = Severe
		j.add(f.with(slowest, levels.Severe))
	case slowest > levels.Degraded:
		j.add(f.with(slowest, levels.Degraded))
	}
	if lost > 0 {
		j.add(Finding{ID: FindingConnectionLost, Severity: Severe}.with(float64(lost), 0))
	}
}

// findGaps adds where seconds are missing: between two, before the end that a report tells, and after the last when no report
// came, as when a laptop is closed.
func (j *judge) findGaps() {
	instants := j.instants()
	if len(instants) == 0 {
		return
	}
	if len(j.Reports) > 0 {
		instants = append(instants, j.end)
	}
	for i, at := range instants[1:] {
		before := instants[i]
		missing := int64((at-before+oneSecond/2)/oneSecond) - 1
		if missing < int64(j.limits.GapSeconds) {
			continue
		}
		f := Finding{ID: FindingConnectionLost, Severity: Severe, FromSecond: j.second(before + oneSecond), Seconds: missing}
		j.add(f.with(float64(missing), float64(j.limits.GapSeconds)))
	}
	if len(j.Reports) == 0 {
		j.add(Finding{ID: FindingConnectionLost, Severity: Severe, FromSecond: j.second(j.last + oneSecond), Value: noReport})
	}
}

// noReport is the value of a connection_lost whose only sign is that the call's page never reported its end.
const noReport = "no_report"

func (j *judge) findErrors() {
	errors := 0
	for _, m := range j.Metrics {
		if m.IsMethod && m.Failed && m.At >= j.start && m.At <= j.end {
			errors++
		}
	}
	if errors >= j.limits.APIErrors {
		j.add(Finding{ID: FindingAPIErrors, Severity: Degraded}.with(float64(errors), float64(j.limits.APIErrors)))
	}
}

// findSoftphones tells that several pages were open, by what they say or by records that come from two in turn. A page that
// was loaded anew, or a computer that changed its network, does not come back.
func (j *judge) findSoftphones() {
	open := int64(0)
	for _, r := range j.Reports {
		open = max(open, r.OpenPages)
	}
	seconds := slices.Concat(j.Heard, j.Spoken)
	slices.SortStableFunc(seconds, func(a, b Second) int { return int(a.At - b.At) })
	for _, s := range seconds {
		open = max(open, s.OpenPages)
	}
	if open < 2 && (alternate(seconds, func(s Second) string { return s.Page }) || alternate(seconds, func(s Second) string { return s.Address })) {
		open = 2
	}
	if open > 1 {
		j.add(Finding{ID: FindingSoftphones, Severity: Note}.with(float64(open), 1))
	}
}

// alternate reports whether one source came back after another.
func alternate(seconds []Second, of func(Second) string) bool {
	left := map[string]bool{}
	now := ""
	for _, s := range seconds {
		source := of(s)
		switch {
		case source == "" || source == now:
			continue
		case left[source]:
			return true
		case now != "":
			left[now] = true
		}
		now = source
	}
	return false
}

// findPauses notes long stretches on hold or muted, and one that the call ended in.
func (j *judge) findPauses(long, ended string, n int, of func(Second) *bool) {
	var series []point
	for _, s := range j.Spoken {
		if on := of(s); on != nil {
			p := point{at: s.At}
			if *on {
				p.value = 1
			}
			series = append(series, p)
		}
	}
	r := rule{k: n, n: n, of: samples}
	r.rate(series)
	for _, s := range r.spells(series, 0) {
		f := Finding{ID: long, Severity: Note, FromSecond: j.second(s.from), Seconds: s.seconds}
		j.add(f.with(float64(s.seconds), float64(n)))
	}
	run := int64(0)
	for i := len(series) - 1; i >= 0 && series[i].value > 0; i-- {
		run++
	}
	if run >= int64(n) {
		f := Finding{ID: ended, Severity: Note, FromSecond: j.second(series[len(series)-int(run)].at), Seconds: run}
		j.add(f.with(float64(run), float64(n)))
	}
}

// findMutedEnd takes from a report what the seconds of older senders do not know.
func (j *judge) findMutedEnd() {
	for _, f := range j.findings {
		if f.ID == FindingEndedOnMute {
			return
		}
	}
	limit := float64(j.limits.LongMuteSeconds)
	for _, r := range j.Reports {
		if r.MutedAtEnd >= limit {
			f := Finding{ID: FindingEndedOnMute, Severity: Note, Seconds: int64(r.MutedAtEnd)}
			j.add(f.with(float64(f.Seconds), limit))
			return
		}
	}
}

// snapshotsMissing reports whether the page did not reach Connect while something was wrong: it asks for a snapshot of the
// agent at least every half minute as long as it lives.
func (j *judge) snapshotsMissing(from, to telemetry.Instant) bool {
	const longest = 45 * oneSecond
	var snapshots []telemetry.Instant
	for _, m := range j.Metrics {
		if m.IsSnapshot && !m.Failed {
			snapshots = append(snapshots, m.At)
		}
	}
	slices.Sort(snapshots)
	if n := len(snapshots); n > 0 && len(j.Reports) == 0 { // long after a lost call it is known that no more came
		snapshots = append(snapshots, max(j.end, snapshots[n-1])+longest+1)
	}
	for i, next := range snapshots {
		if i == 0 {
			continue
		}
		at := snapshots[i-1]
		if next-at > longest && at < to && next > from {
			return true
		}
	}
	return false
}

// units are those of the findings whose value is a measure; the others' are counts.
var units = map[string]readings.Unit{
	FindingLoss: readings.Percent, FindingPoorMOS: readings.MOS, FindingSlowConnect: readings.Seconds,
	FindingJitter: readings.Millis, FindingJitterBuffer: readings.Millis, FindingRoundTrip: readings.Millis,
	FindingNothingReceived: readings.Duration, FindingNothingSent: readings.Duration, FindingSilentMicrophone: readings.Duration,
	FindingLongHold: readings.Duration, FindingLongMute: readings.Duration, FindingEndedOnHold: readings.Duration, FindingEndedOnMute: readings.Duration,
}

func unitOf(id string) readings.Unit {
	if unit, isMeasure := units[id]; isMeasure {
		return unit
	}
	return readings.Count
}

// with sets the value of a finding and what it is beyond.
func (f Finding) with(value, limit float64) Finding {
	f.limit, f.Value = limit, unitOf(f.ID).Beyond(value, limit)
	return f
}

// Text is the value as people read it, with its unit. Summaries of before hold more digits than it shows.
func (f Finding) Text() string {
	value, err := strconv.ParseFloat(f.Value, 64)
	if err != nil { // a stage, or nothing
		return strings.ReplaceAll(f.Value, "_", " ")
	}
	return unitOf(f.ID).Text(value)
}
