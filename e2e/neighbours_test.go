package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// acme and its neighbour, the name of the second beginning with that of the first.
const (
	acme   = slug.Slug("acme")
	acmeeu = slug.Slug("acmeeu")
)

// neighbours returns both tenants; whichever test comes first onboards the second.
func neighbours(t *testing.T) (*world.World, map[slug.Slug]world.Tenant) {
	t.Helper()
	w := setup(t)
	if status, answer := w.Call(t, http.MethodGet, "/v1/tenants/"+string(acmeeu), nil); status != http.StatusOK || answer["state"] == "deleted" {
		w.Onboard(t, world.Draft(string(acmeeu)))
	}
	return w, map[slug.Slug]world.Tenant{acme: w.Tenant(t, string(acme)), acmeeu: w.Tenant(t, string(acmeeu))}
}

// agentOf is an agent whom only one tenant has.
func agentOf(s slug.Slug) string { return string(s) + ".own.agent" }

// send posts a call of the tenant's own agent and waits until exactly its documents are there.
func send(t *testing.T, w *world.World, tenant world.Tenant, agent string) samplecall.Call {
	t.Helper()
	call := samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Orders", RoutingProfile: "Retail", Schema: 2, Instance: tenant.Slug(),
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second, Seed: uint64(time.Now().UnixNano()),
	})
	w.Post(t, tenant, call)
	w.FindExactly(t, tenant.Slug(), agent, call)
	return call
}

// TestAttackNeighbourInSearch signs in to search as each tenant's writer and reader and goes for the other's documents in
// every way that reaches an index, and as the writer for its own too.
func TestAttackNeighbourInSearch(t *testing.T) {
	w, tenants := neighbours(t)
	for s, other := range map[slug.Slug]slug.Slug{acme: acmeeu, acmeeu: acme} {
		if n := w.Count(t.Context(), t, string(s)+"-*", world.AgentIs(agentOf(s))); n == 0 {
			send(t, w, tenants[s], agentOf(s))
		}
		if n := w.Count(t.Context(), t, string(other)+"-*", world.AgentIs(agentOf(s))); n != 0 {
			t.Errorf("%s has %d documents of %s", other, n, s)
		}
	}
	for s, other := range map[slug.Slug]slug.Slug{acme: acmeeu, acmeeu: acme} {
		writer, reader := w.Password(t, s.SecretPrefix()+"writer"), w.Password(t, s.SecretPrefix()+"reader")
		t.Run(string(s)+" as the writer", func(t *testing.T) { raid(t, w, writer, s, other, asWriter) })
		t.Run(string(s)+" as the writer, at home", func(t *testing.T) { raid(t, w, writer, s, s, asWriterAtHome) })
		t.Run(string(s)+" as the reader", func(t *testing.T) { raid(t, w, reader, s, other, asReader) })
		t.Run(string(s)+" lends nothing to who holds its cursor", func(t *testing.T) { borrow(t, w, s, other) })
		t.Run(string(s)+" may do its work", func(t *testing.T) { work(t, w, writer, reader, s) })
	}
}

// A raid is one request that tries to reach documents of {target} from the outside. {own} is the raider's index, {id} a
// document of the target.
type raidRow struct{ method, path, body string }

// The three kinds of raiders, and what may become of a raid of theirs.
type raider int

const (
	asWriter raider = iota
	asWriterAtHome
	asReader
)

