package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// parts are the neighbours of the handler: search says of a document what the first letter of its id says.
type parts struct {
	bulks     [][]string
	archived  []telemetry.Envelope
	letters   []queue.Letter
	postponed []queue.Returned
	asked     []settle.Request
	dlqIsDown bool

	bucketIsDown bool
	askIsDown    bool
}

func (p *parts) Ask(_ context.Context, requests []settle.Request) error {
	if p.askIsDown {
		return errors.New("down")
	}
	p.asked = append(p.asked, requests...)
	return nil
}

// Keep takes no envelope whose last record's id ends in "!".
func (p *parts) Keep(_ context.Context, envelopes []telemetry.Envelope) []error {
	failed := make([]error, len(envelopes))
	for i, e := range envelopes {
		if strings.HasSuffix(e.Records[len(e.Records)-1].ID, "!") {
			failed[i] = errors.New("down")
			continue
		}
		p.archived = append(p.archived, e)
	}
	return failed
}

func (p *parts) Write(_ context.Context, documents []telemetry.Document) []sink.Outcome {
	var ids []string
	outcomes := make([]sink.Outcome, len(documents))
	for i, d := range documents {
		ids = append(ids, d.ID)
		switch d.ID[0] {
		case 'g':
			outcomes[i].Verdict = sink.Done
		case 'b':
			outcomes[i] = sink.Outcome{Verdict: sink.Refused, Type: "mapper_parsing_exception", Reason: "about " + d.ID}
		default:
			outcomes[i].Type = "unreachable"
		}
	}
	p.bulks = append(p.bulks, ids)
	return outcomes
}

// Current says that all of one agent is erased up to an instant.
func (p *parts) Current(context.Context) (telemetry.Erasures, error) {
	if p.bucketIsDown {
		return telemetry.Erasures{}, errors.New("down")
	}
	erasures := telemetry.NewErasures("key")
	erasures.Add(telemetry.SubjectOf("key", "gone.agent"), 1000)
	return erasures, nil
}

func (p *parts) Put(_ context.Context, letters []queue.Letter) error {
	if p.dlqIsDown {
		return errors.New("down")
	}
	p.letters = append(p.letters, letters...)
	return nil
}

func (p *parts) Postpone(_ context.Context, messages []queue.Returned, _ queue.BackOff) error {
	p.postponed = append(p.postponed, messages...)
	return nil
}

// envelope has records with these ids: g… is written, b… refused, r… not known to be written; that of "x" is no document.
func envelope(ids ...string) telemetry.Envelope {
	e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: "acme"}
	for _, id := range ids {
		doc := `{"name":"x"}`
		if id == "x" {
			doc = `"x"`
		}
		e.Records = append(e.Records, telemetry.Record{ID: id, Doc: json.RawMessage(doc)})
	}
	return e
}

