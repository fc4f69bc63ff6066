package telemetry

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func reportOf(t *testing.T, file string) (map[string]any, map[string]any, Batch) {
	t.Helper()
	batch := mustDecode(t, KindCallReport, readFile(t, file), arrival())
	doc := docs(t, batch)[0]
	return doc, doc["report"].(map[string]any), batch
}

func TestReportOfNewerStreams(t *testing.T) {
	t.Parallel()
	doc, report, batch := reportOf(t, "callreport-per-second.json")
	for member, want := range map[string]any{
		"timestamp": "2026-11-24T09:15:30.809Z", "talkingSeconds": 31.453, "failed": false, "failureStage": nil,
		"numberofCpu": 8.0, "agentBrowserversion": "143.0.7312.58", "ccpVersion": "2.0", "mediaRegion": "eu-west-2",
	} {
		if doc[member] != want {
			t.Errorf("%s is %v, want %v", member, doc[member], want)
		}
	}
	for member, want := range map[string]any{
		"callEndTime": "2026-11-24T09:15:30.809Z", "iceConnectionsLost": 1.0, "rtcJsVersion": "1.3.2", "isConnected": true,
		"skewTimeMillis": -12.0, "cleanupTimeMillis": nil, "handshakingFailure": false, "extra": nil,
	} {
		if report[member] != want {
			t.Errorf("report.%s is %v, want %v", member, report[member], want)
		}
	}
	series := report[perSecond].(map[string]any)["AUDIO_OUTPUT"].(map[string]any)
	if trips := series["roundTripTimeMillis"].([]any); len(trips) != 31 || trips[0] != 90.0 {
		t.Errorf("series %v", trips)
	}
	if batch.DroppedMembers != 0 || batch.WithoutContact != 0 || batch.Envelope.ConnectInstance != "northwind" {
		t.Errorf("batch %+v", batch)
	}
}

func TestReportOfAFailedCall(t *testing.T) {
	t.Parallel()
	doc, report, batch := reportOf(t, "callreport-underscored-failed.json")
	for member, want := range map[string]any{
		"timestamp": "2026-11-24T08:40:12.001Z", "talkingSeconds": nil, "failed": true, "failureStage": "iceCollection",
		"numberofCpu": 8.0, "localDeviceMemoryLimit": 0.5, "contactId": nil, "iceServers": nil,
	} {
		if doc[member] != want {
			t.Errorf("%s is %v, want %v", member, doc[member], want)
		}
	}
	text := string(encode(report))
	for _, want := range []string{
		`"extra":{"newCounter":3,"newFlag":false}`, `"iceConnectionsFailed":1`, `"iceRestartFailed":false`, `"gumTimeMillis":5049`,
		`"audioInputDevices":["Rosa's headset","Built-in"]`, `"audioOutputDevices":["Desk speaker"]`, `"AUDIO_INPUT":{"packetsCount":[528,"50",null,null,null]}`,
		`"_packetsCount":528`, `"_timestamp":"2026-11-24T08:41:43.278Z"`, `"callStartTime":"2026-11-24T08:40:12.001Z"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	// Two texts that are no values of callEndTime and talkingTimeMillis, four unknown members of the report, one of a total
	// and a total that is none, two values and a list of the series, one direction.
	if batch.DroppedMembers != 12 || batch.WithoutContact != 1 {
		t.Errorf("%d dropped, %d without contact", batch.DroppedMembers, batch.WithoutContact)
	}
}

// Several attempts of one contact differ in callStartTime.
func TestReportInstants(t *testing.T) {
	t.Parallel()
	const start, end = `"2026-11-24T08:00:00Z"`, `"2026-11-24T08:10:00Z"`
	seen := map[string]string{}
	for name, row := range map[string]struct{ start, end, want string }{
		"both":            {start, end, "2026-11-24T08:10:00.000Z"},
		"another attempt": {`"2026-11-24T08:00:01Z"`, end, "2026-11-24T08:10:00.000Z"},
		"no end":          {start, `null`, "2026-11-24T08:00:00.000Z"},
		"no start":        {`null`, end, "2026-11-24T08:10:00.000Z"},
		"end unreadable":  {start, `"x"`, "2026-11-24T08:00:00.000Z"},
		"old start":       {`0`, end, "2026-11-24T08:10:00.000Z"},
		"far start":       {`9007199254740992`, end, "2026-11-24T08:10:00.000Z"},
		"neither":         {`null`, `""`, "timestamp_missing"},
		"both unreadable": {`"x"`, `"x"`, "timestamp_invalid"},
		"old end":         {start, `0`, "timestamp_out_of_range"},
		"old start alone": {`0`, `null`, "timestamp_out_of_range"},
	} {
		body := `{"agent":"a","report":{"callStartTime":` + row.start + `,"callEndTime":` + row.end + `}}`
		batch, err := Decode(KindCallReport, []byte(body), arrival())
		got := ""
		if err == nil {
			record := batch.Envelope.Records[0]
			if other := seen[record.ID]; other != "" && name != "end unreadable" {
				t.Errorf("%s and %s share an id", name, other)
			}
			if name != "end unreadable" { // which is the same as none
				seen[record.ID] = name
			}
			got = record.At.String()
		} else if errors.Is(err, ErrNoUsableRecord) {
			got = batch.Rejected[0].Code
		}
		if got != row.want || err == nil && len(unlisted(t, batch)) > 0 {
			t.Errorf("%s: %s, want %s; unlisted %v", name, got, row.want, err == nil && len(unlisted(t, batch)) > 0)
		}
	}
}

func TestReportThatIsNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"agent":"a"}`, `{"agent":"a","report":null}`, `{"agent":"a","report":[1]}`,
		`{"agent":"a","contactId":"c","markedBadAt":[]}`, `{"agent":"a","contactId":"c","markedBadAt":["1970-01-01T00:00:00Z"]}`,
		`{"agent":"a","contactId":"null","markedBadAt":[1795510720000]}`, `{"agent":"a","contactId":"c","report":"x","markedBadAt":[1795510720000]}`,
	} {
		batch, err := Decode(KindCallReport, []byte(body), arrival())
		if !errors.Is(err, ErrNoUsableRecord) || batch.Rejected[0].Code != "report_missing" {
			t.Errorf("%s: %v %+v", body, err, batch.Rejected)
		}
	}
	body := `{"agent":"a","agentBrowserName":"` + strings.Repeat("x", 257) + `","report":{"callEndTime":1795510772000}}`
	if _, err := Decode(KindCallReport, []byte(body), arrival()); !errors.Is(err, ErrMemberInvalid) {
		t.Errorf("long browser name: %v", err)
	}
}

