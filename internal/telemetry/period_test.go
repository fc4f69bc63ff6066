package telemetry_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var everyPeriod = []tenant.Period{tenant.Day, tenant.Week, tenant.Month, tenant.Quarter, tenant.Year}

func suffix(period tenant.Period, at time.Time) string {
	periods := telemetry.Periods{telemetry.KindAPIMetric: {{Period: period}}}
	return periods.Suffix(telemetry.KindAPIMetric, telemetry.InstantOf(at))
}

func TestEndOfAPeriod(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"2026.11.24": "2026-11-25", "2026.12.31": "2027-01-01", "2024.02.28": "2024-02-29",
		"2026.w48": "2026-11-30", "2026.w53": "2027-01-04", "2020.w53": "2021-01-04", "2025.w01": "2025-01-06", "2021.w01": "2021-01-11",
		"2026.11": "2026-12-01", "2026.12": "2027-01-01", "2026.q1": "2026-04-01", "2026.q4": "2027-01-01", "2026": "2027-01-01",
	} {
		if end, ok := telemetry.EndOf(name); !ok || end.Format(time.DateOnly) != want || !end.Equal(end.Truncate(24*time.Hour)) {
			t.Errorf("%s ends %s, %t, want %s", name, end, ok, want)
		}
	}
	for _, name := range []string{
		"", "2026.q5", "2026.q0", "2026.q", "2026.w54", "2026.w0", "2026.w1", "2021.w53", "2026.13", "2026.11.31", "2026.1", "26", "2026.q4x",
		"2026.w48 ", "2026.Q4", "x", "2026-11", "2026.11.24.1", "02026", "2026.q04", "-2026.q1",
	} {
		if end, ok := telemetry.EndOf(name); ok {
			t.Errorf("%q is no period, and ends %s", name, end)
		}
		if start, ok := telemetry.StartOf(name); ok {
			t.Errorf("%q is no period, and starts %s", name, start)
		}
	}
}

// A record's instant is before the end of the period that names its index, and the first instant after it is in the next
// index: no record at midnight is in an index that ends before it.
func TestARecordIsWithinItsPeriod(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		at := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.Int64N(int64(80 * 365 * 24 * time.Hour)))).Truncate(time.Millisecond)
		if random.IntN(2) == 0 {
			at = at.Truncate(24 * time.Hour)
		}
		for _, period := range everyPeriod {
			name := suffix(period, at)
			end, ok := telemetry.EndOf(name)
			if !ok || !at.Before(end) {
				t.Fatalf("%s of %s ends %s, %t", name, at, end, ok)
			}
			start, ok := telemetry.StartOf(name)
			if !ok || at.Before(start) || suffix(period, start) != name || suffix(period, start.Add(-time.Millisecond)) == name {
				t.Fatalf("%s of %s starts %s, %t", name, at, start, ok)
			}
			if last := suffix(period, end.Add(-time.Millisecond)); last != name {
				t.Fatalf("the last instant of %s is in %s", name, last)
			}
			if next := suffix(period, end); next == name {
				t.Fatalf("midnight %s is still in %s", end, name)
			}
		}
	}
}
