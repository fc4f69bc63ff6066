package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// record returns one stream record of a second after base; a member is left out with "".
func record(streamType string, second int, packets, lost, jitter, roundTrip string) string {
	at := base.Unix() + int64(second)
	var text strings.Builder
	fmt.Fprintf(&text, `{"softphoneStreamType":"audio_%s","timestamp":%d`, streamType, at*1000)
	for i, value := range []string{packets, lost, jitter, roundTrip} {
		if value != "" {
			name := []string{"packetsCount", "packetsLost", "jitterBufferMillis", "roundTripTimeMillis"}[i]
			fmt.Fprintf(&text, `,"%s":%s`, name, value)
		}
	}
	return text.String() + "}"
}

func TestNumbersComeInManyForms(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		sent                 string
		count, level, millis any
	}{
		{`50`, 50.0, 50.0, 50.0},
		{`"50"`, 50.0, 50.0, 50.0},
		{`" 50 "`, 50.0, 50.0, 50.0},
		{`49.9`, 49.0, 49.0, 49.9},
		{`"2.5e1"`, 25.0, 25.0, 25.0},
		{`0`, 0.0, 0.0, 0.0},
		{`-3`, 0.0, nil, -3.0},
		{`"NaN"`, nil, nil, nil},
		{`NaN`, nil, nil, nil},
		{`-Infinity`, nil, nil, nil},
		{`"Infinity"`, nil, nil, nil},
		{`"0x10"`, nil, nil, nil},
		{`"1_000"`, nil, nil, nil},
		{`""`, nil, nil, nil},
		{`null`, nil, nil, nil},
		{`true`, nil, nil, nil},
		{`[50]`, nil, nil, nil},
		{`{}`, nil, nil, nil},
		{`1e300`, nil, nil, nil},
		{`1e400`, nil, nil, nil},
		{`3458880000`, 3458880000.0, 3458880000.0, 3458880000.0},
	} {
		doc := decodeOne(t, `{"softphoneStreamType":"audio_input","timestamp":"2026-11-24T09:00:00Z","packetsCount":`+row.sent+
			`,"audioLevel":`+row.sent+`,"jitterBufferMillis":`+row.sent+`,"note":"NaN \"NaN"}`)
		if doc["packetsCount"] != row.count || doc["audioLevel"] != row.level || doc["jitterBufferMillis"] != row.millis {
			t.Errorf("%s: count %v level %v jitter %v", row.sent, doc["packetsCount"], doc["audioLevel"], doc["jitterBufferMillis"])
		}
	}
	if doc := decodeOne(t, record("input", 0, "50", "0", "3", "-1")); doc["roundTripTimeMillis"] != nil || doc["mos"] != nil {
		t.Error("a negative round trip is known")
	}
}

func TestInstantsComeInManyForms(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		`"2026-11-24T08:59:33Z"`:            "2026-11-24T08:59:33.000Z",
		`"2026-11-24T08: 59: 31.250Z"`:      "2026-11-24T08:59:31.250Z",
		`" 2026-11-24T10:59:31.2509+02:00"`: "2026-11-24T08:59:31.250Z",
		`1795510772000`:                     "2026-11-24T08:59:32.000Z",
		`"1795510772000"`:                   "2026-11-24T08:59:32.000Z",
		`1795510772000.75`:                  "2026-11-24T08:59:32.000Z",
		`"2026-11-25T09:00:00.000Z"`:        "2026-11-25T09:00:00.000Z",
		`"2026-11-25T09:00:00.001Z"`:        "timestamp_out_of_range",
		`"2026-11-10T09:00:00.000Z"`:        "2026-11-10T09:00:00.000Z",
		`"2026-11-10T08:59:59.999Z"`:        "timestamp_out_of_range",
		`1795510770`:                        "timestamp_out_of_range",
		`1e300`:                             "timestamp_out_of_range",
		`-1`:                                "timestamp_out_of_range",
		`"0001-01-01T00:00:00Z"`:            "timestamp_out_of_range",
		`"2026-11-24T08:59:33"`:             "timestamp_invalid",
		`"2026-11-31T08:59:33Z"`:            "timestamp_invalid",
		`"2026-11-24T24:00:00Z"`:            "timestamp_invalid",
		`"yesterday"`:                       "timestamp_invalid",
		`true`:                              "timestamp_invalid",
		`{}`:                                "timestamp_invalid",
		`null`:                              "timestamp_missing",
		`" "`:                               "timestamp_missing",
	} {
		batch, err := Decode(KindStreamStats, streams(`{"softphoneStreamType":"audio_input","timestamp":`+sent+`}`), arrival())
		got := ""
		if err == nil {
			got = docs(t, batch)[0]["timestamp"].(string)
		} else if errors.Is(err, ErrNoUsableRecord) && len(batch.Rejected) == 1 {
			got = batch.Rejected[0].Code
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", sent, got, want, err)
		}
	}
}

