// Package records reads one tenant's documents from OpenSearch, as the tenant's reader.
package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A Reader reads the documents of one tenant. Use New.
type Reader struct {
	search opensearchapi.Transport
	tenant slug.Slug
}

// New returns a reader of the tenant's documents; search must sign in as the tenant's reader.
func New(search opensearchapi.Transport, tenant slug.Slug) *Reader {
	return &Reader{search: search, tenant: tenant}
}

// CountProbe returns how many documents of each kind the synthetic call with this id has. It counts only what is marked as
// a probe's and is of the probe's agent, whatever the id. A shard that fails is an error. One that has not started, as that of an
// index made just now, counts for nothing: what it holds nobody can find yet.
func (r *Reader) CountProbe(ctx context.Context, callID string) (map[string]int, error) {
	if err := r.refresh(ctx); err != nil {
		slog.DebugContext(ctx, "what was written just now may not be counted yet", "error", err)
	}
	counts := map[string]int{}
	for _, kind := range []string{telemetry.KindStreamStats, telemetry.KindCallReport, telemetry.KindAPIMetric} {
		n, err := r.count(ctx, kind, map[string]any{
			"probe":                  true,
			"doc.agent.keyword":      telemetry.ProbeAgent,
			"ingest.batchId.keyword": callID,
		})
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", kind, err)
		}
		counts[kind] = n
	}
	return counts, nil
}

// refresh makes searchable what was written, which it would be by itself within the indices' refresh interval.
func (r *Reader) refresh(ctx context.Context) error {
	response, err := opensearchapi.IndicesRefreshRequest{Index: []string{r.tenant.IndexPattern()}}.Do(ctx, r.search)
	if err != nil {
		return err // CountProbe says what was being done
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("search answered %d", response.StatusCode)
	}
	return nil
}

// count returns how many documents of a kind have all the values.
func (r *Reader) count(ctx context.Context, kind string, values map[string]any) (int, error) {
	filters := make([]map[string]any, 0, len(values))
	for field, value := range values {
		filters = append(filters, map[string]any{"term": map[string]any{field: value}})
	}
	query, err := json.Marshal(map[string]any{"query": map[string]any{"bool": map[string]any{"filter": filters}}})
	if err != nil {
		return 0, fmt.Errorf("write the query: %w", err)
	}
	response, err := opensearchapi.CountRequest{
		Index: []string{r.tenant.KindPattern(kind)}, Body: strings.NewReader(string(query)),
	}.Do(ctx, r.search)
	if err != nil {
		return 0, err // CountProbe says what was being done
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	switch {
	case response.StatusCode == http.StatusServiceUnavailable && hasNoShardYet(body):
		return 0, nil
	case response.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("search answered %d", response.StatusCode)
	}
	return readCount(body)
}

// hasNoShardYet reports whether a refusal says that none of the shards has started: all failed, and none of them with a reason.
func hasNoShardYet(body []byte) bool {
	var answer struct {
		Error struct {
			Type   string             `json:"type"`
			Failed *[]json.RawMessage `json:"failed_shards"`
		} `json:"error"`
	}
	err := json.Unmarshal(body, &answer)
	return err == nil && answer.Error.Type == "search_phase_execution_exception" && answer.Error.Failed != nil && len(*answer.Error.Failed) == 0
}

// readCount reads an answer; one in which a shard failed is none.
func readCount(body []byte) (int, error) {
	var answer struct {
		Count  *int `json:"count"`
		Shards *struct {
			Total  int `json:"total"`
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Count == nil || answer.Shards == nil {
		return 0, errors.New("the answer is no count")
	}
	if answer.Shards.Failed > 0 {
		return 0, fmt.Errorf("%d of %d shards failed", answer.Shards.Failed, answer.Shards.Total)
	}
	return *answer.Count, nil
}
