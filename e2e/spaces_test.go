package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// file sends or fetches a space's file as an owner.
func file(t *testing.T, method, url, token string, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", "application/x-ndjson")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestSpaceFiles takes somebody's dashboards into a tenant's space and out of it, through the public API, the cell's function and
// the real search.
func TestSpaceFiles(t *testing.T) {
	w := setup(t)
	text, err := os.ReadFile("../internal/exports/testdata/every-place-an-index-hides.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	space := w.AdminAPI + "/v1/tenants/acme/space/"
	status, answer := file(t, http.MethodPost, space+"import?overwrite=true", w.Token(), text)
	var done struct{ Created, Updated, Unchanged []string }
	if err := json.Unmarshal([]byte(answer), &done); err != nil || status != http.StatusOK || len(done.Created)+len(done.Updated)+len(done.Unchanged) != 9 {
		t.Fatalf("%d %s", status, answer)
	}
	status, answer = file(t, http.MethodPost, space+"import", w.Token(), text)
	if err := json.Unmarshal([]byte(answer), &done); err != nil || status != http.StatusOK || len(done.Unchanged) != 9 {
		t.Errorf("again: %d %s", status, answer)
	}
	status, exported := file(t, http.MethodGet, space+"export", w.Token(), nil)
	if status != http.StatusOK || !strings.Contains(exported, `"title":"acme-softphonecallreport-*"`) || strings.Contains(exported, `.es(index=soft`) {
		t.Errorf("%d %.500s", status, exported)
	}
	foreign := bytes.ReplaceAll(text, []byte(`"softphonestreamstats-*", "timeFieldName"`), []byte(`"acmeeu-softphonestreamstats-*", "timeFieldName"`))
	status, answer = file(t, http.MethodPost, space+"import?overwrite=true", w.Token(), foreign)
	if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "space.refused") || !strings.Contains(answer, "index-pattern:c13-sss") {
		t.Errorf("the neighbour's index: %d %s", status, answer)
	}
	if _, after := file(t, http.MethodGet, space+"export", w.Token(), nil); after != exported {
		t.Error("a refused file changed the space")
	}
}
