package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// What the agent said of a call stands beside what was measured, and does not change it: a mark in the middle of the call, which
// every body from then on repeats, and one that only the report brings.
func TestWhatTheAgentMarkedIsInTheSummary(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := call(w, "mira.holm", samplecall.Good, 2)
	posts := c.Posts()
	began := telemetry.InstantOf(w.now.Add(-10 * time.Minute).Truncate(time.Millisecond))
	inCall, atEnd := began+61_000, began+119_000
	for i, from := 0, len(posts)/2; i < len(posts); i++ {
		var body map[string]any
		if err := json.Unmarshal(posts[i].Body, &body); err != nil {
			t.Fatal(err)
		}
		switch {
		case posts[i].Route == "callreport":
			body["markedBadAt"] = []string{inCall.String(), atEnd.String()}
		case i >= from:
			body["markedBadAt"] = []string{inCall.String()}
		}
		var err error
		if posts[i].Body, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	w.write(t, posts)
	for _, e := range w.settle(t, 20*time.Minute) {
		w.index(t, e)
	}
	s := w.only(t)
	if !s.MarkedBad || !slices.Equal(s.MarkedBadAt, []telemetry.Instant{inCall, atEnd}) || s.Verdict != verdict.Good || !strings.HasSuffix(s.Explanation, " The agent marked it as bad.") {
		t.Errorf("%v, %v, %s: %s", s.MarkedBad, s.MarkedBadAt, s.Verdict, s.Explanation)
	}
}
