package sink_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/opensearch-project/opensearch-go/v2"

	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// standIn is a search that answers each bulk as a test says.
type standIn struct {
	*httptest.Server
	mu    sync.Mutex
	bulks [][]string // guarded by mu: ids of each bulk
	sizes []int      // guarded by mu
}

// sent returns the ids and the size of each bulk.
func (s *standIn) sent() ([][]string, []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bulks, s.sizes
}

type reply func(w http.ResponseWriter, ids []string)

func newStandIn(t *testing.T, say reply) (*standIn, *sink.Sink) {
	t.Helper()
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.RequestURI() != "/_bulk" {
			t.Error("unexpected request", r.URL, err)
		}
		var ids []string
		for i, line := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
			if i%2 == 0 {
				var action map[string]struct {
					ID string `json:"_id"`
				}
				if err := json.Unmarshal(line, &action); err != nil {
					t.Error(err)
				}
				for _, to := range action {
					ids = append(ids, to.ID)
				}
			}
		}
		s.mu.Lock()
		s.bulks, s.sizes = append(s.bulks, ids), append(s.sizes, len(body))
		s.mu.Unlock()
		say(w, ids)
	}))
	t.Cleanup(s.Close)
	client, err := opensearch.NewClient(opensearch.Config{Addresses: []string{s.URL}, DisableRetry: true})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink.New(client)
}

func documents(n int) []telemetry.Document {
	list := make([]telemetry.Document, 0, n)
	for i := range n {
		list = append(list, telemetry.Document{ID: fmt.Sprintf("d%d", i), Index: "acme-apimetric-2026.q4", Source: json.RawMessage(`{"a":1}`)})
	}
	return list
}

func itemText(id string, status int, errorType string) string {
	if errorType == "" {
		return fmt.Sprintf(`{"create":{"_index":"x","_id":%q,"status":%d}}`, id, status)
	}
	return fmt.Sprintf(`{"create":{"_index":"x","_id":%q,"status":%d,"error":{"type":%q,"reason":"because"}}}`, id, status, errorType)
}

// items answers with an item for each id.
func items(of func(i int, id string) string) reply {
	return func(w http.ResponseWriter, ids []string) {
		list := make([]string, 0, len(ids))
		for i, id := range ids {
			list = append(list, of(i, id))
		}
		_, _ = fmt.Fprintf(w, `{"took":1,"errors":true,"items":[%s]}`, strings.Join(list, ","))
	}
}

func created(_ int, id string) string { return itemText(id, http.StatusCreated, "") }

func TestItemsAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status    int
		errorType string
		want      sink.Verdict
	}{
		{201, "", sink.Done},
		{200, "", sink.Done},
		{409, "version_conflict_engine_exception", sink.Done},
		{409, "something_else", sink.Retry},
		{400, "strict_dynamic_mapping_exception", sink.Refused},
		{400, "mapper_parsing_exception", sink.Refused},
		{400, "resource_already_exists_exception", sink.Retry},
		{403, "security_exception", sink.Retry},
		{403, "cluster_block_exception", sink.Retry},
		{403, "unheard_of_exception", sink.Retry},
		{404, "index_not_found_exception", sink.Retry},
		{429, "circuit_breaking_exception", sink.Retry},
		{429, "es_rejected_execution_exception", sink.Retry},
		{429, "opensearch_rejected_execution_exception", sink.Retry},
		{503, "unavailable_shards_exception", sink.Retry},
		{500, "null_pointer_exception", sink.Retry},
		{302, "", sink.Retry},
		{0, "", sink.Retry},
	}
	_, s := newStandIn(t, items(func(i int, id string) string { return itemText(id, tests[i].status, tests[i].errorType) }))
	got := s.Write(t.Context(), documents(len(tests)))
	for i, test := range tests {
		if got[i].Verdict != test.want {
			t.Errorf("%d %s: got %+v, want %d", test.status, test.errorType, got[i], test.want)
		}
		if test.want != sink.Done && got[i].Type != test.errorType {
			t.Errorf("%d %s: the reason is lost: %+v", test.status, test.errorType, got[i])
		}
	}
}

func TestAFullClusterIsNoFaultOfTheDocument(t *testing.T) {
	t.Parallel()
	_, s := newStandIn(t, items(func(_ int, id string) string {
		return fmt.Sprintf(`{"create":{"_id":%q,"status":400,"error":{"type":"validation_exception","reason":"Validation Failed: `+
			`1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;"}}}`, id)
	}))
	if got := s.Write(t.Context(), documents(1)); got[0].Verdict != sink.Retry {
		t.Errorf("got %+v", got[0])
	}
}

