package searchtenant_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-project/opensearch-go/v2"
	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const (
	stackA = "arn:aws:cloudformation:eu-central-1:000000000000:stack/earshot-x/a"
	stackB = "arn:aws:cloudformation:eu-central-1:000000000000:stack/earshot-x/b"
)

// as returns a client of the shared node, signed in as a user.
func as(t *testing.T, username, password string) *opensearch.Client {
	t.Helper()
	return testenv.OpenSearch(t).As(t, username, password)
}

func options() searchtenant.Options {
	return searchtenant.Options{HasUsers: true, Patience: 5 * time.Minute, Lease: 30 * time.Second, Pause: 20 * time.Millisecond}
}

// setup returns an administrator and a tenant of the test's own.
func setup(t *testing.T) (*searchtenant.Admin, slug.Slug) {
	t.Helper()
	return searchtenant.New(as(t, "", ""), options()), testenv.Slug(t)
}

func grant(s slug.Slug, stackID string) searchtenant.Grant {
	return searchtenant.Grant{
		Slug: s, StackID: stackID,
		Writer: searchtenant.Identity{Username: s.WriterRole(), Password: "of the writer " + s.String()},
		Reader: searchtenant.Identity{Username: s.ReaderRole(), Password: "of the reader " + s.String()},
	}
}

func apply(t *testing.T, admin *searchtenant.Admin, g searchtenant.Grant) {
	t.Helper()
	if err := admin.Apply(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

// do sends a request and returns its status and body.
func do(t *testing.T, client opensearchapi.Transport, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		request.Body, request.GetBody, request.ContentLength = nil, nil, 0
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Perform(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// putSecurity writes an object of the security API behind the administrator's back, as often as other tests are faster.
func putSecurity(t *testing.T, object, body string) {
	t.Helper()
	for {
		status, text := do(t, as(t, "", ""), http.MethodPut, "/_plugins/_security/api/"+object, body)
		switch {
		case status == http.StatusConflict:
		case isAllowed(status):
			return
		default:
			t.Fatal(object, status, text)
		}
	}
}

// bulk creates one document and returns the status of its item.
func bulk(t *testing.T, client opensearchapi.Transport, index, id, source string) (int, string) {
	t.Helper()
	status, text := do(t, client, http.MethodPost, "/_bulk", `{"create":{"_index":"`+index+`","_id":"`+id+`"}}`+"\n"+source+"\n")
	if status != http.StatusOK {
		return status, text
	}
	var answer struct {
		Items []map[string]struct {
			Status int `json:"status"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Items) != 1 {
		t.Fatal(text, err)
	}
	return answer.Items[0]["create"].Status, text
}

// meter counts what an administrator sends, and can spoil requests.
type meter struct {
	next  opensearchapi.Transport
	spoil func(n int, r *http.Request) (*http.Response, error)

	mu     sync.Mutex
	n      int      // guarded by mu
	writes []string // guarded by mu: of others than the lock
}

func (m *meter) Perform(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.n++
	n := m.n
	if r.Method != http.MethodGet && !strings.HasPrefix(r.URL.Path, "/.earshot_locks") {
		m.writes = append(m.writes, r.Method+" "+r.URL.Path)
	}
	m.mu.Unlock()
	if m.spoil != nil {
		if answer, err := m.spoil(n, r); answer != nil || err != nil {
			return answer, err
		}
	}
	return m.next.Perform(r)
}

func (m *meter) reset() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	writes := m.writes
	m.writes = nil
	return writes
}

func answerOf(status int) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader([]byte(`{"status":"SPOILT"}`)))}
}
