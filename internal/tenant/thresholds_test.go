package tenant_test

import (
	"encoding/json"
	"testing"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestThresholdsThatAreSentChange(t *testing.T) {
	t.Parallel()
	got := apply(t, validTenant(t), tenant.Change{Thresholds: json.RawMessage(`{"loss_percent":{"note":0.5},"api_errors":4}`)}, now).Settings.Thresholds
	want := tenant.DefaultThresholds()
	want.LossPercent.Note, want.APIErrors = 0.5, 4
	if got != want {
		t.Errorf("got %+v", got)
	}
}

func TestThresholdsAreRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ change, code, pointer string }{
		"an unknown one":              {`{"loss":1}`, "settings.threshold_invalid", "/settings/thresholds"},
		"a text":                      {`{"api_errors":"3"}`, "settings.threshold_invalid", "/settings/thresholds"},
		"none at all":                 {`{"api_errors":0}`, "settings.out_of_range", "/settings/thresholds/api_errors"},
		"more than an hour":           {`{"long_hold_seconds":3601}`, "settings.out_of_range", "/settings/thresholds/long_hold_seconds"},
		"severe before degraded":      {`{"jitter_millis":{"severe":20}}`, "settings.threshold_invalid", "/settings/thresholds/jitter_millis"},
		"more loss than there can be": {`{"loss_percent":{"severe":101}}`, "settings.threshold_invalid", "/settings/thresholds/loss_percent"},
		"a score that rises":          {`{"mos":{"degraded":3,"severe":3.6}}`, "settings.threshold_invalid", "/settings/thresholds/mos"},
		"a score under the least":     {`{"mos":{"severe":0.9}}`, "settings.threshold_invalid", "/settings/thresholds/mos"},
		"a score over the best":       {`{"mos":{"degraded":4.6}}`, "settings.threshold_invalid", "/settings/thresholds/mos"},
		"a negative one":              {`{"round_trip_millis":{"degraded":-1}}`, "settings.threshold_invalid", "/settings/thresholds/round_trip_millis"},
	} {
		_, err := tenant.Change{Thresholds: json.RawMessage(row.change)}.Apply(validTenant(t), now)
		f, is := fault.As(err)
		if !is || f.Code != row.code || len(f.Fields) != 1 || f.Fields[0].Pointer != row.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
}
