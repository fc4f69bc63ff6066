package verdict

import (
	"math"
	"slices"
)

// summary puts together what was found.
func (j *judge) summary() Summary {
	slices.SortStableFunc(j.findings, func(a, b Finding) int { return weight(b.Severity) - weight(a.Severity) })
	s := Summary{
		About:     j.About,
		Timestamp: j.start, StartedAt: j.start, EndedAt: j.end, TalkingSeconds: j.talking(),
		HeardByAgent: j.figures(byAgent, j.Heard), HeardByCustomer: j.figures(byCustomer, j.Spoken),
		Ended: EndedReport, Verdict: Good, Findings: j.findings[:min(len(j.findings), maxFindings)],
		RecordsSeen: j.seen, ReportsSeen: int64(len(j.Reports)), ClockSkewMillis: j.skew(),
	}
	if s.Findings == nil {
		s.Findings = []Finding{}
	}
	if len(j.Reports) == 0 {
		s.Ended = EndedLost
	}
	if len(s.Findings) > 0 {
		switch s.Findings[0].Severity {
		case Failed:
			s.Verdict = Failed
		case Severe:
			s.Verdict = Bad
		case Degraded:
			s.Verdict = Degraded
		}
	}
	if s.Verdict != Good {
		s.LikelyCause, s.CauseEvidence = j.cause()
	}
	s.RecordsExpected = j.expected(s.TalkingSeconds)
	s.MarkedBad, s.MarkedBadAt = len(j.MarkedBadAt) > 0, j.MarkedBadAt
	s.Explanation = j.explain(s)
	return s
}

func weight(severity string) int {
	return slices.Index([]string{Note, Degraded, Severe, Failed}, severity)
}

// talking is the longest talk that a report tells of (several pages may report one), else the time that was measured.
func (j *judge) talking() float64 {
	longest := 0.0
	for _, r := range j.Reports {
		longest = max(longest, r.TalkingSeconds)
	}
	if longest == 0 && len(j.Reports) == 0 {
		longest = float64(j.end-j.start) / float64(oneSecond)
	}
	return round(longest)
}

// expected is how many records the call should have: two for each second.
func (j *judge) expected(talking float64) int64 {
	seconds := int64(talking)
	if instants := j.instants(); len(instants) > 0 {
		seconds = max(seconds, *j.second(j.last)-*j.second(instants[0])+1)
	}
	return 2 * seconds
}

// skew is how wrong the browser's clock was, when that is by more than five minutes.
func (j *judge) skew() (worst int64) {
	const tolerated = 5 * 60_000
	for _, seconds := range [][]Second{j.Heard, j.Spoken} {
		for _, s := range seconds {
			if abs(s.SkewMillis) > tolerated && abs(s.SkewMillis) > abs(worst) {
				worst = s.SkewMillis
			}
		}
	}
	return worst
}

func abs(n int64) int64 { return max(n, -n) }

// figures of what one side heard.
func (j *judge) figures(heardBy string, seconds []Second) Direction {
	var d Direction
	var scores, jitters, buffers, trips []float64
	var lost, packets int64
	for _, s := range seconds {
		if s.IsSuspect {
			continue
		}
		scores, trips = appendKnown(scores, s.MOS), appendKnown(trips, s.RoundTrip)
		if s.IsBuffered {
			buffers = appendKnown(buffers, s.Jitter)
		} else {
			jitters = appendKnown(jitters, s.Jitter)
		}
		if s.Lost != nil && s.Packets != nil {
			lost, packets = lost+*s.Lost, packets+*s.Packets
		}
	}
	for _, score := range scores {
		if score < j.limits.MOS.Degraded {
			d.SecondsBad++
		}
	}
	d.MOSMean, d.MOSP10 = mean(scores), percentile(scores, 10)
	d.JitterP95Millis, d.JitterBufferP95Millis = percentile(jitters, 95), percentile(buffers, 95)
	d.RTTP95Millis = percentile(trips, 95)
	if loss := percent(heardBy, lost, packets); loss != nil {
		d.LossPercent = rounded(*loss)
	}
	return d
}

func appendKnown(list []float64, value *float64) []float64 {
	if value == nil {
		return list
	}
	return append(list, *value)
}

func mean(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return rounded(sum / float64(len(values)))
}

// percentile is the nearest rank: the least value that p percent of the values do not exceed.
func percentile(values []float64, p int) *float64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	return rounded(values[max(0, (len(values)*p+99)/100-1)])
}

func rounded(value float64) *float64 {
	value = round(value)
	return &value
}

// round keeps four decimals: a value that is beyond a threshold must not be rounded to it.
func round(value float64) float64 { return math.Round(value*10_000) / 10_000 }
