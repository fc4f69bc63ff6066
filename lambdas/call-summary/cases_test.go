package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// fixtures are posts of which contact centres complained, as they were sent: a member each, or one alone.
func fixtures(t *testing.T, file string) (posts []samplecall.Post) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "telemetry", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	if _, single := members["softphoneStreamStatistics"]; single {
		return []samplecall.Post{{Route: "softphonemetrics", Body: text}}
	}
	delete(members, "note")
	for _, body := range members {
		posts = append(posts, samplecall.Post{Route: "softphonemetrics", Body: body})
	}
	return posts
}

// edited returns posts of one route with members of their bodies set.
func edited(t *testing.T, route string, posts []samplecall.Post, set map[string]any) (changed []samplecall.Post) {
	t.Helper()
	for _, post := range posts {
		if post.Route != route {
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(post.Body, &body); err != nil {
			t.Fatal(err)
		}
		for member, value := range set {
			if report, isReport := body["report"].(map[string]any); isReport && report[member] != nil {
				report[member] = value
				continue
			}
			body[member] = value
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, samplecall.Post{Route: route, Body: text})
	}
	return changed
}

func finds(s verdict.Summary, id string) bool {
	return slices.ContainsFunc(s.Findings, func(f verdict.Finding) bool { return f.ID == id })
}

// summarised writes posts and returns the summaries that come of them.
func (w *world) summarised(t *testing.T, posts []samplecall.Post) []verdict.Summary {
	t.Helper()
	w.write(t, posts)
	for _, e := range w.settle(t, 20*time.Minute) {
		w.index(t, e)
	}
	return w.found(t)
}

// What a browser's library means by jitterBufferMillis, and what Firefox does not know, is never taken for a fault of the call.
func TestHabitsOfBrowsersAreNoFindings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file  string
		calls int
		never []string
	}{
		{"jitter-three-families.json", 4, []string{verdict.FindingJitter, verdict.FindingJitterBuffer, verdict.FindingPoorMOS}},
		{"streams-firefox-audio-level-null.json", 1, []string{verdict.FindingSilentMicrophone, verdict.FindingPoorMOS}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
			found := w.summarised(t, fixtures(t, test.file))
			if len(found) != test.calls {
				t.Errorf("%d summaries, want %d", len(found), test.calls)
			}
			for _, s := range found {
				for _, id := range test.never {
					if finds(s, id) {
						t.Errorf("contact %s: %s %+v", s.ContactID, s.Explanation, s.Findings)
					}
				}
			}
		})
	}
}

// Two tabs are open. The one with the media is closed in the call; the other repeats some of its seconds, and reports a call
// in which it had no packet.
func TestTheTabWithoutMediaDoesNotDecideTheSummary(t *testing.T) {
	t.Parallel()
	w := setup(t)
	start := w.now.Add(-10 * time.Minute).Truncate(time.Second)
	c := samplecall.New(samplecall.Options{Agent: "kim.example", Queue: "Q", RoutingProfile: "R", Schema: 2, Start: start, Duration: 31 * time.Second})
	first := edited(t, "softphonemetrics", c.Posts(), map[string]any{"pageId": "tab-1", "openPages": 2})
	second := edited(t, "softphonemetrics", c.Posts()[:2], map[string]any{"pageId": "tab-2", "openPages": 2})
	silence := map[string]any{"packetsLost": 0, "packetsCount": 0, "audioLevel": nil, "jitterBufferMillis": nil, "roundTripTimeMillis": nil}
	end := start.Add(39 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
	total := func(streamType string) map[string]any {
		of := map[string]any{"softphoneStreamType": streamType, "timestamp": end}
		for member, value := range silence {
			of[member] = value
		}
		return of
	}
	report := edited(t, "callreport", c.Posts(), map[string]any{
		"pageId": "tab-2", "openPages": 1, "callEndTime": end,
		"softphoneStreamStatistics":          []any{total("audio_input"), total("audio_output")},
		"softphoneStreamPerSecondStatistics": map[string]any{},
	})
	found := w.summarised(t, slices.Concat(first, second, report))
	if len(found) != 1 {
		t.Fatalf("%d summaries: %+v", len(found), found)
	}
	s := found[0]
	if s.RecordsSeen != 62 || s.HeardByAgent.MOSMean == nil || *s.HeardByAgent.MOSMean < 4 {
		t.Errorf("%d seconds seen: %+v", s.RecordsSeen, s)
	}
	if !finds(s, verdict.FindingConnectionLost) || !finds(s, verdict.FindingSoftphones) || finds(s, verdict.FindingNothingReceived) || finds(s, verdict.FindingNothingSent) {
		t.Errorf("%s %+v", s.Explanation, s.Findings)
	}
}

// A lid closes in the call: the gap is a gap, and the call ended where its seconds end. A clock that is wrong is noted.
func TestALaptopThatSleptLeavesAGap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	start := w.now.Add(-16 * time.Minute).Truncate(time.Second)
	c := samplecall.New(samplecall.Options{Agent: "ola.example", Queue: "Q", RoutingProfile: "R", Schema: 2, Start: start, Duration: time.Minute})
	ahead := w.now.Add(37 * time.Minute).UTC().Format("2006-01-02T15:04:05.000Z") // of a clock that the machine mends a little later
	found := w.summarised(t, edited(t, "softphonemetrics", c.Posts(), map[string]any{"sentAt": ahead}))
	if len(found) != 1 {
		t.Fatalf("%d summaries: %+v", len(found), found)
	}
	s := found[0]
	if s.Ended != verdict.EndedLost || !finds(s, verdict.FindingConnectionLost) || s.RecordsSeen != 120 {
		t.Errorf("ended %s, %d seconds seen: %+v", s.Ended, s.RecordsSeen, s.Findings)
	}
	if ended := s.EndedAt.Time().Sub(start); ended < 59*time.Second || ended > 61*time.Second {
		t.Errorf("ended after %v", ended)
	}
	if skew := time.Duration(s.ClockSkewMillis) * time.Millisecond; skew > -36*time.Minute || skew < -38*time.Minute {
		t.Errorf("skew %v", skew)
	}
}
