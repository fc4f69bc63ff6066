package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

// demonstrate fills the tenant with calls of a small contact centre: some good, some not, agents on five levels, and a request to
// Amazon Connect that failed.
func demonstrate(t *testing.T, w *world) {
	t.Helper()
	directory := &agents.Directory{
		InstanceARN: "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe", TakenAt: w.now,
		Groups: []agents.Group{
			{ID: "g0", Path: []string{"EMEA", "Berlin", "Orders", "Late", "Team 7"}}, {ID: "g1", Path: []string{"EMEA", "Lisbon", "Returns", "Early", "Team 2"}},
		},
		RoutingProfiles: []agents.RoutingProfile{{ID: "p0", Name: "Retail Voice"}},
		Agents: []agents.Agent{
			{Username: "mira.holm", ID: "a0", Name: "Mira Holm"}, {Username: "jonas.weber", ID: "a1", Name: "Jonas Weber", Group: 1},
			{Username: "ines.costa", ID: "a2", Name: "Inês Costa", Group: 1},
		},
	}
	text, err := directory.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read, err := agents.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	w.book = agents.Book{"northwind": read}
	for i, of := range []struct {
		agent, queue, profile string
		scenario              samplecall.Scenario
	}{
		{"mira.holm", "Orders EMEA", "Retail Voice", samplecall.Good},
		{"mira.holm", "Orders EMEA", "Retail Voice", samplecall.LossyUplink},
		{"jonas.weber", "Returns", "Retail Voice", samplecall.Jittery},
		{"jonas.weber", "Returns", "Second Line", samplecall.Good},
		{"ines.costa", "Orders EMEA", "Second Line", samplecall.Silent},
		{"ines.costa", "Returns", "Second Line", samplecall.LossyUplink},
	} {
		c := samplecall.New(samplecall.Options{
			Agent: of.agent, Queue: of.queue, RoutingProfile: of.profile, Instance: "northwind", Schema: 2, Scenario: of.scenario,
			Start: w.now.Add(-time.Duration(10+25*i) * time.Minute).Truncate(time.Millisecond), Duration: 2 * time.Minute, Seed: uint64(i),
		})
		posts := c.Posts()
		for n := range posts {
			if of.scenario != samplecall.Good {
				posts[n].Body = bytes.Replace(posts[n].Body, []byte(`"fault":0`), []byte(`"fault":1`), 1)
			}
		}
		w.write(t, posts)
	}
	for _, e := range w.settle(t, 0) {
		w.index(t, e)
	}
	w.refresh(t)
}

// TestEveryPanelShowsSomething sends what each panel of the templates asks search for, as the tenant's reader.
//
// The requests are those that Dashboards builds of a visualization with aggregations: its buckets, in their order, one inside the
// other, the metrics in the innermost; the time range that the picker sets; the query, whose kuery is written here as a query
// string, which says the same for fields, phrases, or, and, not. Controls ask for the terms of each of their fields.
func TestEveryPanelShowsSomething(t *testing.T) {
	t.Parallel()
	w := setup(t)
	demonstrate(t, w)
	templates, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	objects, asked := map[string]savedobjects.Object{}, 0
	for _, template := range templates {
		objects[template.Key()] = template.For(w.slug)
	}
	for key, o := range objects {
		for _, request := range requests(t, objects, o) {
			asked++
			index, _ := objects[request.pattern].Attributes["title"].(string)
			body, err := json.Marshal(request.body)
			if err != nil {
				t.Fatal(err)
			}
			status, answer := search(t, w, index, body)
			if status != http.StatusOK || answer.Hits.Total.Value == 0 {
				t.Errorf("%s finds nothing in %s: %d %s", key, index, status, body)
				continue
			}
			for n, buckets := 0, answer.Aggregations; n < request.depth; n++ {
				if len(buckets["b"].Buckets) == 0 {
					t.Errorf("%s has no bucket on level %d: %s", key, n+1, body)
					break
				}
				var inner struct {
					B aggregated `json:"b"`
				}
				if err := json.Unmarshal(buckets["b"].Buckets[0], &inner); err != nil {
					t.Fatal(err)
				}
				buckets = map[string]aggregated{"b": inner.B}
			}
		}
	}
	if asked < 30 {
		t.Errorf("only %d requests were made", asked)
	}
}

// panelRequest is one request of an object, and how many levels of buckets it asks for.
type panelRequest struct {
	pattern string // key of the index pattern
	body    map[string]any
	depth   int
}

type aggregated struct {
	Buckets []json.RawMessage `json:"buckets"`
}

