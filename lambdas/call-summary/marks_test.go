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

// An agent may think again after the call: the mark comes when the report was sent and the call is summarised, in a body of its own,
// twice. The summary is computed once more, and tells of it; the report stays the only one.
func TestAMarkAfterTheReportIsInTheSummary(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := call(w, "mira.holm", samplecall.Good, 2)
	w.write(t, c.Posts())
	for _, e := range w.settle(t, 20*time.Minute) {
		w.index(t, e)
	}
	before := w.only(t)
	if before.MarkedBad {
		t.Fatalf("marked before anybody did: %v", before.MarkedBadAt)
	}
	var body map[string]any
	for _, post := range c.Posts() {
		if post.Route == "callreport" {
			if err := json.Unmarshal(post.Body, &body); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := telemetry.InstantOf(w.now.Add(-30 * time.Second).Truncate(time.Millisecond))
	delete(body, "report")
	body["markedBadAt"] = []string{at.String()}
	mark, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	late := samplecall.Post{Route: "callreport", Body: mark}
	w.write(t, []samplecall.Post{late})
	computed := w.settle(t, 2*time.Minute)
	if len(computed) != 1 {
		t.Fatalf("%d summaries were computed, want one", len(computed))
	}
	w.index(t, computed[0])
	after := w.only(t)
	if !after.MarkedBad || !slices.Equal(after.MarkedBadAt, []telemetry.Instant{at}) {
		t.Errorf("marked %v at %v, want %v", after.MarkedBad, after.MarkedBadAt, at)
	}
	if after.Verdict != before.Verdict || after.Ended != before.Ended || after.ReportsSeen != 1 || after.RecordsSeen != before.RecordsSeen || after.EndedAt != before.EndedAt {
		t.Errorf("the mark changed more than it should: before %+v, after %+v", before, after)
	}
	w.write(t, []samplecall.Post{late}) // the answer was lost
	if again := w.settle(t, 2*time.Minute); len(again) != 0 {
		t.Errorf("the same mark made %d more summaries", len(again))
	}
}