// reads go for what documents say, or for what there is at all.
var reads = []raidRow{
	{"GET", "/{target}/_search", ""},
	{"GET", "/{target}/_doc/{id}", ""},
	{"GET", "/{target}/_source/{id}", ""},
	{"HEAD", "/{target}/_doc/{id}", ""},
	{"GET", "/{target}/_count", ""},
	{"GET", "/{pattern}/_search", ""},
	{"GET", "/{pattern}/_search?ignore_unavailable=true&allow_no_indices=true", ""},
	{"GET", "/{target}/_explain/{id}?q=*", ""},
	{"GET", "/{target}/_termvectors/{id}?fields=doc.agent", ""},
	{"GET", "/{target}/_validate/query?q=*&explain=true", ""},
	{"GET", "/{target}/_field_caps?fields=*", ""},
	{"GET", "/{target}/_mapping", ""},
	{"GET", "/{target}/_settings", ""},
	{"GET", "/{target}/_stats", ""},
	{"GET", "/{target}/_segments", ""},
	{"GET", "/{target}/_search?scroll=1m", ""},
	{"POST", "/{target}/_refresh", ""},
	{"POST", "/{target}/_search/point_in_time?keep_alive=1m", ""},
	{"GET", "/_resolve/index/{pattern}", ""},
	{"POST", "/_msearch", `{"index":"{target}"}` + "\n{}\n"},
	{"POST", "/_mget", `{"docs":[{"_index":"{target}","_id":"{id}"}]}`},
	{"POST", "/{own}/_search", `{"query":{"terms":{"doc.agent.keyword":{"index":"{target}","id":"{id}","path":"doc.agent"}}}}`},
	{"POST", "/{own}/_search", `{"query":{"more_like_this":{"like":[{"_index":"{target}","_id":"{id}"}],"fields":["doc.agent"],"min_term_freq":1,"min_doc_freq":1}}}`},
	{"POST", "/_reindex", `{"source":{"index":"{target}"},"dest":{"index":"{own}-copy"}}`},
	{"POST", "/{target}/_clone/{own}-copy", ""},
	{"GET", "/_search/point_in_time/_all", ""},
	{"GET", "/_cat/indices", ""},
	{"GET", "/_cat/shards", ""},
	{"GET", "/_cat/aliases", ""},
	{"GET", "/_alias/*", ""},
	{"GET", "/_mapping", ""},
	{"GET", "/_cluster/state", ""},
	{"GET", "/_cluster/stats", ""},
	{"GET", "/_stats", ""},
	{"GET", "/_nodes", ""},
	{"GET", "/_tasks?detailed", ""},
	{"GET", "/_snapshot", ""},
	{"GET", "/_index_template/*", ""},
	{"GET", "/.opendistro_security/_search", ""},
	{"GET", "/.earshot_locks/_search", ""},
	{"GET", "/_plugins/_security/api/internalusers", ""},
	{"GET", "/_plugins/_security/api/roles", ""},
}

// writes go for what is there, or try to slip something in.
var writes = []raidRow{
	{"PUT", "/{target}/_doc/new", `{"tenant":"x"}`},
	{"PUT", "/{target}/_create/new", `{"tenant":"x"}`},
	{"POST", "/_bulk", `{"create":{"_index":"{target}","_id":"new"}}` + "\n{\"tenant\":\"x\"}\n"},
	{"POST", "/_bulk", `{"index":{"_index":"{target}","_id":"{id}"}}` + "\n{\"tenant\":\"x\"}\n"},
	{"POST", "/{own}/_bulk", `{"index":{"_index":"{target}","_id":"{id}"}}` + "\n{\"tenant\":\"x\"}\n"},
	{"POST", "/_bulk", `{"create":{"_index":"<{target}-{now/d}>","_id":"new"}}` + "\n{\"tenant\":\"x\"}\n"},
	{"PUT", "/{target}-new", ""},
	{"PUT", "/{target}/_mapping", `{"properties":{"x":{"type":"long"}}}`},
}

