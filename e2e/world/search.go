package world

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// An Identity is a user of search.
type Identity struct{ Username, Password string }

// OnDedicated is the world with the search node that dedicated tenants have in the place of the shared one.
func (w *World) OnDedicated(t *testing.T) *World {
	t.Helper()
	if w.Dedicated == nil {
		t.Fatal("this world has no search node for dedicated tenants")
	}
	there := *w
	there.OpenSearch = *w.Dedicated
	return &there
}

// Search asks OpenSearch as the local administrator, who alone may look at all tenants.
func (w *World) Search(ctx context.Context, t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	var sent []byte
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = raw
	}
	return w.SearchAs(ctx, t, Identity{w.OpenSearch.Username, w.OpenSearch.Password}, method, path, sent)
}

// SearchAs asks OpenSearch as one of its users. Status 0 says that nobody answered.
func (w *World) SearchAs(ctx context.Context, t *testing.T, who Identity, method, path string, body []byte) (int, []byte) {
	t.Helper()
	ca, err := os.ReadFile(w.OpenSearch.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, w.OpenSearch.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(who.Username, who.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, raw
}

// Sent narrows a tenant's index pattern to what was sent: the summaries of calls come in their own time.
func Sent(pattern string) string {
	return pattern + ",-" + strings.TrimSuffix(pattern, "*") + "callsummary-*"
}

// Digest sums up every document of a pattern and its version: it differs when one was added, changed or removed.
func (w *World) Digest(t *testing.T, pattern string) string {
	t.Helper()
	pattern = Sent(pattern)
	_, _ = w.Search(t.Context(), t, http.MethodPost, "/"+pattern+"/_refresh", nil)
	status, raw := w.Search(t.Context(), t, http.MethodPost, "/"+pattern+"/_search?version=true", map[string]any{
		"size": 10_000, "query": map[string]any{"match_all": map[string]any{}},
	})
	var answer struct {
		Hits struct{ Hits []json.RawMessage }
	}
	if err := json.Unmarshal(raw, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("every document of %s: %d %.300s (%v)", pattern, status, raw, err)
	}
	lines := make([]string, len(answer.Hits.Hits))
	for i, hit := range answer.Hits.Hits {
		lines[i] = string(hit)
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d documents, %x", len(lines), sha256.Sum256([]byte(strings.Join(lines, "\n"))))
}

// Count returns how many documents of a pattern match a query string.
func (w *World) Count(ctx context.Context, t *testing.T, pattern string, query map[string]any) int {
	t.Helper()
	_, _ = w.Search(ctx, t, http.MethodPost, "/"+pattern+"/_refresh?ignore_unavailable=true", nil)
	status, raw := w.Search(ctx, t, http.MethodPost, "/"+pattern+"/_count?ignore_unavailable=true", map[string]any{"query": query})
	var answer struct{ Count int }
	if status != http.StatusOK {
		return -1
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Count
}

// AnyDocument is the id of a document of an index.
func (w *World) AnyDocument(t *testing.T, index string) string {
	t.Helper()
	_, raw := w.Search(t.Context(), t, http.MethodGet, "/"+index+"/_search?size=1&filter_path=hits.hits._id", nil)
	var found struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	if err := json.Unmarshal(raw, &found); err != nil || len(found.Hits.Hits) == 0 {
		t.Fatalf("no document of %s: %s (%v)", index, raw, err)
	}
	return found.Hits.Hits[0].ID
}

// Decode reads a JSON object.
func Decode(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%v in %.300s", err, raw)
	}
	return object
}
