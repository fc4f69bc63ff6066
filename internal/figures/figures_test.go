package figures_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/figures/figurestest"
)

var at = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// lineOf writes the counts as a function does.
func lineOf(c *figures.Counts) string {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).LogAttrs(nil, slog.LevelInfo, "indexed", c.Attrs(at, "acme", "indexer")...) //nolint:staticcheck // no handler of ours looks at the context
	return out.String()
}

func TestALineIsInTheEmbeddedMetricFormat(t *testing.T) {
	t.Parallel()
	many := &figures.Counts{}
	for i := range 1000 {
		many.Reject(fmt.Sprintf("code_%d", i), 1)
		many.Refuse(fmt.Sprintf("code_%d", i), 1)
		many.Delay(time.Duration(i) * time.Millisecond)
	}
	for _, name := range []string{figures.RecordsIn, figures.SuspectSamples, figures.UnknownAgents, figures.Indexed, figures.Retried} {
		many.Add(name, math.MaxInt)
	}
	one := &figures.Counts{}
	one.Add(figures.Indexed, 1)
	late := &figures.Counts{}
	late.Delay(-time.Hour)
	for name, counts := range map[string]*figures.Counts{"one": one, "many": many, "of a clock that went back": late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			figurestest.Check(t, lineOf(counts))
		})
	}
}

func TestNothingCountedIsNoFigure(t *testing.T) {
	t.Parallel()
	none := &figures.Counts{}
	none.Add(figures.Indexed, 0)
	none.Reject("timestamp_missing", 0)
	if line := lineOf(none); strings.Contains(line, "_aws") || strings.Contains(line, figures.Indexed) {
		t.Errorf("a line without figures: %s", line)
	}
}

func TestALineIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	c := &figures.Counts{}
	c.Add(figures.RecordsIn, 60)
	c.Add(figures.RecordsIn, 2)
	c.Reject("timestamp_out_of_range", 3)
	c.Refuse("telemetry.origin_refused", 1)
	c.Delay(1500 * time.Millisecond)
	c.Delay(20 * time.Millisecond)
	got, ok := figures.Parse(lineOf(c))
	want := map[string]float64{figures.RecordsIn: 62, "Rejected.timestamp_out_of_range": 3, "Refused.telemetry.origin_refused": 1}
	if !ok || got.Tenant != "acme" || got.Function != "indexer" || !got.At.Equal(at) || !maps.Equal(got.Counts, want) ||
		!slices.Equal(got.Lags, []float64{20, 1500}) {
		t.Errorf("read %+v, %t", got, ok)
	}
	if code, ok := figures.RejectedCode("Rejected.timestamp_out_of_range"); !ok || code != "timestamp_out_of_range" {
		t.Errorf("code %q, %t", code, ok)
	}
	if code, ok := figures.RefusedCode("Refused.telemetry.origin_refused"); !ok || code != "telemetry.origin_refused" {
		t.Errorf("code %q, %t", code, ok)
	}
}

func TestOtherLinesHoldNoFigures(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "START RequestId: 1", `{"msg":"indexed"}`, `{"_aws":{}}`, `{"_aws":{"CloudWatchMetrics":[{"Namespace":"Other","Metrics":[]}]}}`,
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Earshot","Metrics":[{"Name":"Indexed"}]}]}}`,
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Earshot","Metrics":[{"Name":"Lag"}]}]},"Lag":"x"}`,
	} {
		if got, ok := figures.Parse(line); ok {
			t.Errorf("%s was read as %+v", line, got)
		}
	}
}

// A code may come from what search says of a document, and must not carry the document into a figure's name.
func TestOnlyCodesNameFigures(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "mira.holm@example.com", "a b", "Größe", "x\n", strings.Repeat("x", 65)} {
		c := &figures.Counts{}
		c.Reject(code, 1)
		got, _ := figures.Parse(lineOf(c))
		if !maps.Equal(got.Counts, map[string]float64{"Rejected.other": 1}) {
			t.Errorf("%q became %v", code, got.Counts)
		}
	}
}

// A hundred values say the same of a distribution as all of them.
func TestManyDelaysKeepTheirDistribution(t *testing.T) {
	t.Parallel()
	c := &figures.Counts{}
	for i := range 10_000 {
		c.Delay(time.Duration(i*i) * time.Microsecond)
	}
	sample, _ := figures.Parse(lineOf(c))
	if len(sample.Lags) != 100 {
		t.Fatalf("%d values", len(sample.Lags))
	}
	for hundredth, got := range sample.Lags {
		middle := float64(hundredth*100 + 50)
		if want := middle * middle / 1000; math.Abs(got-want) > 1 {
			t.Errorf("value %d is %v, want the middle one of its hundredth, %v", hundredth, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	c := &figures.Counts{}
	c.Add(figures.Indexed, 1)
	c.Delay(time.Second)
	f.Add(lineOf(c))
	f.Add(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Earshot","Metrics":[{"Name":"_aws"}]}]}}`)
	f.Fuzz(func(t *testing.T, line string) {
		if sample, ok := figures.Parse(line); ok {
			if _, err := json.Marshal(sample); err != nil {
				t.Error(err)
			}
		}
	})
}
