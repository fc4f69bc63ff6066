package telemetry

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestEnvelopeIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, body := range testFiles(t) {
		if strings.HasPrefix(name, "jitter") {
			continue
		}
		e := mustDecode(t, kindOf(name), body, arrival()).Envelope
		text, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseEnvelope(text)
		if err != nil || !reflect.DeepEqual(read, e) {
			t.Errorf("%s: %v, or it changed", name, err)
		}
	}
}

func TestEnvelopesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{}`, `[]`, `{"v":2}`, `{"v":"1"}`, `{"v":1,"records":{}}`, `{"v":1,"ingest":{"receivedAt":"x"}}`} {
		if _, err := ParseEnvelope([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
	if e, err := ParseEnvelope([]byte(`{"v":1,"kind":"apimetric","later":1}`)); err != nil || e.Kind != KindAPIMetric {
		t.Errorf("a later member: %v", err)
	}
}

func TestSplitKeepsEveryRecord(t *testing.T) {
	t.Parallel()
	whole := mustDecode(t, KindStreamStats, readFile(t, "streams-thirty-seconds.json"), arrival()).Envelope
	for _, n := range []int{0, 1, 2, 7, 60, 600} {
		var records []Record
		parts := whole.Split(n)
		for _, part := range parts {
			records = append(records, part.Records...)
			if part.Kind != whole.Kind || len(part.Records) == 0 {
				t.Errorf("part of %d: %+v", n, part)
			}
		}
		if len(parts) != min(max(n, 1), 60) || !reflect.DeepEqual(records, whole.Records) {
			t.Errorf("%d parts of %d, %d records", len(parts), n, len(records))
		}
	}
	classic := mustDecode(t, KindCallReport, readFile(t, "callreport-classic.json"), arrival()).Envelope
	if len(classic.Split(2)) != 1 {
		t.Error("a report without seconds is split")
	}
}

func TestDocumentsNestUnderDoc(t *testing.T) {
	t.Parallel()
	body := `{"agent":"earshot.probe","connectInstance":"eu","schemaVersion":2,"softphoneStreamStatistics":[` + second + `]}`
	e := mustDecode(t, KindStreamStats, []byte(body), arrival()).Envelope
	documents, refused := Documents(e, nil)
	want := `{"@timestamp":"2026-11-24T08:59:00.000Z","tenant":"acme","connectInstance":"eu",` +
		`"ingest":{"receivedAt":"2026-11-24T09:00:00.000Z","pusher":"streamstats-pusher","schemaVersion":2},"probe":true,` +
		`"doc":{"agent":"earshot.probe","timestamp":"2026-11-24T08:59:00.000Z","agentPublicIp":"203.0.113.77",` +
		`"softphoneStreamType":"audio_input","audioLevel":null,"heardBy":"agent","jitterKind":"unknown"}}`
	if len(refused) > 0 || len(documents) != 1 || string(documents[0].Source) != want {
		t.Fatalf("refused %v, source %s", refused, documents[0].Source)
	}
	if d := documents[0]; d.ID != e.Records[0].ID || d.Index != "acme-softphonestreamstats-2026.q4" || d.Overwrite {
		t.Errorf("document %+v", d)
	}
	e.Version = 7
	if again, _ := Documents(e, nil); !again[0].Overwrite || again[0].Version != 7 {
		t.Error("a version does not overwrite")
	}
}

func TestDocumentsThatCannotBe(t *testing.T) {
	t.Parallel()
	good := mustDecode(t, KindStreamStats, streams(second, second), arrival()).Envelope
	for name, row := range map[string]struct {
		spoil func(e *Envelope)
		want  string
		kept  int
	}{
		"kind":       {func(e *Envelope) { e.Kind = "../" }, "kind_unknown", 0},
		"no version": {func(e *Envelope) { e.Kind = KindCallSummary }, "kind_unknown", 0}, // could not be told from a newer one
		"tenant":     {func(e *Envelope) { e.Tenant = "acme-eu" }, "tenant_invalid", 0},
		"id":         {func(e *Envelope) { e.Records[0].ID = "" }, "record_invalid", 1},
		"no doc":     {func(e *Envelope) { e.Records[0].Doc = nil }, "record_invalid", 1},
		"broken doc": {func(e *Envelope) { e.Records[0].Doc = []byte(`{`) }, "record_invalid", 1},
	} {
		e := good
		e.Records = append([]Record(nil), good.Records...)
		row.spoil(&e)
		documents, refused := Documents(e, nil)
		if len(documents) != row.kept || len(refused) != 2-row.kept || refused[0].Code != row.want || refused[0].Index != 0 {
			t.Errorf("%s: %d documents, refused %+v", name, len(documents), refused)
		}
	}
}

func TestIndexOfAPeriod(t *testing.T) {
	t.Parallel()
	day := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	periods := Periods{KindAPIMetric: []tenant.PeriodFrom{
		{Period: tenant.Year},
		{ValidFrom: day("2026-11-01T00:00:00Z"), Period: tenant.Month},
		{ValidFrom: day("2026-11-24T00:00:00Z"), Period: tenant.Day},
		{ValidFrom: day("2026-12-28T00:00:00Z"), Period: tenant.Week},
	}}
	for at, want := range map[string]string{
		"2026-10-31T23:59:59Z":      "2026",
		"2026-11-01T00:00:00Z":      "2026.11",
		"2026-11-24T23:59:59Z":      "2026.11.24",
		"2026-11-25T00:30:00+02:00": "2026.11.24",
		"2026-12-31T00:00:00Z":      "2026.w53",
		"2027-01-03T23:00:00Z":      "2026.w53", // ISO 8601: still that week
		"2027-01-04T00:00:00Z":      "2027.w01",
	} {
		if got := periods.Suffix(KindAPIMetric, InstantOf(day(at))); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	for month := 1; month <= 12; month++ {
		at := InstantOf(time.Date(2026, time.Month(month), 1, 0, 0, 0, 0, time.UTC))
		if got, want := periods.Suffix(KindCallReport, at), fmt.Sprintf("2026.q%d", (month+2)/3); got != want {
			t.Errorf("month %d: %s, want %s", month, got, want)
		}
	}
}

// Whatever the order in which a replay comes, what was received first stays, as it does live.
func TestAReplayPrefersTheFirstReceipt(t *testing.T) {
	t.Parallel()
	of := func(e Envelope) Document {
		documents, refused := Documents(e, nil)
		if len(documents) != 1 || len(refused) != 0 {
			t.Fatal(documents, refused)
		}
		return documents[0]
	}
	e := Envelope{Kind: KindAPIMetric, Tenant: "acme", Ingest: Ingest{ReceivedAt: InstantOf(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))},
		Records: []Record{{ID: "a", Doc: json.RawMessage(`{}`)}}}
	live := of(e)
	e.Replay = true
	first := of(e)
	e.Ingest.ReceivedAt++
	second := of(e)
	if live.Overwrite || !first.Overwrite || !second.Overwrite || first.Version <= second.Version || second.Version <= 0 {
		t.Errorf("live %+v, first %+v, second %+v", live, first, second)
	}
	if live.ID != first.ID || live.Index != first.Index || string(live.Source) != string(first.Source) {
		t.Errorf("a replay makes %+v of what was %+v", first, live)
	}
}

func TestWhatTheArchiveKeeps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		e    Envelope
		want bool
	}{
		{Envelope{Kind: KindStreamStats}, true},
		{Envelope{Kind: KindCallReport}, true},
		{Envelope{Kind: KindAPIMetric}, true},
		{Envelope{Kind: KindAPIMetric, Probe: true}, false},
		{Envelope{Kind: KindAPIMetric, Replay: true}, false},
		{Envelope{Kind: "callsummary", Version: 1}, false},
		{Envelope{Kind: "../x"}, false},
	} {
		if got := test.e.IsArchived(); got != test.want {
			t.Errorf("%+v: %t", test.e, got)
		}
	}
}