func TestJitterByBehaviour(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		sent   []string
		kind   []string
		millis []any
	}{
		"a fall tells the older family":    {[]string{"2", "3", "1"}, rep("interarrival", 3), []any{2.0, 3.0, 1.0}},
		"also when it never falls":         {[]string{"1", "2", "30"}, rep("interarrival", 3), []any{1.0, 2.0, 30.0}},
		"decimals":                         {[]string{"1.5", `"2.5"`, "2.25"}, rep("interarrival", 3), []any{1.5, 2.5, 2.25}},
		"a sum":                            {[]string{"2880000", "5760000", "8640000"}, rep("buffer_delay", 3), []any{nil, 60.0, 60.0}},
		"a sum from zero":                  {[]string{"0", "2880000", "5760000"}, rep("buffer_delay", 3), []any{nil, 60.0, 60.0}},
		"a sum that stands":                {[]string{"2880000", "2880000"}, rep("buffer_delay", 2), []any{nil, 0.0}},
		"a sum with a hole":                {[]string{"2880000", "null", "8640000"}, []string{"buffer_delay", "unknown", "buffer_delay"}, []any{nil, nil, 60.0}},
		"a new connection":                 {[]string{"99000000", "101880000", "2880000", "5760000"}, rep("buffer_delay", 4), []any{nil, 60.0, nil, 60.0}},
		"a lone sum":                       {[]string{"2880000"}, rep("unknown", 1), []any{nil}},
		"a lone sum after a fall":          {[]string{"99000000", "101880000", "2880000"}, []string{"buffer_delay", "buffer_delay", "unknown"}, []any{nil, 60.0, nil}},
		"falling and enormous":             {[]string{"5000", "4000", "3000"}, rep("unknown", 3), []any{nil, nil, nil}},
		"an outlier is no sum":             {[]string{"0", "2500", "0", "1"}, []string{"interarrival", "unknown", "interarrival", "interarrival"}, []any{0.0, nil, 0.0, 1.0}},
		"a last outlier is no sum":         {[]string{"2", "3", "2500"}, []string{"interarrival", "interarrival", "unknown"}, []any{2.0, 3.0, nil}},
		"a zero before an outlier":         {[]string{"0", "2500"}, []string{"interarrival", "unknown"}, []any{0.0, nil}},
		"negative":                         {[]string{"-4", "2"}, []string{"unknown", "interarrival"}, []any{nil, 2.0}},
		"unknown":                          {[]string{"null", `"NaN"`}, rep("unknown", 2), []any{nil, nil}},
		"two thousand is not above it":     {[]string{"1999", "2000"}, rep("interarrival", 2), []any{1999.0, 2000.0}},
		"just above it, and never falling": {[]string{"2100", "2200"}, rep("buffer_delay", 2), []any{nil, 0.0021}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var records []string
			for i, jitter := range row.sent {
				records = append(records, record("input", i, "50", "0", jitter, "88"))
			}
			for i, doc := range docs(t, mustDecode(t, KindStreamStats, streams(records...), arrival())) {
				if doc["jitterKind"] != row.kind[i] || doc["jitterMillis"] != row.millis[i] {
					t.Errorf("second %d: %v %v, want %v %v", i, doc["jitterKind"], doc["jitterMillis"], row.kind[i], row.millis[i])
				}
				if rated := doc["mos"] != nil; rated != (row.millis[i] != nil) {
					t.Errorf("second %d: MOS %v", i, doc["mos"])
				}
			}
		})
	}
}

func rep(word string, n int) []string { return strings.Fields(strings.Repeat(word+" ", n)) }

// Families are told per stream type; the order in the body does not matter, nor does a doubled second.
func TestJitterIsToldPerDirectionAndInOrderOfTime(t *testing.T) {
	t.Parallel()
	all := docs(t, mustDecode(t, KindStreamStats, streams(
		record("input", 2, "50", "0", "8640000", "88"), record("output", 2, "50", "0", "4", "88"),
		record("input", 0, "50", "0", "2880000", "88"), record("output", 0, "50", "0", "5", "88"),
		record("input", 2, "50", "0", "8640000", "88"),
	), arrival()))
	for i, want := range []any{60.0, 4.0, nil, 5.0, 60.0} {
		if all[i]["jitterMillis"] != want {
			t.Errorf("record %d has jitter %v, want %v", i, all[i]["jitterMillis"], want)
		}
	}
}