type searchAnswer struct {
	Hits struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
	} `json:"hits"`
	Aggregations map[string]aggregated `json:"aggregations"`
}

func search(t *testing.T, w *world, index string, body []byte) (int, searchAnswer) {
	t.Helper()
	reader := as(t, w.slug.ReaderRole(), "reader")
	response, err := reader.Search(reader.Search.WithIndex(index), reader.Search.WithBody(bytes.NewReader(body)), reader.Search.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	var answer searchAnswer
	if err == nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		t.Logf("%s %v", text, err)
	}
	return response.StatusCode, answer
}

// requests returns what an object asks for, nothing of those that show no documents themselves.
func requests(t *testing.T, objects map[string]savedobjects.Object, o savedobjects.Object) (list []panelRequest) {
	t.Helper()
	patterns := map[string]string{}
	for _, reference := range o.References {
		patterns[reference.Name] = reference.Type + ":" + reference.ID
	}
	var source struct {
		Index string `json:"indexRefName"`
		Query struct {
			Query string `json:"query"`
		} `json:"query"`
	}
	if meta, isThere := o.Attributes["kibanaSavedObjectMeta"].(map[string]any); isThere {
		readText(t, meta["searchSourceJSON"], &source)
	}
	var state struct {
		Aggs []struct {
			Type   string         `json:"type"`
			Schema string         `json:"schema"`
			ID     string         `json:"id"`
			Params map[string]any `json:"params"`
		} `json:"aggs"`
		Params struct {
			Controls []struct {
				FieldName string `json:"fieldName"`
				Index     string `json:"indexPatternRefName"`
			} `json:"controls"`
		} `json:"params"`
	}
	readText(t, o.Attributes["visState"], &state)
	for _, control := range state.Params.Controls {
		list = append(list, panelRequest{patterns[control.Index], map[string]any{
			"size": 0, "track_total_hits": true, "aggs": map[string]any{"b": map[string]any{"terms": map[string]any{"field": control.FieldName, "size": 10}}},
		}, 1})
	}
	if source.Index == "" {
		return list
	}
	pattern := patterns[source.Index]
	time, _ := objects[pattern].Attributes["timeFieldName"].(string)
	request := panelRequest{pattern: pattern, body: map[string]any{"size": 0, "track_total_hits": true, "query": map[string]any{"bool": map[string]any{
		"filter": []any{map[string]any{"range": map[string]any{time: map[string]any{"gte": "now-7d", "lte": "now"}}}, queryOf(source.Query.Query)},
	}}}}
	metrics := map[string]any{}
	for _, agg := range state.Aggs {
		if agg.Schema == "metric" && agg.Type != "count" {
			metrics[agg.ID] = map[string]any{agg.Type: chosen(agg.Params, "field", "percents")}
		}
	}
	aggs := metrics
	for i := len(state.Aggs) - 1; i >= 0; i-- {
		agg := state.Aggs[i]
		if agg.Schema == "metric" {
			continue
		}
		params := chosen(agg.Params, "field", "size")
		switch order, _ := agg.Params["orderBy"].(string); {
		case agg.Type == "date_histogram":
			params = map[string]any{"field": agg.Params["field"], "fixed_interval": "3h", "min_doc_count": 1}
		case order == "_key":
			params["order"] = map[string]any{"_key": agg.Params["order"]}
		case metrics[order] != nil:
			params["order"] = map[string]any{order: agg.Params["order"]}
		default:
			params["order"] = map[string]any{"_count": agg.Params["order"]}
		}
		bucket := map[string]any{agg.Type: params, "aggs": map[string]any{}}
		inner, _ := bucket["aggs"].(map[string]any)
		for name, one := range aggs {
			inner[name] = one
		}
		for name, metric := range metrics { // a bucket is ordered by metrics of its own level
			inner[name] = metric
		}
		aggs = map[string]any{"b": bucket}
		request.depth++
	}
	if len(aggs) > 0 {
		request.body["aggs"] = aggs
	}
	return append(list, request)
}

func queryOf(kuery string) map[string]any {
	if kuery == "" {
		return map[string]any{"match_all": map[string]any{}}
	}
	words := strings.NewReplacer(" or ", " OR ", " and ", " AND ", "not ", "NOT ", ": ", ":")
	return map[string]any{"query_string": map[string]any{"query": words.Replace(kuery)}}
}

func chosen(params map[string]any, names ...string) map[string]any {
	kept := map[string]any{}
	for _, name := range names {
		if value, isThere := params[name]; isThere {
			kept[name] = value
		}
	}
	return kept
}

func readText(t *testing.T, value, into any) {
	t.Helper()
	text, isText := value.(string)
	if !isText {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
