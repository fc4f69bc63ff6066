package world

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
)

// Search asks OpenSearch as the local administrator, who alone may look at all tenants.
func (w *World) Search(ctx context.Context, t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	ca, err := os.ReadFile(w.OpenSearch.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.OpenSearch.URL+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(w.OpenSearch.Username, w.OpenSearch.Password)
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
