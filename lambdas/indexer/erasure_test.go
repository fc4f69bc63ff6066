package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// about is an envelope with a record of each agent, received at an instant.
func about(receivedAt telemetry.Instant, agents ...string) telemetry.Envelope {
	e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: "acme", Ingest: telemetry.Ingest{ReceivedAt: receivedAt}}
	for i, agent := range agents {
		doc, _ := json.Marshal(map[string]string{"agent": agent})
		e.Records = append(e.Records, telemetry.Record{ID: "g" + string(rune('0'+i)) + agent, At: receivedAt, Doc: doc})
	}
	return e
}

// A record that was on its way when its agent was erased ends here: it is neither written nor archived nor set aside.
func TestWhatIsErasedEndsHere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		envelope telemetry.Envelope
		written  []string
		archived int
	}{
		{"before the erasure", about(999, "gone.agent"), nil, 0},
		{"the others of the message", about(999, "gone.agent", "jo.lund", "gone.agent"), []string{"g1jo.lund"}, 1},
		{"a later call", about(1000, "gone.agent"), []string{"g0gone.agent"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &parts{}
			h := &Handler{Tenant: "acme", Writer: p, Archive: p, Erasures: p, DeadLetters: p, Queue: p}
			answer, err := h.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: packed(t, test.envelope)}}})
			if err != nil || len(answer.BatchItemFailures) > 0 || len(p.letters) > 0 {
				t.Errorf("%v, returned %v, set aside %v", err, answer.BatchItemFailures, p.letters)
			}
			if written := slices.Concat(p.bulks...); !slices.Equal(written, test.written) || len(p.archived) != test.archived {
				t.Errorf("written %v, archived %v", written, p.archived)
			}
			for _, e := range p.archived {
				if slices.ContainsFunc(e.Records, func(r telemetry.Record) bool { return !slices.Contains(test.written, r.ID) }) {
					t.Errorf("archived %v", e.Records)
				}
			}
		})
	}
}

// While nobody knows who was erased, nothing is written, and all of it comes again.
func TestWhileErasuresAreUnreadableNothingPasses(t *testing.T) {
	t.Parallel()
	p := &parts{bucketIsDown: true}
	h := &Handler{Tenant: "acme", Writer: p, Archive: p, Erasures: p, DeadLetters: p, Queue: p}
	answer, err := h.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m0", Body: packed(t, about(999, "gone.agent"))}, {MessageId: "m1", Body: "junk"},
	}})
	if err != nil || len(answer.BatchItemFailures) != 2 || len(p.bulks) > 0 || len(p.archived) > 0 || len(p.letters) > 0 || len(p.postponed) != 2 {
		t.Errorf("%v, returned %v, %+v", err, answer.BatchItemFailures, p)
	}
}