// Whatever happens to a request as a whole, nothing of it may count as written, and the rest is not tried.
func TestNothingIsKnownAfterAFailureOfTheWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		say  reply
	}{
		{"unavailable", status(503, `{"error":{"type":"cluster_manager_not_discovered_exception"}}`)},
		{"throttled", status(429, "")},
		{"blocked", status(403, `{"error":{"type":"cluster_block_exception"}}`)},
		{"not allowed", status(403, `{"error":{"type":"security_exception"}}`)},
		{"signed out", status(401, "Unauthorized")},
		{"bad request", status(400, `{"error":{"type":"illegal_argument_exception"}}`)},
		{"an error as text", status(500, `{"error":"boom"}`)},
		{"connection reset after the request", func(http.ResponseWriter, []string) { panic(http.ErrAbortHandler) }},
		{"garbage", status(200, "<html>OK</html>")},
		{"nothing", status(200, "")},
		{"half an answer", func(w http.ResponseWriter, ids []string) {
			var whole bytes.Buffer
			items(created)(discard{&whole}, ids)
			_, _ = w.Write(whole.Bytes()[:whole.Len()/2])
		}},
		{"cut off by the network", func(w http.ResponseWriter, ids []string) {
			w.Header().Set("Content-Length", "100000")
			items(created)(w, ids)
		}},
		{"items in another form", status(200, `{"items":"all of them"}`)},
		{"no items", status(200, `{"took":1,"errors":false}`)},
		{"fewer items", func(w http.ResponseWriter, ids []string) { items(created)(w, ids[1:]) }},
		{"more items", func(w http.ResponseWriter, ids []string) { items(created)(w, append(ids, "d0")) }},
		{"items of other documents", items(func(int, string) string { return itemText("other", 201, "") })},
		{"an item without an action", items(func(int, string) string { return `{}` })},
		{"moved", func(w http.ResponseWriter, _ []string) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, s := newStandIn(t, test.say)
			for i, o := range s.Write(t.Context(), documents(1500)) {
				if o.Verdict != sink.Retry || o.Type == "" {
					t.Fatalf("document %d: %+v", i, o)
				}
			}
			if bulks, _ := server.sent(); len(bulks) != 1 {
				t.Errorf("%d bulks were sent", len(bulks))
			}
		})
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server, s := newStandIn(t, items(created))
	server.Close()
	if got := s.Write(t.Context(), documents(2)); got[0].Verdict != sink.Retry || got[1].Verdict != sink.Retry {
		t.Errorf("got %+v", got)
	}
}

func status(code int, body string) reply {
	return func(w http.ResponseWriter, _ []string) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// discard lets a reply write into a buffer.
type discard struct{ io.Writer }

func (discard) Header() http.Header { return http.Header{} }
func (discard) WriteHeader(int)     {}

func TestBulksAreBounded(t *testing.T) {
	t.Parallel()
	big := func(n, bytes int) []telemetry.Document {
		list := documents(n)
		for i := range list {
			list[i].Source = json.RawMessage(`"` + strings.Repeat("x", bytes) + `"`)
		}
		return list
	}
	tests := []struct {
		name      string
		documents []telemetry.Document
		want      []int
	}{
		{"none", nil, nil},
		{"one", documents(1), []int{1}},
		{"as many as fit", documents(1000), []int{1000}},
		{"one more", documents(1001), []int{1000, 1}},
		{"by size", big(5, 2<<20), []int{2, 2, 1}},
		{"one that is larger goes alone", big(2, 6<<20), []int{1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, s := newStandIn(t, items(created))
			for _, o := range s.Write(t.Context(), test.documents) {
				if o.Verdict != sink.Done {
					t.Fatalf("got %+v", o)
				}
			}
			var got []int
			bulks, sizes := server.sent()
			for i, bulk := range bulks {
				got = append(got, len(bulk))
				if len(bulk) > 1 && sizes[i] > 5<<20 {
					t.Errorf("bulk %d has %d bytes", i, sizes[i])
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("bulks of %v, want %v", got, test.want)
			}
		})
	}
}

func TestABulkThatIsTooLargeIsHalved(t *testing.T) {
	t.Parallel()
	const most = 3
	_, s := newStandIn(t, func(w http.ResponseWriter, ids []string) {
		if len(ids) > most || ids[0] == "d5" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		items(created)(w, ids)
	})
	for i, o := range s.Write(t.Context(), documents(20)) {
		want := sink.Done
		if i == 5 {
			want = sink.Refused
		}
		if o.Verdict != want {
			t.Errorf("document %d: %+v", i, o)
		}
	}
}

func TestSearchThatGoesDownWhileABulkIsHalved(t *testing.T) {
	t.Parallel()
	_, s := newStandIn(t, func(w http.ResponseWriter, ids []string) {
		switch {
		case len(ids) > 2:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case ids[0] == "d0":
			items(created)(w, ids)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	got := s.Write(t.Context(), documents(8))
	for i, o := range got {
		want := sink.Retry
		if i < 2 {
			want = sink.Done
		}
		if o.Verdict != want {
			t.Errorf("document %d: %+v", i, o)
		}
	}
}
