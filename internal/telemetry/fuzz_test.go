package telemetry

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/earshot-hq/earshot/internal/fault"
)

func FuzzSoftphoneMetrics(f *testing.F) { fuzz(f, KindStreamStats) }
func FuzzCallReport(f *testing.F)       { fuzz(f, KindCallReport) }
func FuzzAPIMetrics(f *testing.F)       { fuzz(f, KindAPIMetric) }

// fuzz holds every body to: no panic, a fault or records; the same body makes the same; every field listed; an envelope
// that is read as it was written; no secret of a call configuration.
func fuzz(f *testing.F, kind string) {
	for name, body := range testFiles(f) {
		f.Add(body)
		var members map[string]json.RawMessage
		if kindOf(name) == KindStreamStats && json.Unmarshal(body, &members) == nil && members["agent"] == nil {
			for _, one := range members {
				f.Add([]byte(one))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := Decode(kind, body, arrival())
		if err != nil {
			if _, ours := fault.As(err); !ours || len(batch.Envelope.Records) > 0 {
				t.Fatalf("%v with %d records", err, len(batch.Envelope.Records))
			}
			return
		}
		again, _ := Decode(kind, body, arrival())
		if !reflect.DeepEqual(batch, again) {
			t.Fatal("the same body made another batch")
		}
		if paths := unlisted(t, batch); len(paths) > 0 {
			t.Fatalf("fields %v are not listed", paths)
		}
		text, err := batch.Envelope.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := ParseEnvelope(text); err != nil || !reflect.DeepEqual(read, batch.Envelope) {
			t.Fatalf("%v, or the envelope changed", err)
		}
		withSecrets(t, kind, body)
	})
}

// withSecrets puts a configuration full of marks into a body that was taken and decodes it again.
func withSecrets(t *testing.T, kind string, body []byte) {
	t.Helper()
	members, _ := readObject(body)
	if members == nil {
		return // it was mended first
	}
	config, _ := readObject(readFile(t, "streams-secrets-in-every-place.json"))
	before := members["callConfigJson"]
	members["callConfigJson"] = config["callConfigJson"]
	batch, err := Decode(kind, encode(members), arrival())
	delete(members, "callConfigJson")
	plain, _ := Decode(kind, encode(members), arrival())
	if found := leak(t, batch, err); found != "" && leak(t, plain, nil) == "" {
		t.Fatalf("with a configuration instead of %.60s: %s", before, found)
	}
}