// changes are what not even the tenant's own writer may do.
var changes = []raidRow{
	{"POST", "/{target}/_update/{id}", `{"doc":{"tenant":"x"}}`},
	{"POST", "/{target}/_update/{id}", `{"script":"ctx._source.tenant='x'"}`},
	{"POST", "/{target}/_update/new", `{"doc":{"tenant":"x"},"doc_as_upsert":true}`},
	{"POST", "/_bulk", `{"update":{"_index":"{target}","_id":"{id}"}}` + "\n{\"doc\":{\"tenant\":\"x\"}}\n"},
	{"POST", "/_bulk", `{"delete":{"_index":"{target}","_id":"{id}"}}` + "\n"},
	{"DELETE", "/{target}/_doc/{id}", ""},
	{"POST", "/{target}/_delete_by_query", `{"query":{"match_all":{}}}`},
	{"POST", "/{target}/_update_by_query", `{"script":"ctx._source.tenant='x'"}`},
	{"DELETE", "/{target}", ""},
	{"DELETE", "/{pattern}", ""},
	{"POST", "/{target}/_close", ""},
	{"PUT", "/{target}/_settings", `{"index":{"number_of_replicas":0}}`},
	{"PUT", "/{target}/_alias/{own}-alias", ""},
	{"POST", "/_aliases", `{"actions":[{"add":{"index":"{target}","alias":"{own}-alias"}}]}`},
	{"POST", "/_aliases", `{"actions":[{"add":{"index":"{own}","alias":"{target}-alias"}}]}`},
	{"PUT", "/{own}-alias-holder", `{"aliases":{"{target}-alias":{}}}`},
	{"PUT", "/_index_template/earshot-stranger", `{"index_patterns":["{pattern}"]}`},
	{"PUT", "/_ingest/pipeline/stranger", `{"processors":[]}`},
	{"PUT", "/_snapshot/stranger", `{"type":"fs","settings":{"location":"x"}}`},
	{"PUT", "/_cluster/settings", `{"transient":{"action.auto_create_index":"false"}}`},
	{"DELETE", "/_search/scroll/_all", ""},
	{"DELETE", "/_search/point_in_time/_all", ""},
	{"PUT", "/_plugins/_security/api/roles/stranger", `{"cluster_permissions":["*"]}`},
	{"PUT", "/_plugins/_security/api/rolesmapping/all_access", `{"users":["*"]}`},
}

// wide reach for everything at once: whoever may read gets its own documents and nobody else's.
var wide = []raidRow{
	{"GET", "/_search?size=1000", ""},
	{"GET", "/*/_search?size=1000", ""},
	{"GET", "/_all/_search?size=1000", ""},
	{"GET", "/acme*/_search?size=1000", ""},
	{"GET", "/{target},{own}/_search?size=1000", ""},
	{"GET", "/{pattern},{own}/_search?size=1000", ""},
	{"GET", "/*/_field_caps?fields=*", ""},
	{"GET", "/_resolve/index/*", ""},
	{"POST", "/_msearch", "{\"index\":\"*\"}\n{\"size\":1000}\n"},
}

// raid makes every request of a kind of raider, and wants each refused, nothing of the target told and nothing changed.
func raid(t *testing.T, w *world.World, who world.Identity, own, target slug.Slug, kind raider) {
	t.Helper()
	rows := append(append([]raidRow{}, reads...), changes...)
	if kind != asWriterAtHome {
		rows = append(rows, writes...)
	}
	before := w.Digest(t, target.IndexPattern())
	fill := placeholders(t, w, own, target)
	for _, row := range rows {
		status, answer := w.SearchAs(t.Context(), t, who, row.method, fill.Replace(row.path), []byte(fill.Replace(row.body)))
		if !isRefusal(status, string(answer)) || strings.Contains(string(answer), agentOf(target)) {
			t.Errorf("%s %s %s: %d %.300s", row.method, row.path, row.body, status, answer)
		}
	}
	for _, row := range wide {
		status, answer := w.SearchAs(t.Context(), t, who, row.method, fill.Replace(row.path), []byte(fill.Replace(row.body)))
		tells := strings.Contains(string(answer), agentOf(target)) || strings.Contains(string(answer), string(target)+"-softphone")
		if kind == asReader && (status != http.StatusOK || tells) || kind != asReader && !isRefusal(status, string(answer)) {
			t.Errorf("%s %s: %d %.300s", row.method, row.path, status, answer)
		}
	}
	if after := w.Digest(t, target.IndexPattern()); after != before {
		t.Errorf("%s had %s, now it has %s", target, before, after)
	}
}

