package records_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opensearch-project/opensearch-go/v2"

	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

func reader(t *testing.T, handle http.HandlerFunc) *records.Reader {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := opensearch.NewClient(opensearch.Config{Addresses: []string{server.URL}, DisableRetry: true})
	if err != nil {
		t.Fatal(err)
	}
	return records.New(client, "acme")
}

// The real search is asked in lambdas/indexer's tests; here is what no healthy one answers.
func TestCountProbeTellsNewShardsFromFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   int // -1: an error
	}{
		{"a count", 200, `{"count":7,"_shards":{"total":2,"successful":2}}`, 7},
		{"no index yet", 200, `{"count":0,"_shards":{"total":0,"successful":0}}`, 0},
		{"a shard failed", 200, `{"count":3,"_shards":{"total":2,"successful":1,"failed":1}}`, -1},
		{"a shard has not started", 200, `{"count":3,"_shards":{"total":2,"successful":1,"failed":0}}`, 3},
		{"no shard has started", 503, `{"error":{"root_cause":[],"type":"search_phase_execution_exception","reason":"all shards failed","failed_shards":[]},"status":503}`, 0},
		{"all shards failed", 503, `{"error":{"type":"search_phase_execution_exception","failed_shards":[{"shard":0}]},"status":503}`, -1},
		{"closed to reads", 503, `{"error":{"type":"cluster_block_exception"},"status":503}`, -1},
		{"a failure that names no shards", 503, `{"error":{"type":"search_phase_execution_exception"},"status":503}`, -1},
		{"garbage", 200, `<html>`, -1},
		{"another answer", 200, `{"hits":{}}`, -1},
		{"a count of nobody knows what", 200, `{"count":7}`, -1},
		{"unavailable", 503, `{"count":7}`, -1},
		{"not allowed", 403, `{"error":{"reason":"no permissions"}}`, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := reader(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			found, err := r.CountProbe(t.Context(), "c")
			if (err != nil) != (test.want < 0) {
				t.Fatalf("got %v, %v", found, err)
			}
			if err == nil && (len(found) != 3 || found[telemetry.KindCallReport] != test.want) {
				t.Errorf("got %v", found)
			}
		})
	}
}

func TestCountProbeAsksForTheProbeOnly(t *testing.T) {
	t.Parallel()
	var asked []string
	r := reader(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/_refresh") {
			w.WriteHeader(http.StatusForbidden) // the counts need none
			return
		}
		var query struct {
			Query struct {
				Bool map[string][]map[string]map[string]any `json:"bool"`
			} `json:"query"`
		}
		if err := json.Unmarshal(body, &query); err != nil || len(query.Query.Bool) != 1 || len(query.Query.Bool["filter"]) != 3 {
			t.Errorf("asked %s", body)
		}
		for _, want := range []string{`{"term":{"probe":true}}`, `{"term":{"doc.agent.keyword":"earshot.probe"}}`, `{"term":{"ingest.batchId.keyword":"c"}}`} {
			if !strings.Contains(string(body), want) {
				t.Errorf("%s is not in %s", want, body)
			}
		}
		_, _ = io.WriteString(w, `{"count":0,"_shards":{"total":0,"successful":0}}`)
	})
	if _, err := r.CountProbe(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, " "); got != "/acme-*/_refresh /acme-softphonestreamstats-*/_count /acme-softphonecallreport-*/_count /acme-apimetric-*/_count" {
		t.Errorf("asked %s", got)
	}
}
