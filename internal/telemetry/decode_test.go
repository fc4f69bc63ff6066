package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const second = `{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T08:59:00Z"}`

func TestBoundsOfABody(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	body := func(members, records string) string {
		return `{"agent":"a",` + members + `"softphoneStreamStatistics":[` + records + `]}`
	}
	for name, row := range map[string]struct {
		body  string
		fault error
	}{
		"500 records":               {body("", strings.TrimSuffix(strings.Repeat(second+",", 500), ",")), nil},
		"501 records":               {body("", strings.TrimSuffix(strings.Repeat(second+",", 501), ",")), ErrTooManyRecords},
		"512 KiB":                   {body(`"x":"`+long(512<<10-len(body(`"x":"",`, second)))+`",`, second), nil},
		"a byte more":               {body(`"x":"`+long(512<<10-len(body(`"x":"",`, second))+1)+`",`, second), ErrTooLarge},
		"name of 256":               {body(`"contactQueue":"`+long(256)+`",`, second), nil},
		"name of 257":               {body(`"contactQueue":"`+long(257)+`",`, second), ErrMemberInvalid},
		"256 characters, 512 bytes": {body(`"agentRoutingProfile":"`+strings.Repeat("ü", 256)+`",`, second), ErrMemberInvalid},
		"id of 128":                 {body(`"contactId":"`+long(128)+`",`, second), nil},
		"id of 129":                 {body(`"contactId":"`+long(129)+`",`, second), ErrMemberInvalid},
		"batch of 129":              {body(`"batchId":"`+long(129)+`",`, second), ErrMemberInvalid},
		"address of 257":            {body(`"agentPrivateIp":"`+long(257)+`",`, second), ErrMemberInvalid},
		"a NUL in an id":            {body(`"contactId":"a\u0000b",`, second), ErrMemberInvalid},
		"a lone surrogate":          {body(`"contactQueue":"\ud800",`, second), nil},
		"names of other types":      {body(`"contactQueue":null,"agentRoutingProfile":7,"contactId":{},`, second), nil},
		"two names, the last":       {body(`"contactQueue":"`+long(300)+`","contactQueue":"Q",`, second), nil},
		"no agent":                  {`{"softphoneStreamStatistics":[` + second + `]}`, ErrAgentMissing},
		"an empty agent":            {`{"agent":" ","softphoneStreamStatistics":[` + second + `]}`, ErrAgentMissing},
		"an agent of another case":  {`{"Agent":"a","softphoneStreamStatistics":[` + second + `]}`, ErrAgentMissing},
		"no records":                {`{"agent":"a","softphoneStreamStatistics":[]}`, ErrNoUsableRecord},
		"records of another kind":   {`{"agent":"a","API_METRIC":[{"name":"x","timestamp":1795510772000}]}`, ErrNoUsableRecord},
		"records are no list":       {`{"agent":"a","softphoneStreamStatistics":"x"}`, ErrNoUsableRecord},
		"deep":                      {strings.Repeat("[", 200_000), ErrNotJSON},
		"deep inside":               {body(`"x":`+strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)+`,`, second), nil},
		"a byte-order mark":         {"\ufeff" + body("", second), nil},
		"two byte-order marks":      {"\ufeff\ufeff" + body("", second), ErrNotJSON},
		"bytes that are no UTF-8":   {"{\"agent\":\"\xff\xfe\",\"softphoneStreamStatistics\":[" + second + "]}", nil},
		"UTF-16":                    {"{\x00}\x00", ErrNotJSON},
		"blanks":                    {" \n", ErrNotJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch, err := Decode(KindStreamStats, []byte(row.body), arrival())
			if !errors.Is(err, row.fault) {
				t.Fatalf("%v, want %v", err, row.fault)
			}
			if err == nil && len(unlisted(t, batch)) > 0 {
				t.Error("a field is not listed")
			}
		})
	}
	if MaxBytes(KindCallReport) != 2<<20 || MaxBytes(KindAPIMetric) != 512<<10 {
		t.Error("other bounds")
	}
}

func TestContactsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{`"contactId":null,`, `"contactId":"",`, `"contactId":" ",`, `"contactId":"null",`, `"contactId":"undefined",`, ``} {
		batch := mustDecode(t, KindStreamStats, []byte(`{"agent":"a",`+sent+`"softphoneStreamStatistics":[`+second+`]}`), arrival())
		if _, known := docs(t, batch)[0]["contactId"]; known || batch.WithoutContact != 1 {
			t.Errorf("%s: contact %v, %d without", sent, known, batch.WithoutContact)
		}
	}
	batch := mustDecode(t, KindStreamStats, streams(second), arrival())
	if docs(t, batch)[0]["contactId"] != "c-1" || batch.WithoutContact != 0 {
		t.Error("a contact that is no UUID is lost")
	}
}

func TestWhatSchemaTwoAdds(t *testing.T) {
	t.Parallel()
	body := `{"agent":"earshot.probe","schemaVersion":2,"connectInstance":"northwind","pageId":"p","openPages":2,"batchId":"b",
		"sentAt":"2026-11-24T08:59:59.250Z","droppedRecords":"3","softphoneStreamStatistics":[` + second + `]}`
	e := mustDecode(t, KindStreamStats, []byte(body), arrival()).Envelope
	in := e.Ingest
	if e.ConnectInstance != "northwind" || !e.Probe || in.SchemaVersion != 2 || in.PageID != "p" || in.BatchID != "b" ||
		*in.OpenPages != 2 || *in.SkewMillis != 750 || *in.DroppedRecords != 3 || in.Pusher != "streamstats-pusher" {
		t.Errorf("envelope %+v", e)
	}
	old := mustDecode(t, KindStreamStats, streams(second), arrival()).Envelope
	if old.Probe || old.Ingest.SchemaVersion != 1 || old.Ingest.SkewMillis != nil || old.Ingest.OpenPages != nil {
		t.Errorf("schema 1: %+v", old)
	}
}

// An id comes from the content alone: not from batch, page or instant of sending, nor from the order of members.
func TestIDs(t *testing.T) {
	t.Parallel()
	one := ids(t, KindStreamStats, string(streams(second, strings.Replace(second, "input", "output", 1))))
	again := ids(t, KindStreamStats, `{"softphoneStreamStatistics":[{"timestamp":"2026-11-24T08:59:00.000Z","softphoneStreamType":"audio_output","packetsCount":50}],
		"batchId":"other","pageId":"other","sentAt":"2026-11-24T08:59:59Z","agentPrivateIp":"10.0.0.1","contactId":"c-1","agent":"mira.holm"}`)
	at := base36(InstantOf(base).Time().UnixMilli() - 60_000)
	if len(one[0]) != 12+1+len(at) || one[0][12:] != "i"+at || one[1] != one[0][:12]+"o"+at || again[0] != one[1] {
		t.Errorf("ids %v %v", one, again)
	}
	for name, other := range map[string]string{
		"agent":    strings.Replace(string(streams(second)), "mira.holm", "otto", 1),
		"contact":  strings.Replace(string(streams(second)), "c-1", "c-2", 1),
		"instance": strings.Replace(string(streams(second)), `{"agent"`, `{"connectInstance":"eu","agent"`, 1),
	} {
		if ids(t, KindStreamStats, other)[0] == one[0] {
			t.Errorf("another %s has the same id", name)
		}
	}
	equal := ids(t, KindStreamStats, string(streams(second, second, second)))
	if fmt.Sprint(equal) != fmt.Sprint([]string{one[0], one[0] + ".2", one[0] + ".3"}) {
		t.Errorf("equal records have ids %v", equal)
	}
}

func ids(t *testing.T, kind, body string) []string {
	t.Helper()
	var all []string
	for _, record := range mustDecode(t, kind, []byte(body), arrival()).Envelope.Records {
		all = append(all, record.ID)
	}
	return all
}
