package verdict

import (
	"slices"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// mostly is the rule of jitter and round trip, lasting that of a score that stays low for more than ten seconds.
var (
	mostly  = rule{k: 10, n: 15, of: clock}
	lasting = rule{k: 11, n: 11, of: samples}
)

// findInDirection looks at what one side heard.
func (j *judge) findInDirection(heardBy string, seconds []Second) {
	j.findLoss(heardBy, seconds)
	kind := func(buffered bool) func(Second) *float64 {
		return func(s Second) *float64 {
			if s.IsBuffered != buffered {
				return nil
			}
			return s.Jitter
		}
	}
	j.findLevels(FindingJitter, heardBy, mostly, points(seconds, kind(false)), j.limits.JitterMillis)
	if heardBy == byAgent { // the family copies the delay of this direction to the other
		j.findLevels(FindingJitterBuffer, heardBy, mostly, points(seconds, kind(true)), j.limits.JitterBufferMillis)
	}
	low := points(seconds, func(s Second) *float64 { return s.MOS })
	for i := range low {
		low[i].value = -low[i].value
	}
	j.findLevels(FindingPoorMOS, heardBy, lasting, low, tenant.Levels{Degraded: -j.limits.MOS.Degraded, Severe: -j.limits.MOS.Severe})
	if heardBy == byAgent {
		j.findSilence(FindingNothingReceived, heardBy, seconds, j.limits.NothingReceivedSeconds, isNothing, isHeld)
		return
	}
	j.findSilence(FindingNothingSent, heardBy, seconds, j.limits.NothingSentSeconds, isNothing, isHeldOrMuted)
	j.findSilence(FindingSilentMicrophone, heardBy, seconds, j.limits.SilentMicrophoneSeconds, isSilent, isHeldOrMuted)
}

// points returns the known values of the seconds that may be judged.
func points(seconds []Second, of func(Second) *float64) []point {
	var known []point
	for _, s := range seconds {
		if value := of(s); value != nil && !s.IsSuspect {
			known = append(known, point{at: s.At, value: round(*value)})
		}
	}
	return known
}

// findLevels adds a finding for each spell beyond the first level; one in which the rule holds beyond the second is severe.
func (j *judge) findLevels(id, heardBy string, r rule, series []point, levels tenant.Levels) {
	r.rate(series)
	for _, s := range r.spells(series, levels.Degraded) {
		severity, limit := Degraded, levels.Degraded
		if s.worst > levels.Severe {
			severity, limit = Severe, levels.Severe
		}
		f := Finding{ID: id, Severity: severity, HeardBy: heardBy, FromSecond: j.second(s.from), Seconds: s.seconds}
		if id == FindingPoorMOS {
			s.worst, limit = -s.worst, -limit
		}
		j.add(f.with(s.worst, limit))
	}
}

const (
	lossWindow  = 10 * oneSecond
	lossSeconds = 10 // in all
)

// findLoss adds the loss of a direction, over windows of ten seconds: the far end reports that of the outbound direction in
// lumps. It holds where ten windows are beyond a level, and its value is what the ten worst are or more.
func (j *judge) findLoss(heardBy string, seconds []Second) {
	windows := lossWindows(heardBy, seconds)
	if len(windows) < lossSeconds {
		return
	}
	worst := make([]float64, 0, len(windows))
	for _, w := range windows {
		worst = append(worst, w.value)
	}
	slices.Sort(worst)
	value := worst[len(worst)-lossSeconds]
	severity, limit := Note, j.limits.LossPercent.Note
	switch l := j.limits.LossPercent; {
	case value <= l.Note:
		return
	case value > l.Severe:
		severity, limit = Severe, l.Severe
	case value > l.Degraded:
		severity, limit = Degraded, l.Degraded
	}
	f := Finding{ID: FindingLoss, Severity: severity, HeardBy: heardBy}
	for _, w := range windows {
		if w.value <= limit {
			continue
		}
		if f.Seconds++; f.FromSecond == nil {
			f.FromSecond = j.second(w.at)
		}
	}
	j.add(f.with(value, limit))
}

// lossWindows returns the loss over each ten seconds, in percent, at their ends.
func lossWindows(heardBy string, seconds []Second) []point {
	var counted []Second
	for _, s := range seconds {
		if s.Packets != nil && s.Lost != nil && !s.IsSuspect {
			counted = append(counted, s)
		}
	}
	var windows []point
	var lost, packets int64
	from := 0
	for _, s := range counted {
		lost, packets = lost+*s.Lost, packets+*s.Packets
		for s.At-counted[from].At >= lossWindow {
			lost, packets = lost-*counted[from].Lost, packets-*counted[from].Packets
			from++
		}
		loss := percent(heardBy, lost, packets)
		if s.At-counted[0].At+oneSecond < lossWindow || loss == nil { // the first is not full
			continue
		}
		windows = append(windows, point{at: s.At, value: *loss})
	}
	return windows
}

// percent is what part of the packets was lost. Of what was received, the lost come on top; of what was sent, they are a part.
func percent(heardBy string, lost, packets int64) *float64 {
	all := packets
	if heardBy == byAgent {
		all += lost
	}
	if all == 0 {
		return nil
	}
	value := round(min(100, 100*float64(lost)/float64(all)))
	return &value
}

// findSilence adds where something was missing for so many seconds. An excuse that is known and holds ends it; one that is
// unknown (schema 1) makes it less severe.
func (j *judge) findSilence(id, heardBy string, seconds []Second, n int, isMissing func(Second) (yes, known bool), excuse func(Second) (holds, known bool)) {
	var series []point
	for _, s := range seconds {
		missing, isKnown := isMissing(s)
		if !isKnown || s.IsSuspect {
			continue
		}
		p := point{at: s.At}
		if excused, isKnown := excuse(s); missing && !isKnown {
			p.value = 1
		} else if missing && !excused {
			p.value = 2
		}
		series = append(series, p)
	}
	r := rule{k: n, n: n, of: samples}
	r.rate(series)
	for _, s := range r.spells(series, 0) {
		severity := Degraded
		if s.worst > 1 {
			severity = Severe
		}
		f := Finding{ID: id, Severity: severity, HeardBy: heardBy, FromSecond: j.second(s.from), Seconds: s.seconds}
		j.add(f.with(float64(s.seconds), float64(n)))
	}
}

func isNothing(s Second) (yes, known bool) {
	return s.Packets != nil && *s.Packets == 0, s.Packets != nil
}

// silentLevel is the loudest that a microphone is which hears nothing at all.
const silentLevel = 1

func isSilent(s Second) (yes, known bool) {
	known = s.Packets != nil && s.Level != nil
	return known && *s.Packets > 0 && *s.Level <= silentLevel, known
}

func isHeld(s Second) (holds, known bool) { return s.OnHold != nil && *s.OnHold, s.OnHold != nil }

func isHeldOrMuted(s Second) (holds, known bool) {
	held, isHoldKnown := isHeld(s)
	muted := s.Muted != nil && *s.Muted
	return held || muted, held || muted || isHoldKnown && s.Muted != nil
}

// instants of both directions, in order, each second once.
func (j *judge) instants() []telemetry.Instant {
	all := make([]telemetry.Instant, 0, len(j.Heard)+len(j.Spoken))
	for _, seconds := range [][]Second{j.Heard, j.Spoken} {
		for _, s := range seconds {
			all = append(all, s.At)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
