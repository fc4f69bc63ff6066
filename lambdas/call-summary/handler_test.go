package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/verdict"
)

var now = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

// parts are the neighbours of the handler.
type parts struct {
	seen      settle.Seen
	call      verdict.Call
	err       error
	queueIs   error
	sent      []telemetry.Envelope
	postponed []queue.Returned
}

func (p *parts) Look(context.Context, settle.Request) (settle.Seen, error) { return p.seen, p.err }

func (p *parts) Call(context.Context, settle.Call) (records.Found, error) {
	return records.Found{Call: p.call, Instance: "northwind"}, p.err
}

func (p *parts) Send(_ context.Context, e telemetry.Envelope) error {
	p.sent = append(p.sent, e)
	return p.queueIs
}

func (p *parts) Postpone(_ context.Context, messages []queue.Returned, _ queue.BackOff) error {
	p.postponed = append(p.postponed, messages...)
	return nil
}

func (p *parts) handler() *Handler {
	return &Handler{
		Tenant: "acme", Thresholds: tenant.DefaultThresholds(), Delays: settle.Delays{Quick: time.Minute, Slow: 15 * time.Minute},
		Records: p, Queue: p, Requests: p, Now: func() time.Time { return now },
	}
}

func message(t *testing.T, tenant, receives string) events.SQSMessage {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"v": 1, "tenant": tenant, "agent": "mira.holm", "contactId": "c", "receivedAt": "2026-11-24T09:00:30.000Z",
		"kind": telemetry.KindStreamStats, "documentId": "d",
	})
	if err != nil {
		t.Fatal(err)
	}
	return events.SQSMessage{MessageId: "m", Body: string(body), Attributes: map[string]string{"ApproximateReceiveCount": receives}}
}

func settled() settle.Seen {
	at := telemetry.InstantOf(now.Add(-20 * time.Minute))
	return settle.Seen{HasDocument: true, NewestAt: at, Oldest: at, LastSecond: at, Seconds: 1}
}

func aSecond() verdict.Call {
	return verdict.Call{Heard: []verdict.Second{{At: telemetry.InstantOf(now.Add(-20 * time.Minute))}}}
}

func TestRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	change := func(f func(*settle.Seen)) settle.Seen { s := settled(); f(&s); return s }
	first := telemetry.InstantOf(now.Add(-time.Hour))
	for name, row := range map[string]struct {
		parts    parts
		tenant   string
		receives string
		sent     int
		returned int
	}{
		"a settled call":                   {parts{seen: settled(), call: aSecond()}, "acme", "1", 1, 0},
		"another tenant's":                 {parts{seen: settled(), call: aSecond()}, "acmeeu", "1", 0, 0},
		"not searchable yet":               {parts{seen: change(func(s *settle.Seen) { s.HasDocument = false }), call: aSecond()}, "acme", "3", 0, 1},
		"never searchable":                 {parts{seen: change(func(s *settle.Seen) { s.HasDocument = false }), call: aSecond()}, "acme", "4", 1, 0},
		"nothing is left":                  {parts{seen: settle.Seen{}}, "acme", "4", 0, 0},
		"newer records came":               {parts{seen: change(func(s *settle.Seen) { s.NewestAt = telemetry.InstantOf(now); s.Oldest = s.NewestAt }), call: aSecond()}, "acme", "1", 0, 0},
		"done before":                      {parts{seen: change(func(s *settle.Seen) { s.Summary = &settle.Summary{Seconds: 1} }), call: aSecond()}, "acme", "1", 0, 0},
		"search does not answer":           {parts{seen: settled(), err: errors.New("down")}, "acme", "9", 0, 1},
		"the queue does not take it":       {parts{seen: settled(), call: aSecond(), queueIs: errors.New("down")}, "acme", "1", 1, 1},
		"more than the last time was seen": {parts{seen: change(func(s *settle.Seen) { s.Summary = &settle.Summary{At: first} }), call: aSecond()}, "acme", "1", 1, 0},
	} {
		answer, err := row.parts.handler().Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message(t, row.tenant, row.receives)}})
		if err != nil || len(row.parts.sent) != row.sent || len(answer.BatchItemFailures) != row.returned || len(row.parts.postponed) != row.returned {
			t.Errorf("%s: sent %d, returned %d, %v", name, len(row.parts.sent), len(answer.BatchItemFailures), err)
		}
	}
}

// The index of a summary is fixed by the first; its version is the instant before it was read.
func TestASummaryStaysInItsIndex(t *testing.T) {
	t.Parallel()
	first := telemetry.InstantOf(time.Date(2026, 9, 30, 23, 59, 59, 0, time.UTC))
	p := parts{seen: settled(), call: aSecond()}
	p.seen.Summary = &settle.Summary{At: first}
	if _, err := p.handler().Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{message(t, "acme", "1")}}); err != nil {
		t.Fatal(err)
	}
	e := p.sent[0]
	documents, refused := telemetry.Documents(e, nil)
	if len(refused) > 0 || len(documents) != 1 {
		t.Fatalf("refused %+v", refused)
	}
	if d := documents[0]; d.Index != "acme-callsummary-2026.q3" || !d.Overwrite || d.Version != now.UnixMilli() || !strings.Contains(string(d.Source), `"startedAt":"2026-11-24T09:10:00.000Z"`) {
		t.Errorf("document %+v", d)
	}
}

func TestWhatIsNoRequestIsNotKept(t *testing.T) {
	t.Parallel()
	p := parts{seen: settled(), call: aSecond()}
	answer, err := p.handler().Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "x", Body: "?"}, message(t, "acme", "1")}})
	if err != nil || len(answer.BatchItemFailures) != 0 || len(p.sent) != 1 {
		t.Errorf("%+v %v, sent %d", answer, err, len(p.sent))
	}
}

func TestThresholdsComeByEnvironment(t *testing.T) {
	t.Parallel()
	var got thresholds
	want := tenant.DefaultThresholds()
	want.APIErrors = 9
	if err := got.UnmarshalText([]byte(`{"api_errors":9}`)); err != nil || tenant.Thresholds(got) != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := got.UnmarshalText([]byte(`9`)); err == nil {
		t.Error("a number is taken for thresholds")
	}
}
