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

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
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

func mustDecode(tb testing.TB, kind string, body []byte, a Arrival) Batch {
	tb.Helper()
	batch, err := Decode(kind, body, a)
	if err != nil {
		tb.Fatalf("decode: %v %+v", err, batch.Rejected)
	}
	return batch
}

// docs returns the doc of every record.
func docs(tb testing.TB, batch Batch) []map[string]any {
	tb.Helper()
	all := make([]map[string]any, 0, len(batch.Envelope.Records))
	for _, record := range batch.Envelope.Records {
		var doc map[string]any
		if err := json.Unmarshal(record.Doc, &doc); err != nil {
			tb.Fatal(err)
		}
		all = append(all, doc)
	}
	return all
}

// decodeOne returns the doc of one stream record.
func decodeOne(tb testing.TB, record string) map[string]any {
	tb.Helper()
	return docs(tb, mustDecode(tb, KindStreamStats, streams(record), arrival()))[0]
}

func streams(records ...string) []byte {
	return []byte(`{"agent":"mira.holm","contactId":"c-1","softphoneStreamStatistics":[` + strings.Join(records, ",") + `]}`)
}