// isRefusal recognises a refusal: of the whole, of the one item that a multiple request had, or of a request that this node has
// no module for (reindex, the requests by query: where there is one, they need the rights that the other rows try).
func isRefusal(status int, answer string) bool {
	switch status {
	case http.StatusForbidden:
		return true
	case http.StatusOK, http.StatusBadRequest:
		return strings.Contains(answer, "security_exception") || strings.Contains(answer, "no handler found")
	case http.StatusMethodNotAllowed:
		return strings.Contains(answer, "Incorrect HTTP method for uri [/_reindex]")
	}
	return false
}

// placeholders are filled with an index of each and a document of the target.
func placeholders(t *testing.T, w *world.World, own, target slug.Slug) *strings.Replacer {
	t.Helper()
	index := statsOf(t, w, target)
	return strings.NewReplacer("{own}", statsOf(t, w, own), "{target}", index, "{pattern}", target.IndexPattern(),
		"{id}", w.AnyDocument(t, index))
}

// statsOf is the tenant's index of statistics of today.
func statsOf(t *testing.T, w *world.World, s slug.Slug) string {
	t.Helper()
	now := time.Now().UTC()
	quarter := strings.NewReplacer("Q", string(rune('1'+(int(now.Month())-1)/3))).Replace(now.Format("2006") + ".qQ")
	return s.Index(telemetry.KindStreamStats, quarter)
}

// borrow gives a cursor of one tenant's reader to the other's.
func borrow(t *testing.T, w *world.World, s, stranger slug.Slug) {
	t.Helper()
	mine, theirs := w.Password(t, s.SecretPrefix()+"reader"), w.Password(t, stranger.SecretPrefix()+"reader")
	status, answer := w.SearchAs(t.Context(), t, mine, http.MethodPost, "/"+statsOf(t, w, s)+"/_search?scroll=1m&size=1", nil)
	scroll := world.Decode(t, answer)["_scroll_id"]
	if status != http.StatusOK || scroll == nil {
		t.Fatal(status, string(answer))
	}
	for method, body := range map[string]string{
		http.MethodPost:   `{"scroll":"1m","scroll_id":"` + scroll.(string) + `"}`,
		http.MethodDelete: `{"scroll_id":["` + scroll.(string) + `"]}`,
	} {
		status, answer := w.SearchAs(t.Context(), t, theirs, method, "/_search/scroll", []byte(body))
		if status < 300 || strings.Contains(string(answer), agentOf(s)) {
			t.Errorf("%s /_search/scroll: %d %.300s", method, status, answer)
		}
	}
}

// work is what the two users are for: without it, a raid would fail for want of any right.
func work(t *testing.T, w *world.World, writer, reader world.Identity, s slug.Slug) {
	t.Helper()
	status, answer := w.SearchAs(t.Context(), t, reader, http.MethodGet, "/"+s.IndexPattern()+"/_search?size=1000", nil)
	if status != http.StatusOK || !strings.Contains(string(answer), agentOf(s)) {
		t.Errorf("the reader reads: %d %.300s", status, answer)
	}
	id := w.AnyDocument(t, statsOf(t, w, s))
	create := `{"create":{"_index":"` + statsOf(t, w, s) + `","_id":"` + id + `"}}` + "\n{\"tenant\":\"x\"}\n"
	status, answer = w.SearchAs(t.Context(), t, writer, http.MethodPost, "/_bulk", []byte(create))
	if status != http.StatusOK || !strings.Contains(string(answer), `"status":409`) {
		t.Errorf("the writer adds a document that is there: %d %.300s", status, answer)
	}
}
