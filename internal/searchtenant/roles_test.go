package searchtenant_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const report = `{"@timestamp":"2026-11-24T10:00:00.000Z","tenant":"x","doc":{"agent":"jane","contactId":"c-1"}}`

const record = `{"@timestamp":"2026-11-24T10:00:00.000Z","tenant":"x","probe":true,"doc":{"agent":"earshot.probe","contactId":"c-1","packetsLost":3}}`

// neighbours are two tenants, the name of the second beginning with that of the first.
func neighbours(t *testing.T) (*searchtenant.Admin, slug.Slug, slug.Slug) {
	t.Helper()
	admin, a := setup(t)
	b := a + "eu"
	apply(t, admin, grant(a, stackA))
	apply(t, admin, grant(b, stackA))
	return admin, a, b
}

// TestRoles attacks a neighbour with each role of a tenant.
func TestRoles(t *testing.T) {
	t.Parallel()
	_, a, b := neighbours(t)
	for name, attack := range map[string]func(t *testing.T, a, b slug.Slug){
		"the writer adds and does nothing else":        writerAddsOnly,
		"the reader reads its tenant only":             readerReadsItsTenant,
		"the space is read by one, written by another": spaceIsForItsRoles,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack(t, a, b)
		})
	}
}

func stats(s slug.Slug) string { return s.Index(telemetry.KindStreamStats, "2026.q4") }

func writerAddsOnly(t *testing.T, a, b slug.Slug) {
	t.Helper()
	writerA := as(t, a.WriterRole(), "of the writer "+a.String())
	writerB := as(t, b.WriterRole(), "of the writer "+b.String())
	if status, text := bulk(t, writerB, stats(b), "1", record); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	for _, test := range []struct {
		index string
		want  int
	}{
		{stats(a), http.StatusCreated},
		{stats(a), http.StatusConflict}, // the first stays
		{stats(b), http.StatusForbidden},
		{"other-index", http.StatusForbidden},
		{".earshot_locks", http.StatusForbidden},
		{".kibana", http.StatusForbidden},
	} {
		if status, text := bulk(t, writerA, test.index, "1", record); status != test.want {
			t.Errorf("create in %s: %d %s", test.index, status, text)
		}
	}
	for _, test := range []struct{ method, path, body string }{
		{http.MethodGet, "/" + stats(a) + "/_doc/1", ""},
		{http.MethodGet, "/" + stats(a) + "/_search", ""},
		{http.MethodGet, "/" + a.IndexPattern() + "/_count", ""},
		{http.MethodPost, "/" + stats(a) + "/_update/1", `{"doc":{"probe":false}}`},
		{http.MethodDelete, "/" + stats(a) + "/_doc/1", ""},
		{http.MethodPost, "/" + stats(a) + "/_delete_by_query", `{"query":{"match_all":{}}}`},
		{http.MethodDelete, "/" + stats(a), ""},
		{http.MethodPut, "/" + stats(b) + "/_doc/2", record},
		{http.MethodPut, "/" + stats(b) + "/_mapping", `{"properties":{"x":{"type":"long"}}}`},
		{http.MethodPut, "/" + b.Index("apimetric", "2026.q4"), ""},
		{http.MethodPut, "/" + stats(a) + "/_settings", `{"index":{"blocks":{"write":true}}}`},
		{http.MethodPost, "/_aliases", `{"actions":[{"add":{"index":"` + stats(a) + `","alias":"` + stats(b) + `-x"}}]}`},
		{http.MethodGet, "/_cat/indices", ""},
		{http.MethodGet, "/_cluster/settings", ""},
		{http.MethodGet, "/_plugins/_security/api/roles", ""},
		{http.MethodPut, "/_plugins/_security/api/roles/x", `{"cluster_permissions":["*"]}`},
		{http.MethodPut, "/_index_template/x", `{"index_patterns":["` + b.IndexPattern() + `"]}`},
		{http.MethodPost, "/_reindex", `{"source":{"index":"` + stats(b) + `"},"dest":{"index":"` + stats(a) + `-copy"}}`},
	} {
		status, text := do(t, writerA, test.method, test.path, test.body)
		if isAllowed(status) && !isEmptyAnswer(text) {
			t.Errorf("%s %s: %d %s", test.method, test.path, status, text)
		}
	}
}

