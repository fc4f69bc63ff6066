package telemetry

import (
	"fmt"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// Periods says per kind how much time an index spans, as settings.index_period does: append-only lists in order of
// valid_from. A kind without a list has quarters.
type Periods map[string][]tenant.PeriodFrom

// Suffix returns the end of the index name for a record of a kind and instant: 2026.11.24, 2026.w48, 2026.11, 2026.q4 or
// 2026. The same record always has the same.
func (p Periods) Suffix(kind string, at Instant) string {
	period, t := tenant.Quarter, at.Time()
	for _, from := range p[kind] {
		if from.ValidFrom.After(t) {
			break
		}
		period = from.Period
	}
	switch period {
	case tenant.Day:
		return t.Format("2006.01.02")
	case tenant.Week:
		year, week := t.ISOWeek()
		return fmt.Sprintf("%04d.w%02d", year, week)
	case tenant.Month:
		return t.Format("2006.01")
	case tenant.Year:
		return t.Format("2006")
	case tenant.Quarter:
	}
	return fmt.Sprintf("%04d.q%d", t.Year(), (int(t.Month())+2)/3)
}
