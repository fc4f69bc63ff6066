package tenant_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var now = time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)

// validTenant is a tenant whose one Connect instance is at a host of its own.
func validTenant(t *testing.T) tenant.Tenant {
	t.Helper()
	draft := validDraft()
	draft.Settings.CCPHosts = []string{"ccp.example.com"}
	draft.ConnectInstances[0].CCPURL = "https://ccp.example.com/ccp-v2"
	draft, err := draft.Check()
	if err != nil {
		t.Fatal(err)
	}
	return tenant.Tenant{Slug: "acme", DisplayName: draft.DisplayName, Settings: draft.Settings, ConnectInstances: draft.ConnectInstances}
}

func apply(t *testing.T, to tenant.Tenant, c tenant.Change, at time.Time) tenant.Tenant {
	t.Helper()
	got, err := c.Apply(to, at)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestApplyChangesWhatWasSent(t *testing.T) {
	t.Parallel()
	before := validTenant(t)
	got := apply(t, before, tenant.Change{
		DisplayName: new(" New "), SoftphoneOrigins: &[]string{"HTTPS://Desk.Example:443", "https://desk.example"},
		CCPHosts: &[]string{"ccp.example.com", "CCP.example.org"}, DeleteProtection: new(true),
	}, now)
	s := got.Settings
	if got.DisplayName != "New" || !slices.Equal(s.SoftphoneOrigins, []string{"https://desk.example"}) ||
		!slices.Equal(s.CCPHosts, []string{"ccp.example.com", "ccp.example.org"}) || !s.DeleteProtection {
		t.Errorf("got %+v", got)
	}
	var names []string
	for _, m := range tenant.Changed(before, got) {
		names = append(names, m.Name)
	}
	if want := []string{"display_name", "settings.softphone_origins", "settings.ccp_hosts", "settings.delete_protection"}; !slices.Equal(names, want) {
		t.Errorf("changed %v, want %v", names, want)
	}
	if again := validTenant(t); !reflect.DeepEqual(before, again) {
		t.Errorf("the tenant before was changed: %+v", before)
	}
	if got := apply(t, before, tenant.Change{}, now); len(tenant.Changed(before, got)) > 0 {
		t.Errorf("nothing was sent and something changed: %+v", got)
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]tenant.Change{
		"tenant.display_name_invalid":   {DisplayName: new("")},
		"settings.privacy_invalid":      {PrivacyIP: new(tenant.IPPrivacy(""))},
		"settings.media_owner_invalid":  {MediaOwner: new(tenant.MediaOwner("me"))},
		"settings.out_of_range":         {RetentionDays: new(0)},
		"settings.origin_invalid":       {SoftphoneOrigins: &[]string{"null"}},
		"settings.ccp_host_invalid":     {CCPHosts: &[]string{"ccp.example.com", "a b"}},
		"settings.ccp_host_in_use":      {CCPHosts: &[]string{"ccp.example.org"}},
		"settings.index_period_invalid": {IndexPeriod: map[string]tenant.Period{"apimetric": "hour"}},
		"settings.threshold_invalid":    {Thresholds: json.RawMessage(`{"loss_percent":{"degraded":10}}`)}, // as its severe one
		"tenant.too_many":               {SoftphoneOrigins: new(longOrigins())},
	} {
		_, err := c.Apply(validTenant(t), now)
		if f, ok := fault.As(err); !ok || f.Code != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

// longOrigins are not too many, and do not fit a parameter of a stack together.
func longOrigins() (origins []string) {
	for port := range 20 {
		origins = append(origins, fmt.Sprintf("https://%sexample:%d", strings.Repeat("desk.", 20), 1000+port))
	}
	return origins
}

func TestPeriodsFromIsAMidnightMoreThanTwoDaysAway(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 14*3600)
	for _, c := range []struct{ now, want time.Time }{
		{now, time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)},
		{time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)},
		{time.Date(2026, 11, 25, 23, 59, 59, 1, time.UTC), time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)},
		{time.Date(2026, 11, 26, 1, 0, 0, 0, east), time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)},
		{time.Date(2026, 12, 30, 12, 0, 0, 0, time.UTC), time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)},
	} {
		if got := tenant.PeriodsFrom(c.now); !got.Equal(c.want) || got.Location() != time.UTC {
			t.Errorf("asked for at %s: from %s, want %s", c.now, got, c.want)
		}
	}
}