func readerReadsItsTenant(t *testing.T, a, b slug.Slug) {
	t.Helper()
	reports := func(s slug.Slug) string { return s.Index(telemetry.KindCallReport, "2026.q4") }
	for _, s := range []slug.Slug{a, b} {
		if status, text := bulk(t, as(t, s.WriterRole(), "of the writer "+s.String()), reports(s), "1", report); status != http.StatusCreated {
			t.Fatal(status, text)
		}
		if status, text := do(t, as(t, "", ""), http.MethodPost, "/"+reports(s)+"/_refresh", ""); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	reader := as(t, a.ReaderRole(), "of the reader "+a.String())
	for _, test := range []struct {
		path string
		want string
	}{
		{"/" + a.KindPattern(telemetry.KindCallReport) + "/_count", `"count":1`},
		{"/" + reports(a) + "/_doc/1", `"found":true`},
		{"/" + a.IndexPattern() + "/_field_caps?fields=doc.*", `doc.contactId.keyword`},
	} {
		if status, text := do(t, reader, http.MethodGet, test.path, ""); status != http.StatusOK || !strings.Contains(text, test.want) {
			t.Errorf("%s: %d %s", test.path, status, text)
		}
	}
	for _, test := range []struct{ method, path, body string }{
		{http.MethodGet, "/" + reports(b) + "/_count", ""},
		{http.MethodGet, "/" + b.IndexPattern() + "/_search", ""},
		{http.MethodGet, "/" + reports(b) + "/_doc/1", ""},
		{http.MethodPut, "/" + reports(a) + "/_doc/2", record},
		{http.MethodDelete, "/" + reports(a), ""},
		{http.MethodPut, "/.kibana/_doc/config:x", `{"type":"config"}`},
		{http.MethodGet, "/.kibana_1/_search", ""},
		{http.MethodGet, "/_plugins/_security/api/internalusers", ""},
		{http.MethodGet, "/_search/point_in_time/_all", ""}, // of the whole cluster, index names in their ids
	} {
		status, text := do(t, reader, test.method, test.path, test.body)
		if isAllowed(status) && !isEmptyAnswer(text) {
			t.Errorf("%s %s: %d %s", test.method, test.path, status, text)
		}
	}
	if _, text := do(t, reader, http.MethodGet, "/*/_search", ""); strings.Contains(text, b.String()) {
		t.Errorf("a search of everything shows the neighbour: %s", text)
	}
	if _, text := do(t, reader, http.MethodPost, "/_msearch", `{"index":"`+reports(b)+`"}`+"\n{}\n"); strings.Contains(text, "c-1") {
		t.Errorf("a multiple search shows the neighbour: %s", text)
	}
}

func isAllowed(status int) bool { return status < http.StatusMultipleChoices }

// isEmptyAnswer recognises what a search answers instead of a refusal when it leaves out what may not be seen.
func isEmptyAnswer(text string) bool {
	var answer struct {
		Count *int `json:"count"`
		Hits  struct {
			Total struct {
				Value *int `json:"value"`
			} `json:"total"`
		} `json:"hits"`
	}
	if json.Unmarshal([]byte(text), &answer) != nil {
		return strings.TrimSpace(text) == ""
	}
	return answer.Count != nil && *answer.Count == 0 || answer.Hits.Total.Value != nil && *answer.Hits.Total.Value == 0
}

func spaceIsForItsRoles(t *testing.T, a, b slug.Slug) {
	t.Helper()
	secret := "of the editor " + a.String()
	editorName := a.EditorRole()
	user, err := json.Marshal(map[string]any{"password": secret})
	if err != nil {
		t.Fatal(err)
	}
	putSecurity(t, "internalusers/"+editorName, string(user))
	putSecurity(t, "rolesmapping/"+editorName, `{"users":["`+editorName+`"]}`)
	editor, reader := as(t, editorName, secret), as(t, a.ReaderRole(), "of the reader "+a.String())
	object := `{"index":{"_id":"dashboard:1"}}` + "\n" + `{"type":"dashboard","dashboard":{"title":"calls of ` + a.String() + `"}}` + "\n"
	for _, test := range []struct {
		name  string
		by    opensearchapi.Transport
		space slug.Slug
		want  bool
	}{
		{"the editor writes the space", editor, a, true},
		{"the editor writes the neighbour's", editor, b, false},
		{"the reader writes the space", reader, a, false},
		{"the reader writes the neighbour's", reader, b, false},
	} {
		status, text := do(t, test.by, http.MethodPost, "/.kibana/_bulk", object, "securitytenant", test.space.Space())
		if isWritten := isAllowed(status) && strings.Contains(text, `"status":201`); isWritten != test.want {
			t.Errorf("%s: %d %s", test.name, status, text)
		}
	}
	if status, text := do(t, reader, http.MethodGet, "/.kibana/_doc/dashboard:1", "", "securitytenant", a.Space()); status != http.StatusOK || !strings.Contains(text, "calls of") {
		t.Errorf("the reader reads the space: %d %s", status, text)
	}
	if _, text := do(t, reader, http.MethodGet, "/.kibana/_doc/dashboard:1", "", "securitytenant", b.Space()); strings.Contains(text, "calls of") {
		t.Errorf("the reader reads the neighbour's space: %s", text)
	}
}
