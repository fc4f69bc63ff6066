package verdict

import (
	"slices"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A point is one second of a series that a rule looks at. Higher is worse.
type point struct {
	at     telemetry.Instant
	value  float64
	window float64 // what the rule makes of the seconds that end here
	ruled  bool    // there are enough of them
}

// A spell is a stretch in which a rule held.
type spell struct {
	from    telemetry.Instant
	seconds int64   // how many were beyond the limit
	worst   float64 // window
}

// A rule holds where k of the seconds of the last n are beyond a limit. Once it holds it must fail for n seconds to end.
type rule struct {
	k, n int
	of   every
}

// every says what the last n are of.
type every int

const (
	clock   every = iota // seconds on the clock: what is unknown counts as good
	samples              // known ones: what is unknown neither counts nor ends
)

// rate fills in the windows: the kth worst value, so that it is beyond a limit exactly where k values are.
func (r rule) rate(points []point) {
	from := 0
	for i := range points {
		if r.of == clock {
			for points[i].at-points[from].at >= telemetry.Instant(r.n)*oneSecond {
				from++
			}
		} else if from = max(0, i+1-r.n); points[i].at-points[from].at > r.longest() {
			continue
		}
		if i+1-from < r.k {
			continue
		}
		values := make([]float64, 0, r.n)
		for _, p := range points[from : i+1] {
			values = append(values, p.value)
		}
		slices.Sort(values)
		points[i].window, points[i].ruled = values[len(values)-r.k], true
	}
}

// longest is over how long n known seconds may be spread.
func (r rule) longest() telemetry.Instant { return telemetry.Instant(r.n) * oneSecond * 3 / 2 }

// spells returns the stretches in which the rule held beyond limit. The points must be rated.
func (r rule) spells(points []point, limit float64) []spell {
	var found []spell
	var held telemetry.Instant // when the rule last held
	first := 0
	for i, p := range points {
		if !p.ruled || p.window <= limit {
			continue
		}
		isNew := len(found) == 0 || p.at-held > telemetry.Instant(r.n)*oneSecond
		if isNew {
			first = r.begin(points, i, first, limit)
			found = append(found, spell{from: points[first].at, worst: p.window})
		}
		s := &found[len(found)-1]
		for ; first <= i; first++ {
			if points[first].value > limit {
				s.seconds++
			}
		}
		s.worst = max(s.worst, p.window)
		held = p.at
	}
	return found
}

// begin returns the first point beyond limit of the window that ends at i, but none before the end of the spell before.
func (r rule) begin(points []point, i, after int, limit float64) int {
	from := i
	for k := i; k >= after && i-k < r.n && points[i].at-points[k].at < r.longest(); k-- {
		if r.of == clock && points[i].at-points[k].at >= telemetry.Instant(r.n)*oneSecond {
			break
		}
		if points[k].value > limit {
			from = k
		}
	}
	return from
}