// A second without packets has no jitter; one whose packets were all lost is rated with the estimate before it.
func TestSecondsWithoutPackets(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		record            string
		loss, jitter, mos any
	}{
		"nothing expected":       {record("input", 0, "0", "0", "3", "60"), nil, nil, nil},
		"everything lost":        {record("input", 0, "0", "50", "5", "60"), 100.0, nil, 1.1419},
		"nothing sent":           {record("output", 0, "0", "5", "5", "60"), nil, nil, nil},
		"count unknown":          {record("input", 0, "null", "0", "5", "60"), nil, nil, nil},
		"loss unknown":           {record("input", 0, "50", `""`, "5", "60"), nil, 5.0, nil},
		"cumulative":             {record("input", 0, "151", "0", "5", "60"), nil, 5.0, nil},
		"loss may not go down":   {record("input", 0, "50", "-2", "2", "40"), 0.0, 2.0, 4.3879},
		"most that a second has": {record("input", 0, "150", "0", "2", "40"), 0.0, 2.0, 4.3879},
	} {
		doc := decodeOne(t, row.record)
		if doc["lossPercent"] != row.loss || doc["jitterMillis"] != row.jitter || doc["mos"] != row.mos {
			t.Errorf("%s: loss %v jitter %v MOS %v", name, doc["lossPercent"], doc["jitterMillis"], doc["mos"])
		}
		if (doc["suspect"] == "cumulative_first_sample") != (name == "cumulative") {
			t.Errorf("%s: suspect %v", name, doc["suspect"])
		}
	}
}

// The loss of what the customer hears comes in lumps and is judged over ten seconds.
func TestOutboundLossIsJudgedOverTenSeconds(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 30 {
		lost := "0"
		if i == 2 || i == 14 {
			lost = "25"
		}
		records = append(records, record("output", i, "50", lost, "4", "90"))
	}
	records = append(records, record("output", 30, "9000", "9000", "4", "90"))
	for i, doc := range docs(t, mustDecode(t, KindStreamStats, streams(records...), arrival())) {
		var want any = 0.0
		switch {
		case i == 30:
			want = nil
		case i <= 11 || i >= 14 && i <= 23: // in the first ten seconds the window is those ten
			want = 5.0
		}
		if doc["lossPercent"] != want {
			t.Errorf("second %d has loss %v, want %v", i, doc["lossPercent"], want)
		}
	}
	if doc := decodeOne(t, record("output", 0, "10", "50", "4", "90")); doc["lossPercent"] != 100.0 {
		t.Errorf("more lost than sent is %v %%", doc["lossPercent"])
	}
}

func TestRoundTripIsBorrowedWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	all := docs(t, mustDecode(t, KindStreamStats, streams(
		record("output", 0, "50", "0", "4", "41"),
		record("output", 1, "50", "0", "4", "null"), // its own direction lends nothing
		record("input", 1, "50", "0", "1", "null"),
		record("input", 2, "50", "0", "1", `""`),
		record("input", 3, "50", "0", "1", "null"),
	), arrival()))
	for i, want := range []any{4.3856, nil, 4.3887, 4.3887, nil} {
		if all[i]["mos"] != want {
			t.Errorf("record %d has MOS %v, want %v", i, all[i]["mos"], want)
		}
	}
}

func TestRecordsAreRejectedAlone(t *testing.T) {
	t.Parallel()
	batch := mustDecode(t, KindStreamStats, streams(
		`7`, `null`, `{"softphoneStreamType":"video","timestamp":1795510772000}`, `{"timestamp":1795510772000}`,
		`{"softphoneStreamType":"audio_output","timestamp":1795510772000,"muted":true,"onHold":"false","secret":"x"}`,
	), arrival())
	var codes []string
	for _, refusal := range batch.Rejected {
		codes = append(codes, fmt.Sprint(refusal.Index, refusal.Code))
	}
	if got := strings.Join(codes, " "); got != "0record_invalid 1record_invalid 2stream_type_invalid 3stream_type_invalid" {
		t.Errorf("rejected %s", got)
	}
	doc := docs(t, batch)[0]
	if doc["muted"] != true || doc["onHold"] != false || doc["heardBy"] != "customer" || batch.DroppedMembers != 1 {
		t.Errorf("%v, %d dropped", doc, batch.DroppedMembers)
	}
}
