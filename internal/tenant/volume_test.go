package tenant_test

import (
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestPeriodByVolume(t *testing.T) {
	t.Parallel()
	const gigabyte = int64(1) << 30
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	chosen := func(p tenant.Period) tenant.PeriodFrom { return tenant.PeriodFrom{Period: p} }
	measured := func(p tenant.Period) tenant.PeriodFrom {
		return tenant.PeriodFrom{ValidFrom: now.AddDate(0, -1, 0), Period: p, ByVolume: true}
	}
	many := []tenant.PeriodFrom{chosen(tenant.Quarter)}
	for i := range 7 {
		many = append(many, tenant.PeriodFrom{ValidFrom: now.AddDate(-1, i, 0), Period: []tenant.Period{tenant.Month, tenant.Quarter}[i%2], ByVolume: true})
	}
	for name, row := range map[string]struct {
		list []tenant.PeriodFrom
		a    int64 // bytes a day
		want tenant.Period
	}{
		"nothing comes":                              {[]tenant.PeriodFrom{chosen(tenant.Quarter)}, 0, ""},
		"a quarter just full":                        {[]tenant.PeriodFrom{chosen(tenant.Quarter)}, 10 * gigabyte / 92, ""},
		"a quarter over it":                          {[]tenant.PeriodFrom{chosen(tenant.Quarter)}, 10*gigabyte/92 + 2, tenant.Month},
		"a month would be over what is aimed at":     {[]tenant.PeriodFrom{chosen(tenant.Quarter)}, 5*gigabyte/31 + 2, tenant.Week},
		"a hundred gigabytes a day":                  {[]tenant.PeriodFrom{chosen(tenant.Quarter)}, 100 * gigabyte, tenant.Day},
		"there is nothing shorter than a day":        {[]tenant.PeriodFrom{chosen(tenant.Day)}, 100 * gigabyte, ""},
		"a short period that somebody chose stays":   {[]tenant.PeriodFrom{chosen(tenant.Quarter), {ValidFrom: now.AddDate(0, -1, 0), Period: tenant.Day}}, 1, ""},
		"what was measured grows back":               {[]tenant.PeriodFrom{chosen(tenant.Quarter), measured(tenant.Week)}, gigabyte / 92, tenant.Quarter},
		"as far as somebody's last choice":           {[]tenant.PeriodFrom{chosen(tenant.Quarter), {ValidFrom: now.AddDate(0, -2, 0), Period: tenant.Month}, measured(tenant.Day)}, 1, tenant.Month},
		"a volume that sways changes nothing":        {[]tenant.PeriodFrom{chosen(tenant.Quarter), measured(tenant.Month)}, 3 * gigabyte / 92, ""},
		"roomy with the next longer":                 {[]tenant.PeriodFrom{chosen(tenant.Quarter), measured(tenant.Month)}, 5 * gigabyte / 2 / 92, tenant.Quarter},
		"a choice that has not begun is left alone":  {[]tenant.PeriodFrom{chosen(tenant.Quarter), {ValidFrom: now.AddDate(0, 0, 2), Period: tenant.Month}}, 100 * gigabyte, ""},
		"people keep room for choices of their own":  {many, 100 * gigabyte, ""},
		"a kind without a list":                      {nil, 100 * gigabyte, ""},
		"a year that somebody chose is made shorter": {[]tenant.PeriodFrom{chosen(tenant.Year)}, gigabyte / 10, tenant.Month},
	} {
		to, isOther := tenant.PeriodByVolume(row.list, row.a, now)
		if isOther != (row.want != "") || isOther && to != row.want {
			t.Errorf("%s: %q, %v; want %q", name, to, isOther, row.want)
		}
	}
}

// Whatever the volume: a period that was measured suits it, so that the same volume asks for nothing more.
func TestAMeasuredPeriodStays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	stays := func(seed uint64) bool {
		dice := rand.New(rand.NewPCG(seed, 7))
		list := []tenant.PeriodFrom{{Period: []tenant.Period{tenant.Day, tenant.Week, tenant.Month, tenant.Quarter, tenant.Year}[dice.IntN(5)]}}
		bytes := int64(1) << dice.IntN(40)
		to, isOther := tenant.PeriodByVolume(list, bytes, now)
		if !isOther {
			return true
		}
		_, again := tenant.PeriodByVolume(append(list, tenant.PeriodFrom{ValidFrom: now.AddDate(0, 0, -1), Period: to, ByVolume: true}), bytes, now)
		return !again
	}
	if err := quick.Check(stays, nil); err != nil {
		t.Error(err)
	}
}

// What is measured is appended like any other choice, and says so; somebody who chooses the same makes it theirs.
func TestAMeasuredPeriodIsAppended(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	before := tenant.Tenant{DisplayName: "Acme", Settings: tenant.DefaultSettings()}
	month := map[string]tenant.Period{"apimetric": tenant.Month}
	measured := apply(t, before, tenant.Change{IndexPeriod: month, ByVolume: true}, now)
	list := measured.Settings.IndexPeriod["apimetric"]
	if len(list) != 2 || list[0] != before.Settings.IndexPeriod["apimetric"][0] || list[1] != (tenant.PeriodFrom{ValidFrom: tenant.PeriodsFrom(now), Period: tenant.Month, ByVolume: true}) {
		t.Fatalf("%+v", list)
	}
	again := apply(t, measured, tenant.Change{IndexPeriod: month, ByVolume: true}, now)
	if len(tenant.Changed(measured, again)) != 0 {
		t.Errorf("measured again, it changes: %+v", again.Settings.IndexPeriod)
	}
	theirs := apply(t, measured, tenant.Change{IndexPeriod: month}, now).Settings.IndexPeriod["apimetric"]
	if len(theirs) != 2 || theirs[1].ByVolume || theirs[1].ValidFrom != list[1].ValidFrom {
		t.Errorf("chosen by somebody: %+v", theirs)
	}
}
