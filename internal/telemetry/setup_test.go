package telemetry

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// base is the moment that the files in testdata were made for.
var base = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func arrival() Arrival {
	return Arrival{
		Tenant: "acme", Pusher: "streamstats-pusher", ReceivedAt: base, SourceIP: "203.0.113.77", Privacy: tenant.IPFull,
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func kindOf(file string) string {
	switch {
	case strings.HasPrefix(file, "callreport"):
		return KindCallReport
	case strings.HasPrefix(file, "apimetrics"):
		return KindAPIMetric
	}
	return KindStreamStats
}

func mustDecode(t testing.TB, kind string, body []byte, a Arrival) Batch {
	t.Helper()
	batch, err := Decode(kind, body, a)
	if err != nil {
		t.Fatalf("decode: %v %+v", err, batch.Rejected)
	}
	return batch
}

// docs returns the doc of every record.
func docs(t testing.TB, batch Batch) []map[string]any {
	t.Helper()
	all := make([]map[string]any, 0, len(batch.Envelope.Records))
	for _, record := range batch.Envelope.Records {
		var doc map[string]any
		if err := json.Unmarshal(record.Doc, &doc); err != nil {
			t.Fatal(err)
		}
		all = append(all, doc)
	}
	return all
}

// decodeOne returns the doc of one stream record.
func decodeOne(t testing.TB, record string) map[string]any {
	t.Helper()
	return docs(t, mustDecode(t, KindStreamStats, streams(record), arrival()))[0]
}

func streams(records ...string) []byte {
	return []byte(`{"agent":"mira.holm","contactId":"c-1","softphoneStreamStatistics":[` + strings.Join(records, ",") + `]}`)
}
