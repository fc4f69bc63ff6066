package telemetry

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func bodies(t *testing.T, file string) map[string]json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(readFile(t, file), &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "note")
	return members
}

// One sender each of the three meanings of jitterBufferMillis, also when the batch begins in mid call.
func TestJitterFamiliesAreToldByBehaviour(t *testing.T) {
	t.Parallel()
	for name, body := range bodies(t, "jitter-three-families.json") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent struct {
				Records []struct {
					Jitter float64 `json:"jitterBufferMillis"`
				} `json:"softphoneStreamStatistics"`
			}
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Fatal(err)
			}
			for i, doc := range docs(t, mustDecode(t, KindStreamStats, body, arrival())) {
				jitter := sent.Records[i].Jitter
				if doc["jitterBufferMillis"] != jitter {
					t.Errorf("record %d keeps %v, was sent %v", i, doc["jitterBufferMillis"], jitter)
				}
				switch {
				case name == "buffer_delay_single_record":
					expect(t, i, doc, "unknown", nil, nil)
				case strings.HasPrefix(name, "buffer_delay") && i < 2:
					expect(t, i, doc, "buffer_delay", nil, nil)
				case strings.HasPrefix(name, "buffer_delay"):
					expect(t, i, doc, "buffer_delay", 60.0, 4.3444)
				case jitter == 2:
					expect(t, i, doc, "interarrival", 2.0, 4.3755)
				default:
					expect(t, i, doc, "interarrival", jitter, doc["mos"])
				}
				if mos, rated := doc["mos"].(float64); rated && mos < 4 {
					t.Errorf("record %d has MOS %v", i, mos)
				}
			}
		})
	}
}

func expect(t *testing.T, index int, doc map[string]any, kind string, jitter, mos any) {
	t.Helper()
	if doc["jitterKind"] != kind || doc["jitterMillis"] != jitter || doc["mos"] != mos {
		t.Errorf("record %d: %v %v MOS %v, want %s %v MOS %v", index, doc["jitterKind"], doc["jitterMillis"], doc["mos"], kind, jitter, mos)
	}
}

// Firefox knows no audio level, and a round trip every fifth second only.
func TestUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	batch := mustDecode(t, KindStreamStats, readFile(t, "streams-firefox-audio-level-null.json"), arrival())
	rated := 0
	for i, doc := range docs(t, batch) {
		if level, known := doc["audioLevel"]; !known || level != nil {
			t.Errorf("record %d has audio level %v", i, level)
		}
		if doc["softphoneStreamType"] == "audio_output" {
			if doc["mos"] != nil || doc["jitterMillis"] != nil || doc["jitterKind"] != "unknown" {
				t.Errorf("record %d is rated without jitter: %v", i, doc)
			}
			continue
		}
		switch second := i / 2; {
		case doc["mos"] != nil:
			rated++
			if doc["mos"] != 4.3887 || doc["rFactor"] != 92.18 {
				t.Errorf("record %d has R %v MOS %v", i, doc["rFactor"], doc["mos"])
			}
		case second != 28 && second != 29:
			t.Errorf("second %d is not rated", second)
		}
		if doc["roundTripTimeMillis"] != nil {
			t.Errorf("record %d keeps a round trip that it was not sent", i)
		}
	}
	if len(batch.Envelope.Records) != 60 || rated != 28 {
		t.Errorf("%d records, %d seconds rated", len(batch.Envelope.Records), rated)
	}
}

func TestWrongClocksAreRefused(t *testing.T) {
	t.Parallel()
	batch := mustDecode(t, KindStreamStats, readFile(t, "streams-wrong-clocks.json"), arrival())
	want := []Refusal{
		{Index: 4, Code: "timestamp_out_of_range"},
		{Index: 5, Code: "timestamp_out_of_range"},
		{Index: 6, Code: "timestamp_out_of_range"},
		{Index: 8, Code: "timestamp_out_of_range"},
		{Index: 10, Code: "timestamp_out_of_range"},
		{Index: 11, Code: "timestamp_invalid"},
		{Index: 12, Code: "timestamp_missing"},
		{Index: 13, Code: "timestamp_out_of_range"},
		{Index: 14, Code: "timestamp_invalid"},
	}
	same := func(a, b Refusal) bool { return a.Index == b.Index && a.Code == b.Code && a.Detail != "" }
	if !slices.EqualFunc(batch.Rejected, want, same) {
		t.Errorf("rejected %+v", batch.Rejected)
	}
	var kept []string
	for _, doc := range docs(t, batch) {
		kept = append(kept, doc["timestamp"].(string))
	}
	if !slices.Equal(kept, []string{
		"2026-11-24T08:59:30.000Z", "2026-11-24T08:59:31.250Z", "2026-11-24T08:59:32.000Z",
		"2026-11-24T08:59:33.000Z", "2026-11-25T08:00:00.000Z", "2026-11-11T09:00:00.000Z",
	}) {
		t.Errorf("kept %v", kept)
	}
	if batch.DroppedMembers != 6 {
		t.Errorf("%d members dropped, want the six _case of kept records", batch.DroppedMembers)
	}
	documents, _ := Documents(batch.Envelope, Periods{KindStreamStats: {{Period: tenant.Month}}})
	for _, document := range documents {
		if document.Index != "acme-softphonestreamstats-2026.11" {
			t.Errorf("index %s", document.Index)
		}
	}
}

func TestSecretsEndAtDecode(t *testing.T) {
	t.Parallel()
	body := readFile(t, "streams-secrets-in-every-place.json")
	doc := docs(t, mustDecode(t, KindStreamStats, body, arrival()))[0]
	for member, want := range map[string]string{
		"iceServers":        "turn:turnnlb-1.elb.ap-southeast-2.amazonaws.com.:3478, turns:[2001:db8::7]:443, stun:192.0.2.9",
		"signalingEndpoint": "wss://rtc.connect-telecom.ap-southeast-2.amazonaws.com/LilyRTC",
		"mediaRegion":       "ap-southeast-2",
		"agentPublicIp":     "203.0.113.77",
	} {
		if doc[member] != want {
			t.Errorf("%s is %v, want %s", member, doc[member], want)
		}
	}
	if urls := doc["iceServerUrls"].([]any); len(urls) != 3 {
		t.Errorf("iceServerUrls %v", urls)
	}
}