// Whatever is asked for in whatever order, a record that can have been taken by then keeps the period that it had.
func TestPeriodsOfThePastStay(t *testing.T) {
	t.Parallel()
	const kind = "apimetric"
	at := func(list []tenant.PeriodFrom, instant time.Time) (p tenant.Period) {
		for _, from := range list {
			if !from.ValidFrom.After(instant) {
				p = from.Period
			}
		}
		return p
	}
	asked := []struct {
		after time.Duration
		to    tenant.Period
	}{
		{0, tenant.Day}, {time.Hour, tenant.Quarter}, {time.Hour, tenant.Month}, {20 * time.Hour, tenant.Week}, {0, tenant.Month},
		{100 * time.Hour, tenant.Day}, {500 * time.Hour, tenant.Day}, {time.Hour, tenant.Year}, {71 * time.Hour, tenant.Day},
	}
	tn, clock := validTenant(t), now
	for n, a := range asked {
		clock = clock.Add(a.after)
		before := tn.Settings.IndexPeriod[kind]
		tn = apply(t, tn, tenant.Change{IndexPeriod: map[string]tenant.Period{kind: a.to}}, clock)
		after := tn.Settings.IndexPeriod[kind]
		for instant := now.Add(-24 * time.Hour); instant.Before(clock.Add(48 * time.Hour)); instant = instant.Add(time.Hour) {
			if was, is := at(before, instant), at(after, instant); was != is {
				t.Fatalf("change %d: a record of %s was in a %s and is in a %s", n, instant, was, is)
			}
		}
		if last := after[len(after)-1]; last.Period != a.to || last.ValidFrom.After(tenant.PeriodsFrom(clock)) {
			t.Errorf("change %d to %s: %+v", n, a.to, after)
		}
		if !slices.IsSortedFunc(after, func(a, b tenant.PeriodFrom) int { return a.ValidFrom.Compare(b.ValidFrom) }) {
			t.Errorf("change %d: out of order: %+v", n, after)
		}
	}
}

func TestAPeriodTakenBackInTimeLeavesNothing(t *testing.T) {
	t.Parallel()
	before := validTenant(t)
	there := apply(t, before, tenant.Change{IndexPeriod: map[string]tenant.Period{"apimetric": tenant.Day}}, now)
	back := apply(t, there, tenant.Change{IndexPeriod: map[string]tenant.Period{"apimetric": tenant.Quarter}}, now.Add(time.Hour))
	if len(tenant.Changed(before, there)) != 1 || len(tenant.Changed(before, back)) != 0 {
		t.Errorf("there %+v, and back %+v", there.Settings.IndexPeriod, back.Settings.IndexPeriod)
	}
}

// What the most changes make must fit the stack's parameter and the indexer's environment, 4,096 bytes each.
func TestPeriodsFitTheStack(t *testing.T) {
	t.Parallel()
	tn, clock := validTenant(t), now
	for n := 0; ; n++ {
		clock = clock.Add(100 * time.Hour)
		change := tenant.Change{IndexPeriod: map[string]tenant.Period{}}
		for _, kind := range tenant.Kinds {
			change.IndexPeriod[kind] = []tenant.Period{tenant.Quarter, tenant.Month}[(n+1)%2]
		}
		next, err := change.Apply(tn, clock)
		if f, _ := fault.As(err); err != nil {
			if f.Fields[0].Code != "tenant.too_many" || n < 10 {
				t.Errorf("change %d: %v", n, err)
			}
			break
		}
		tn = next
	}
	if text, err := json.Marshal(tn.Settings.IndexPeriod); err != nil || len(text) > 2800 {
		t.Errorf("the periods have %d bytes, %v", len(text), err)
	}
}

// A change is kept with its operation as JSON: a member that were lost there would never be done.
func TestAChangeSurvivesItsText(t *testing.T) {
	t.Parallel()
	var c tenant.Change
	fields := reflect.ValueOf(&c).Elem()
	for i := range fields.NumField() {
		field := fields.Field(i)
		switch field.Kind() {
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Struct:
			field.Set(reflect.ValueOf(tenant.InstancesChange{
				Add:    &tenant.ConnectInstance{Alias: "a", ARN: "b", Region: "c", CCPURL: "d", SAMLURL: "e", DirectoryRoleARN: "f"},
				Change: &tenant.InstanceChange{Alias: "a", CCPURL: new("b"), SAMLURL: new(""), DirectoryRoleARN: new("d")}, Remove: "a",
			}))
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Slice:
			field.Set(reflect.ValueOf(json.RawMessage(`{"api_errors":4}`)))
		default:
			field.Set(reflect.ValueOf(map[string]tenant.Period{"apimetric": tenant.Day}))
		}
	}
	c.SoftphoneOrigins, c.CCPHosts = &[]string{}, &[]string{} // emptied, which is not the same as left
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	var read tenant.Change
	if err := json.Unmarshal(text, &members); err != nil || len(members) != fields.NumField() {
		t.Errorf("%v has %d of %d members: %v", slices.Collect(maps.Keys(members)), len(members), fields.NumField(), err)
	}
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, c) {
		t.Errorf("read %+v, want %+v (%v)", read, c, err)
	}
}