// What an agent says of a call after its report is a record that is no report, of the instant of the last mark, and one however
// often it is sent.
func TestMarksAfterTheReport(t *testing.T) {
	t.Parallel()
	const body = `{"agent":"a","contactId":"c","contactQueue":"Q","report":null,"markedBadAt":[1795510720000,1795510772000]}`
	batch := mustDecode(t, KindCallReport, []byte(body), arrival())
	again := mustDecode(t, KindCallReport, []byte(body), arrival())
	record, doc := batch.Envelope.Records[0], docs(t, batch)[0]
	if len(batch.Envelope.Records) != 1 || record.At != 1795510772000 || record.ID != again.Envelope.Records[0].ID {
		t.Errorf("records %+v, and again %+v", batch.Envelope.Records, again.Envelope.Records)
	}
	if IsReport(record.ID) || !IsLateMark(record.ID) {
		t.Errorf("%s is taken for a report", record.ID)
	}
	_, hasReport := doc["report"]
	_, canFail := doc["failed"]
	if hasReport || canFail || doc["contactQueue"] != "Q" || len(doc["markedBadAt"].([]any)) != 2 || len(unlisted(t, batch)) > 0 {
		t.Errorf("%v", doc)
	}
	report := mustDecode(t, KindCallReport, []byte(`{"agent":"a","contactId":"c","report":{"callEndTime":1795510772000},"markedBadAt":[1795510720000]}`), arrival())
	if id := report.Envelope.Records[0].ID; !IsReport(id) || IsLateMark(id) {
		t.Errorf("%s is not taken for a report", id)
	}
}

// A sender that makes up members makes no more fields.
func TestExtraIsBounded(t *testing.T) {
	t.Parallel()
	report := map[string]any{"callEndTime": 1795510772000, strings.Repeat("n", 129): 1, "a.b": 1, "": 1, "text": "1", "big": 1e20}
	for i := range 150 {
		report["n"+base36(int64(1000+i))] = i
	}
	body := encode(map[string]any{"agent": "a", "report": report})
	batch := mustDecode(t, KindCallReport, body, arrival())
	extra := docs(t, batch)[0]["report"].(map[string]any)["extra"].(map[string]any)
	if len(extra) != maxExtra || batch.DroppedMembers != 55 {
		t.Errorf("%d extra members, %d dropped", len(extra), batch.DroppedMembers)
	}
}

// A report whose series cannot be packed small enough comes as several documents; no second is lost or doubled.
func TestSplitOfALongReport(t *testing.T) {
	t.Parallel()
	record := mustDecode(t, KindCallReport, readFile(t, "callreport-per-second.json"), arrival()).Envelope
	var whole, joined []json.RawMessage
	var seen []string
	read := func(e Envelope) (stretch []json.RawMessage, from float64) {
		var doc struct {
			From   *float64 `json:"seriesFromSecond"`
			Report struct {
				End     string `json:"callEndTime"`
				Seconds series `json:"softphoneStreamPerSecondStatistics"`
			} `json:"report"`
		}
		if err := json.Unmarshal(e.Records[0].Doc, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.From != nil {
			from = *doc.From
			if (from == 0) != (doc.Report.End != "") {
				t.Errorf("the part from second %v ends at %q", from, doc.Report.End)
			}
		}
		return doc.Report.Seconds["AUDIO_OUTPUT"]["packetsCount"], from
	}
	whole, _ = read(record)
	for _, half := range record.Split(2) {
		for _, part := range half.Split(3) {
			stretch, from := read(part)
			if int(from) != len(joined) || len(unlisted(t, Batch{Envelope: part})) > 0 {
				t.Errorf("part begins at second %v after %d", from, len(joined))
			}
			joined, seen = append(joined, stretch...), append(seen, part.Records[0].ID)
		}
	}
	if string(encode(joined)) != string(encode(whole)) || len(seen) != 6 {
		t.Errorf("joined %d of %d seconds from %v", len(joined), len(whole), seen)
	}
	unique := map[string]bool{}
	for _, id := range seen {
		unique[id] = true
	}
	if len(unique) != 6 || seen[0] != record.Records[0].ID {
		t.Errorf("ids %v", seen)
	}
}
