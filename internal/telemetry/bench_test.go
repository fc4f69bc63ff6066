package telemetry

import "testing"

// BenchmarkDecode measures half a minute of a call, both directions: what a pusher does most.
func BenchmarkDecode(b *testing.B) {
	body := readFile(b, "streams-thirty-seconds.json")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode(KindStreamStats, body, arrival()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDocuments measures what the indexer makes of it.
func BenchmarkDocuments(b *testing.B) {
	e := mustDecode(b, KindStreamStats, readFile(b, "streams-thirty-seconds.json"), arrival()).Envelope
	for b.Loop() {
		Documents(e, nil)
	}
}