func packed(t *testing.T, e telemetry.Envelope) string {
	t.Helper()
	body, err := queue.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestHandle(t *testing.T) {
	t.Parallel()
	foreign, unknown, probe, replay := envelope("g1"), envelope("g1", "g2"), envelope("g1"), envelope("g2")
	foreign.Tenant, unknown.Kind, probe.Probe, replay.Replay = "beta", "nobody knows", true, true
	tests := []struct {
		name         string
		bodies       []string
		dlqIsDown    bool
		wantBulk     []string
		wantArchived []string // the first id of each envelope
		wantReturned []string // m0 is the first message
		wantLetters  []string // code and id, or the body of what is no envelope
	}{
		{name: "no message"},
		{
			name: "many messages are one bulk", bodies: []string{packed(t, envelope("g1", "g2")), packed(t, envelope("g3"))},
			wantBulk: []string{"g1", "g2", "g3"}, wantArchived: []string{"g1", "g3"},
		},
		{
			name: "the archive is down for one", bodies: []string{packed(t, envelope("g1", "b1", "g2!")), packed(t, envelope("g3"))},
			wantBulk: []string{"g1", "b1", "g2!", "g3"}, wantArchived: []string{"g3"}, wantReturned: []string{"m0"},
		},
		{
			name: "what needs no archive", bodies: []string{packed(t, probe), packed(t, replay)}, wantBulk: []string{"g1", "g2"},
		},
		{
			name:     "what may pass goes back alone",
			bodies:   []string{packed(t, envelope("g1")), packed(t, envelope("g2", "r1")), packed(t, envelope("g3"))},
			wantBulk: []string{"g1", "g2", "r1", "g3"}, wantArchived: []string{"g1", "g3"}, wantReturned: []string{"m1"},
		},
		{
			name: "what is refused is set aside alone", bodies: []string{packed(t, envelope("g1", "b1", "g2")), packed(t, envelope("b2", "g3"))},
			wantBulk: []string{"g1", "b1", "g2", "b2", "g3"}, wantArchived: []string{"g1", "b2"},
			wantLetters: []string{"mapper_parsing_exception b1", "mapper_parsing_exception b2"},
		},
		{
			name: "refused and retried: set aside once, when it is done", bodies: []string{packed(t, envelope("b1", "r1"))},
			wantBulk: []string{"b1", "r1"}, wantReturned: []string{"m0"},
		},
		{
			name: "a record that is no document does not shift the others", bodies: []string{packed(t, envelope("g1", "x", "b1", "g2"))},
			wantBulk: []string{"g1", "b1", "g2"}, wantArchived: []string{"g1"}, wantLetters: []string{"record_invalid x", "mapper_parsing_exception b1"},
		},
		{
			name: "no envelope", bodies: []string{"junk", packed(t, envelope("g1"))},
			wantBulk: []string{"g1"}, wantArchived: []string{"g1"}, wantLetters: []string{"undecodable junk"},
		},
		{
			name: "another tenant's envelope is not written", bodies: []string{packed(t, foreign)},
			wantLetters: []string{"undecodable g1"},
		},
		{
			name: "a kind that nobody knows", bodies: []string{packed(t, unknown)},
			wantLetters: []string{"kind_unknown g1", "kind_unknown g2"},
		},
		{
			name: "nobody takes the dead letters", bodies: []string{packed(t, envelope("b1")), "junk", packed(t, envelope("g1"))},
			dlqIsDown: true, wantBulk: []string{"b1", "g1"}, wantArchived: []string{"b1", "g1"}, wantReturned: []string{"m0", "m1"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &parts{dlqIsDown: test.dlqIsDown}
			h := &Handler{Tenant: "acme", Writer: p, Archive: p, Erasures: p, DeadLetters: p, Queue: p, Summaries: p}
			event := events.SQSEvent{}
			for i, body := range test.bodies {
				event.Records = append(event.Records, events.SQSMessage{
					MessageId: "m" + strconv.Itoa(i), ReceiptHandle: "r" + strconv.Itoa(i), Body: body,
					Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(i + 3)},
				})
			}
			answer, err := h.Handle(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			var archived []string
			for _, e := range p.archived {
				archived = append(archived, e.Records[0].ID)
			}
			if !slices.Equal(archived, test.wantArchived) {
				t.Errorf("archived %v, want %v", archived, test.wantArchived)
			}
			check(t, p, answer, test.wantBulk, test.wantReturned, test.wantLetters)
		})
	}
}

func check(t *testing.T, p *parts, answer events.SQSEventResponse, bulk, returned, letters []string) {
	t.Helper()
	if len(p.bulks) > 1 || len(bulk) > 0 && !slices.Equal(p.bulks[0], bulk) {
		t.Errorf("bulks of %v", p.bulks)
	}
	var back, aside []string
	for i, failure := range answer.BatchItemFailures {
		back = append(back, failure.ItemIdentifier)
		n, _ := strconv.Atoi(failure.ItemIdentifier[1:])
		if got := p.postponed[i]; got.Receipt != "r"+strconv.Itoa(n) || got.Receives != n+3 {
			t.Errorf("%s is postponed as %+v", failure.ItemIdentifier, got)
		}
	}
	for _, letter := range p.letters {
		id := letter.Body
		if e, err := queue.Decode(letter.Body); err == nil {
			id = e.Records[0].ID
			if len(e.Records) != 1 {
				t.Errorf("a dead letter of %d records", len(e.Records))
			}
		}
		aside = append(aside, letter.Code+" "+id)
	}
	if !slices.Equal(back, returned) || !slices.Equal(aside, letters) {
		t.Errorf("returned %v, set aside %v", back, aside)
	}
	if text, err := json.Marshal(answer); err != nil || string(text) == `{"batchItemFailures":null}` {
		t.Errorf("answered %s, %v", text, err)
	}
}

// A summary is asked for when search has the documents and not before; a message whose request was not taken comes again.
func TestSummariesAreAskedFor(t *testing.T) {
	t.Parallel()
	stats := func(contact string, at telemetry.Instant, ids ...string) telemetry.Envelope {
		e := envelope(ids...)
		e.Kind, e.Ingest.ReceivedAt = telemetry.KindStreamStats, at
		for i := range e.Records {
			e.Records[i].At, e.Records[i].Doc = at, json.RawMessage(`{"agent":"a","contactId":"`+contact+`"}`)
		}
		return e
	}
	messages := func(envelopes ...telemetry.Envelope) (event events.SQSEvent) {
		for i, e := range envelopes {
			event.Records = append(event.Records, events.SQSMessage{MessageId: "m" + strconv.Itoa(i), Body: packed(t, e)})
		}
		return event
	}
	event := messages(stats("one", 1, "g1"), stats("one", 2, "g2"), stats("two", 3, "g3", "r1"), stats("three", 4, "b1"), envelope("g4"))
	for _, isDown := range []bool{false, true} {
		p := &parts{askIsDown: isDown}
		h := &Handler{Tenant: "acme", Writer: p, Archive: p, Erasures: p, DeadLetters: p, Queue: p, Summaries: p, Delays: settle.Delays{Quick: 1, Slow: 2}}
		answer, err := h.Handle(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		var returned []string
		for _, failure := range answer.BatchItemFailures {
			returned = append(returned, failure.ItemIdentifier)
		}
		if isDown {
			if !slices.Equal(returned, []string{"m0", "m1", "m2"}) {
				t.Errorf("without requests %v come again", returned)
			}
			continue
		}
		if len(p.asked) != 1 || p.asked[0].ContactID != "one" || p.asked[0].ReceivedAt != 2 || p.asked[0].Delay != 2 || !slices.Equal(returned, []string{"m2"}) {
			t.Errorf("asked %+v, returned %v", p.asked, returned)
		}
	}
}
