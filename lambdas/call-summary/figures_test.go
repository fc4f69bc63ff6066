package main

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/figures/figurestest"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// The one line of an invocation holds its figures; what comes again, steps back or was done before is in none of them.
func TestFigures(t *testing.T) { // not parallel: it takes the process's log
	reported := aSecond()
	reported.Reports = []verdict.Report{{Ended: telemetry.InstantOf(now.Add(-19 * time.Minute))}}
	again := settled()
	again.Summary = &settle.Summary{At: telemetry.InstantOf(now.Add(-time.Hour))}
	done := settled()
	done.Summary = &settle.Summary{Seconds: 1}
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	for name, test := range map[string]struct {
		parts  parts
		tenant string
		want   map[string]float64
	}{
		"a call with its report":     {parts{seen: settled(), call: reported}, "acme", map[string]float64{"Summaries": 1}},
		"a call without":             {parts{seen: settled(), call: aSecond()}, "acme", map[string]float64{"Summaries": 1, "SummariesWithoutReport": 1}},
		"one that had one before":    {parts{seen: again, call: reported}, "acme", map[string]float64{"Summaries": 1, "SummariesAgain": 1}},
		"documents that are gone":    {parts{seen: settled()}, "acme", map[string]float64{"SummariesDropped": 1}},
		"another tenant's":           {parts{seen: settled(), call: reported}, "acmeeu", map[string]float64{"SummariesDropped": 1}},
		"done before":                {parts{seen: done, call: reported}, "acme", nil},
		"a queue that does not take": {parts{seen: settled(), call: reported, queueIs: errors.New("down")}, "acme", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
			if _, err := test.parts.handler().Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message(t, test.tenant, "1")}}); err != nil {
				t.Fatal(err)
			}
			lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
			last := string(lines[len(lines)-1])
			got, isThere := figures.Parse(last)
			if isThere != (test.want != nil) || !maps.Equal(got.Counts, test.want) {
				t.Errorf("counted %v, want %v, in %s", got.Counts, test.want, last)
			}
			if want := int(test.want["Summaries"]); len(got.Lags) != want || want > 0 && got.Lags[0] != float64((29*time.Minute+30*time.Second).Milliseconds()) {
				t.Errorf("delays %v", got.Lags)
			}
			if isThere {
				figurestest.Check(t, last)
			}
		})
	}
}
