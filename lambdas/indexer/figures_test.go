package main

import (
	"bytes"
	"log/slog"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/figures/figurestest"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// received is an envelope that a pusher has taken in some time ago.
func received(e telemetry.Envelope, ago time.Duration) telemetry.Envelope {
	e.Ingest.ReceivedAt = telemetry.InstantOf(time.Now().Add(-ago))
	return e
}

// The one line of an invocation holds its figures; what comes again is counted once, when it is dealt with.
func TestFigures(t *testing.T) { // not parallel: it takes the process's log
	probe := received(envelope("g1"), time.Minute)
	probe.Probe = true
	tests := []struct {
		name   string
		bodies []string
		want   map[string]float64
		lags   int
	}{
		{"no message", nil, nil, 0},
		{"written", []string{packed(t, received(envelope("g1", "g2"), time.Minute)), packed(t, received(envelope("g3"), time.Minute))},
			map[string]float64{"Indexed": 3}, 2},
		{"set aside", []string{packed(t, received(envelope("g1", "b1", "x"), time.Minute)), "junk"},
			map[string]float64{"Indexed": 1, "Rejected.mapper_parsing_exception": 1, "Rejected.record_invalid": 1, "Rejected.undecodable": 1}, 1},
		{"sent back", []string{packed(t, received(envelope("g1", "b1", "r1"), time.Minute)), packed(t, received(envelope("g2"), time.Minute))},
			map[string]float64{"Indexed": 1, "Retried": 3}, 1},
		{"the synthetic call", []string{packed(t, probe)}, nil, 0},
	}
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
			p := &parts{}
			h := &Handler{Tenant: "acme", Writer: p, Archive: p, Erasures: p, DeadLetters: p, Queue: p, Summaries: p}
			event := events.SQSEvent{}
			for i, body := range test.bodies {
				event.Records = append(event.Records, events.SQSMessage{MessageId: strconv.Itoa(i), Body: body})
			}
			if _, err := h.Handle(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(log.Bytes(), []byte("\n")); n != 1 {
				t.Errorf("%d lines", n)
			}
			got, isThere := figures.Parse(log.String())
			if isThere != (test.want != nil) || !maps.Equal(got.Counts, test.want) || len(got.Lags) != test.lags {
				t.Errorf("counted %v and %d delays, want %v and %d, in %s", got.Counts, len(got.Lags), test.want, test.lags, log.String())
			}
			for _, lag := range got.Lags {
				if lag < 60_000 || lag > 120_000 {
					t.Errorf("a delay of %v ms of a message that is a minute old", lag)
				}
			}
			if isThere {
				figurestest.Check(t, log.String())
			}
		})
	}
}
