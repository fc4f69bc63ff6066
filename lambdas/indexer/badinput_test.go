package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// oddities are values that stand where others belong. Each is put in the place of each member in turn.
var oddities = []string{
	`null`, `""`, `"null"`, `true`, `0`, `-1`, `1e400`, `-1e-400`, `9007199254740993`, `123456789012345678901234567890`, `NaN`, `-Infinity`,
	`"NaN"`, `"Infinity"`, `"1e400"`, `"50"`, `" 50 "`, `"0x10"`, `[]`, `{}`, `[[[50]]]`, `{"__proto__":{"x":1}}`, `["a",{"b":null}]`,
	`"a\u0000b"`, `"line\nfeed"`, `"\ud800"`, `"\u202eevil\u202c"`, `"שלום עולם"`, `"\ufeff"`, `"` + "\xff\xfe" + `"`, `"2026-02-31T00:00:00Z"`, `"<script>"`,
}

// TestBadInputIsRefusedOrStored puts every oddity in the place of every member, around the records and in one of them. Whatever
// the pushers take of it, search keeps: nothing of it becomes a dead letter, and the good neighbour in the batch is there.
func TestBadInputIsRefusedOrStored(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	now := time.Now()
	at := func(n int) string {
		return now.Add(-time.Duration(n) * time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	stream := func(n int) string {
		return fmt.Sprintf(`{"softphoneStreamType":"audio_input","timestamp":%q,"packetsCount":50,"packetsLost":0,"audioLevel":1,"jitterBufferMillis":2,"roundTripTimeMillis":40,"muted":false,"onHold":false}`, at(n))
	}
	metric := func(n int) string {
		return fmt.Sprintf(`{"name":"getAgentSnapshot","time":20,"timestamp":%q,"error":false,"error5xx":0,"fault":false,"dimensions":[],"optionalDimensions":[]}`, at(n))
	}
	around := `"agentPrivateIp":"10.0.0.1","callConfigJson":"{}","agentRoutingProfile":"R","contactId":"c-1","contactQueue":"Q","schemaVersion":2,` +
		`"connectInstance":"main","pageId":"p","openPages":1,"batchId":"b","sentAt":` + fmt.Sprintf("%q", at(0)) + `,"droppedRecords":0,"__proto__":{"x":1},`
	report := fmt.Sprintf(`{"callStartTime":%q,"callEndTime":%q,"talkingTimeMillis":60000,"gumTimeMillis":3,"iceCollectionFailure":false,"rtcJsVersion":"1","audioInputDevices":[],`+
		`"softphoneStreamStatistics":[{"softphoneStreamType":"audio_input","packetsCount":3000}],"softphoneStreamPerSecondStatistics":{"AUDIO_INPUT":[{"packetsCount":50}]},"constructor":1,"userAgentData":"x"}`, at(70), at(10))
	bodies := map[string]string{
		telemetry.KindStreamStats: `{"agent":"odd.example",` + around + `"softphoneStreamStatistics":[` + stream(2) + `,` + stream(1) + `]}`,
		telemetry.KindAPIMetric:   `{"agent":"odd.example",` + around + `"API_METRIC":[` + metric(2) + `,` + metric(1) + `]}`,
		telemetry.KindCallReport:  `{"agent":"odd.example",` + around + `"numberofCpu":8,"localDeviceMemoryLimit":8,"agentBrowserName":"B","agentBrowserversion":"1","ccpVersion":"2","report":` + report + `}`,
	}
	want := map[string]bool{}
	var envelopes []telemetry.Envelope
	refused := 0
	for kind, body := range bodies {
		for i, odd := range variants(t, body) {
			batch, err := telemetry.Decode(kind, []byte(odd), telemetry.Arrival{
				Tenant: w.slug, Pusher: "test", ReceivedAt: now, SourceIP: "192.0.2.7", Privacy: tenant.IPFull,
			})
			if err != nil {
				refused++
				continue
			}
			for _, r := range batch.Rejected {
				if r.Code == "" || r.Detail == "" {
					t.Errorf("variant %d of %s: rejected without a reason: %+v", i, kind, r)
				}
			}
			e := batch.Envelope
			for n := range e.Records { // each variant's documents apart, or the first alone would be judged
				e.Records[n].ID = fmt.Sprintf("%s-%d-%d", kind, i, n)
				want[e.Records[n].ID] = true
			}
			envelopes = append(envelopes, e)
		}
	}
	for some := range slices.Chunk(envelopes, 100) {
		var event events.SQSEvent
		for _, e := range some {
			event.Records = append(event.Records, events.SQSMessage{Body: packed(t, e)})
		}
		if answer, err := w.handler.Handle(t.Context(), event); err != nil || len(answer.BatchItemFailures) > 0 {
			t.Fatal(answer, err)
		}
	}
	found := map[string]bool{}
	for key := range w.documents(t) {
		_, id, _ := strings.Cut(key, " ")
		found[id] = true
	}
	var missing []string
	for id := range want {
		if !found[id] {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 || len(found) != len(want) {
		t.Errorf("of %d records of %d bodies (%d bodies refused) these are no documents: %v", len(want), len(envelopes), refused, missing)
	}
	if n := w.waiting(t, w.deadURL); n != "0" {
		t.Errorf("%s dead letters", n)
	}
}

// variants returns the body with each oddity in the place of each member's value, as text: no encoder writes such values.
func variants(t *testing.T, body string) (all []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return all
		}
		name, isText := token.(string)
		at := int(decoder.InputOffset())
		if !isText || at >= len(body) || body[at] != ':' || name == "agent" {
			continue
		}
		var value json.RawMessage
		if err := json.NewDecoder(strings.NewReader(body[at+1:])).Decode(&value); err != nil {
			t.Fatal(err)
		}
		for _, odd := range oddities {
			all = append(all, body[:at+1]+odd+body[at+1+len(value):])
		}
	}
}

// A call of two hours, with its seconds, is one report.
func TestAReportOfTwoHours(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	const seconds = 2 * 60 * 60
	start := time.Now().Add(-seconds * time.Second).UTC()
	column := func(value func(n int) int) string {
		values := make([]string, seconds)
		for n := range values {
			values[n] = strconv.Itoa(value(n))
		}
		return "[" + strings.Join(values, ",") + "]"
	}
	stream := fmt.Sprintf(`{"packetsCount":%s,"packetsLost":%s,"audioLevel":%s,"jitterBufferMillis":%s,"roundTripTimeMillis":%s}`,
		column(func(n int) int { return 50 - n%3 }), column(func(n int) int { return n % 3 }), column(func(n int) int { return n * 7919 % 32768 }),
		column(func(n int) int { return 100_000 + n*n }), column(func(n int) int { return 40 + n%90 }))
	body := fmt.Sprintf(`{"agent":"long.example","contactId":"c-long","report":{"callStartTime":%q,"callEndTime":%q,"talkingTimeMillis":%d,"softphoneStreamPerSecondStatistics":{"AUDIO_INPUT":%s,"AUDIO_OUTPUT":%s}}}`,
		start.Format(time.RFC3339), start.Add(seconds*time.Second).Format(time.RFC3339), seconds*1000, stream, stream)
	batch, err := telemetry.Decode(telemetry.KindCallReport, []byte(body), telemetry.Arrival{
		Tenant: w.slug, Pusher: "test", ReceivedAt: time.Now(), SourceIP: "192.0.2.7", Privacy: tenant.IPFull,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.New(w.sqs, w.queueURL).Send(t.Context(), batch.Envelope); err != nil {
		t.Fatal(err)
	}
	w.drain(t)
	kept := 0
	for _, source := range w.documents(t) {
		var document struct {
			Doc struct {
				Report struct {
					Seconds map[string]map[string][]json.RawMessage `json:"softphoneStreamPerSecondStatistics"`
				}
			}
		}
		if err := json.Unmarshal([]byte(source), &document); err != nil {
			t.Fatal(err)
		}
		kept += len(document.Doc.Report.Seconds["AUDIO_INPUT"]["packetsCount"])
	}
	if n := w.waiting(t, w.deadURL); kept != seconds || n != "0" {
		t.Errorf("%d of %d seconds are kept; %s dead letters", kept, seconds, n)
	}
}
