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
	f.Helper()
	for name, body := range testFiles(f) {
		f.Add(body)
		var members map[string]json.RawMessage
		if kindOf(name) == KindStreamStats && json.Unmarshal(body, &members) == nil && members["agent"] == nil {
			for _, one := range members {
				f.Add([]byte(one))
			}
		}
	}
	config, _ := readObject(readFile(f, "streams-secrets-in-every-place.json"))
	secret := config["callConfigJson"]
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
		withSecrets(t, kind, body, secret)
	})
}

// withSecrets puts a configuration full of marks into a body that was taken and decodes it again.
func withSecrets(t *testing.T, kind string, body []byte, secret json.RawMessage) {
	t.Helper()
	members, isObject := readObject(body)
	if !isObject {
		return // it held a bare NaN
	}
	delete(members, "callConfigJson")
	plain, plainErr := Decode(kind, encode(members), arrival())
	members["callConfigJson"] = secret
	batch, err := Decode(kind, encode(members), arrival())
	if found := leak(t, batch, err); found != "" && leak(t, plain, plainErr) == "" {
		t.Fatal(found)
	}
}
