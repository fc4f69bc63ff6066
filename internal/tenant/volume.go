package tenant

import (
	"slices"
	"time"
)

// The sizes that an index's period is chosen by: the more an index holds, the fewer shards a tenant takes, until one is too much to
// move and to search.
const (
	fullIndex  = 10 << 30 // bytes: more is too much
	aimedIndex = 5 << 30  // bytes: what a shorter period is to stay under
	roomyIndex = aimedIndex / 2
)

// maxMeasured is how many periods a kind has had when no more are measured: the rest are for people to choose.
const maxMeasured = maxPeriods - 4

type span struct {
	period Period
	days   int64
}

// ascending are the periods from the shortest to the longest, and their days.
var ascending = []span{{Day, 1}, {Week, 7}, {Month, 31}, {Quarter, 92}, {Year, 366}}

// PeriodByVolume returns the period that suits a kind whose documents come to so many bytes a day, and whether it is another than
// the list's last. It is never longer than the one that somebody chose last, which bounds how long documents are kept; and a
// shorter one that somebody chose is never made longer. In between it changes only when an index grows past what is too much, or
// would be roomy with the next longer period, so that a volume that sways changes nothing. A choice that has not begun is left alone.
func PeriodByVolume(list []PeriodFrom, bytesPerDay int64, now time.Time) (to Period, isOther bool) {
	if len(list) == 0 || len(list) >= maxMeasured || list[len(list)-1].ValidFrom.After(now) {
		return "", false
	}
	present, longest := rank(list[len(list)-1].Period), -1
	for _, from := range list {
		if !from.ByVolume {
			longest = rank(from.Period)
		}
	}
	size := func(rank int) int64 { return bytesPerDay * ascending[rank].days }
	switch {
	case present < 0 || longest < 0:
		return "", false
	case present > 0 && size(present) > fullIndex:
	case present < longest && size(present+1) <= roomyIndex:
	default:
		return "", false
	}
	best := 0
	for i := range longest + 1 {
		if size(i) <= aimedIndex {
			best = i
		}
	}
	return ascending[best].period, best != present
}

// rank is a period's place among them, -1 for none.
func rank(p Period) int {
	return slices.IndexFunc(ascending, func(s span) bool { return s.period == p })
}
