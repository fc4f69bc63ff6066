package telemetry

import (
	"fmt"
	"strings"
	"time"

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
	return suffixOf(period, t)
}

func suffixOf(period tenant.Period, t time.Time) string {
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

// EndOf returns the instant at which the period that ends an index's name is over: the first that belongs to the next. It
// reports false for what is no period in the form in which Suffix writes it.
func EndOf(suffix string) (end time.Time, isPeriod bool) {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006.01.02", 0, 0, 1}, {"2006.01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if from, err := time.Parse(form.layout, suffix); err == nil {
			return from.AddDate(form.years, form.months, form.days), true
		}
	}
	var year, n int
	if _, err := fmt.Sscanf(suffix, "%d.q%d", &year, &n); err == nil && n >= 1 && n <= 4 {
		end = time.Date(year, time.Month(3*n+1), 1, 0, 0, 0, 0, time.UTC)
	} else if _, err := fmt.Sscanf(suffix, "%d.w%d", &year, &n); err == nil {
		fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC) // always in week 1 (ISO 8601)
		end = fourth.AddDate(0, 0, 7*n-(int(fourth.Weekday())+6)%7)
	}
	return end, year > 0 && !end.IsZero() && nameOf(end.Add(-1), suffix) == suffix
}

// StartOf returns the first instant of the period that ends an index's name, and false where EndOf does.
func StartOf(suffix string) (start time.Time, isPeriod bool) {
	end, isPeriod := EndOf(suffix)
	if !isPeriod {
		return time.Time{}, false
	}
	switch {
	case strings.Contains(suffix, "w"):
		return end.AddDate(0, 0, -7), true
	case strings.Contains(suffix, "q"):
		return end.AddDate(0, -3, 0), true
	case strings.Count(suffix, ".") == 2:
		return end.AddDate(0, 0, -1), true
	case strings.Count(suffix, ".") == 1:
		return end.AddDate(0, -1, 0), true
	}
	return end.AddDate(-1, 0, 0), true
}

// nameOf returns the name of the quarter or week that an instant is in, whichever suffix seems to be.
func nameOf(t time.Time, suffix string) string {
	period := tenant.Quarter
	if len(suffix) > 5 && suffix[5] == 'w' {
		period = tenant.Week
	}
	return suffixOf(period, t)
}
