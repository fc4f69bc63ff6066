package records

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

var _ insights.Reader = (*Reader)(nil)

// fieldsOf says where the names of insights.Names are in a summary.
var fieldsOf = map[string]string{
	"queue": "doc.contactQueue", "routing_profile": "doc.agentRoutingProfile", "agent": "doc.agent",
	"hierarchy_l1": "doc.hierarchyL1", "hierarchy_l2": "doc.hierarchyL2", "hierarchy_l3": "doc.hierarchyL3",
	"hierarchy_l4": "doc.hierarchyL4", "hierarchy_l5": "doc.hierarchyL5",
	"verdict": "doc.verdict", "finding": "doc.findings.id", "cause": "doc.likelyCause", "contact_id": "doc.contactId",
}

const keyword = ".keyword"

// summaries returns the query for summaries of calls that began within a span.
func summaries(from, to time.Time, more ...object) object {
	filters := append([]object{{"range": object{"@timestamp": object{
		"gte": telemetry.InstantOf(from).String(), "lt": telemetry.InstantOf(to).String(),
	}}}}, more...)
	return object{"bool": object{"filter": filters, "must_not": object{"term": object{"probe": true}}}}
}

// filtersOf are those that a filter names.
func filtersOf(f insights.Filter) (filters []object) {
	for _, name := range insights.Names {
		if value := f.Values[name]; value != "" {
			filters = append(filters, object{"term": object{fieldsOf[name] + keyword: value}})
		}
	}
	return filters
}

// place is where a page ends, and of which list it is.
type place struct {
	Of   string            `json:"o"`
	Sort []json.RawMessage `json:"s"`
}

// Calls implements insights.Reader. The newest come first; a call that is summarised meanwhile moves nothing of the pages before.
func (r *Reader) Calls(ctx context.Context, f insights.Filter) (insights.Page, error) {
	page := insights.Page{Calls: []verdict.Summary{}}
	filters := filtersOf(f)
	list := fmt.Appendf(nil, "%d %d", f.From.UnixMilli(), f.To.UnixMilli())
	for _, name := range insights.Names {
		if value := f.Values[name]; value != "" {
			list = fmt.Appendf(list, " %s=%q", name, value)
		}
	}
	sum := sha256.Sum256(list)
	of := base64.RawURLEncoding.EncodeToString(sum[:9])
	body := object{
		"query": summaries(f.From, f.To, filters...), "size": f.Limit + 1, "_source": []string{"doc"},
		"sort": []object{{"@timestamp": "desc"}, {"doc.contactId" + keyword: "asc"}, {"doc.agent" + keyword: "asc"}},
	}
	if f.Cursor != "" {
		var after place
		text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
		const columns = 3
		if err != nil || json.Unmarshal(text, &after) != nil || after.Of != of || len(after.Sort) != columns {
			return page, insights.ErrCursor
		}
		body["search_after"] = after.Sort
	}
	answers, err := r.searches(ctx, []search{{telemetry.KindCallSummary, body}})
	if err != nil {
		return page, fmt.Errorf("list calls: %w (%w)", insights.ErrAway, err)
	}
	hits := answers[0].Hits.Hits
	if len(hits) > f.Limit {
		hits = hits[:f.Limit]
		last := place{Of: of}
		if err := json.Unmarshal(hits[f.Limit-1].Sort, &last.Sort); err != nil {
			return page, fmt.Errorf("list calls: %w", err)
		}
		text, err := json.Marshal(last)
		if err != nil {
			return page, fmt.Errorf("list calls: %w", err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	page.Calls, err = summariesIn(hits)
	return page, err
}

func summariesIn(hits []hit) ([]verdict.Summary, error) {
	list := make([]verdict.Summary, 0, len(hits))
	for _, h := range hits {
		var d struct {
			Doc verdict.Summary `json:"doc"`
		}
		if err := json.Unmarshal(h.Source, &d); err != nil {
			return nil, fmt.Errorf("a summary of another form: %w", err)
		}
		list = append(list, d.Doc)
	}
	return list, nil
}

// Detail implements insights.Reader.
func (r *Reader) Detail(ctx context.Context, contactID, agent string) (insights.Detail, error) {
	const mostAgents = 20
	answers, err := r.searches(ctx, []search{{telemetry.KindCallSummary, object{
		"query": object{"term": object{"doc.contactId" + keyword: contactID}}, "size": mostAgents, "_source": []string{"doc"},
		"sort": []object{{"@timestamp": "asc"}, {"doc.agent" + keyword: "asc"}},
	}}})
	if err != nil {
		return insights.Detail{}, fmt.Errorf("read the summaries of a call: %w (%w)", insights.ErrAway, err)
	}
	list, err := summariesIn(answers[0].Hits.Hits)
	if err != nil {
		return insights.Detail{}, err
	}
	d := insights.Detail{Agents: []string{}}
	for _, s := range list {
		d.Agents = append(d.Agents, s.Agent)
	}
	chosen := slices.IndexFunc(list, func(s verdict.Summary) bool { return agent == "" || s.Agent == agent })
	if chosen < 0 {
		return insights.Detail{}, insights.ErrCallUnknown
	}
	d.Summary = list[chosen]
	d.WhatToDo = insights.WhatToDo(d.Summary)
	call, err := r.Call(ctx, settle.Call{ContactID: contactID, Agent: d.Summary.Agent})
	if err != nil {
		return insights.Detail{}, fmt.Errorf("%w (%w)", insights.ErrAway, err)
	}
	d.Heard, d.Spoken = secondsOf(call.Call.Heard), secondsOf(call.Call.Spoken)
	if d.APIErrors, err = r.apiErrors(ctx, d.Summary); err != nil {
		return insights.Detail{}, fmt.Errorf("read the API errors of a call: %w (%w)", insights.ErrAway, err)
	}
	return d, nil
}

func secondsOf(measured []verdict.Second) []insights.Second {
	list := make([]insights.Second, 0, len(measured))
	for _, s := range measured {
		list = append(list, insights.Second{
			At: s.At, Packets: s.Packets, Lost: s.Lost, Level: s.Level, Jitter: s.Jitter, IsBuffer: s.IsBuffered, RoundTrip: s.RoundTrip,
			MOS: s.MOS, Muted: s.Muted, OnHold: s.OnHold, Suspect: s.IsSuspect,
		})
	}
	return list
}

// apiErrors reads what failed from a minute before the call to two after it.
func (r *Reader) apiErrors(ctx context.Context, s verdict.Summary) ([]insights.APIError, error) {
	const most = 200
	page, err := r.page(ctx, telemetry.KindAPIMetric, object{
		"query": object{"bool": object{"filter": []object{
			{"term": object{"doc.agent" + keyword: s.Agent}},
			{"range": object{"@timestamp": object{"gte": (s.StartedAt - 60_000).String(), "lte": (s.EndedAt + 120_000).String()}}},
			{"bool": object{"should": []object{{"term": object{"doc.error": true}}, {"term": object{"doc.fault": true}}}}},
		}}},
		"size": most, "sort": []object{{"@timestamp": "asc"}}, "_source": []string{"@timestamp", "doc.name", "doc.statusCode", "doc.time"},
	})
	if err != nil {
		return nil, err
	}
	list := make([]insights.APIError, 0, len(page))
	for _, h := range page {
		var d struct {
			At  telemetry.Instant `json:"@timestamp"`
			Doc struct {
				Name   string `json:"name"`
				Status *int64 `json:"statusCode"`
				Time   *int64 `json:"time"`
			} `json:"doc"`
		}
		if err := json.Unmarshal(h.Source, &d); err != nil {
			return nil, fmt.Errorf("a document of another form: %w", err)
		}
		list = append(list, insights.APIError{At: d.At, Name: d.Doc.Name, Status: d.Doc.Status, Millis: d.Doc.Time})
	}
	return list, nil
}

const week = 7 * 24 * time.Hour

// Overview implements insights.Reader: two searches in one round trip, of counts alone.
func (r *Reader) Overview(ctx context.Context, f insights.Filter) (insights.Overview, error) {
	const mostGroups = 20
	from, to, filters := f.From, f.To, filtersOf(f)
	verdicts := object{"verdicts": termsOf("doc.verdict", 10)}
	figures := func() object {
		return object{
			"verdicts": termsOf("doc.verdict", 10), "findings": termsOf("doc.findings.id", 50), "causes": termsOf("doc.likelyCause", 20),
			"marked": object{"filter": object{"term": object{"doc.markedBad": true}}},
			"agent":  object{"avg": object{"field": "doc.heardByAgent.mosMean"}}, "customer": object{"avg": object{"field": "doc.heardByCustomer.mosMean"}},
		}
	}
	hours := object{
		"date_histogram": object{"field": "@timestamp", "fixed_interval": fmt.Sprintf("%dh", int(insights.Step(from, to).Hours())), "min_doc_count": 1},
		"aggs": object{
			"verdicts": termsOf("doc.verdict", 10),
			"agent":    object{"avg": object{"field": "doc.heardByAgent.mosMean"}}, "customer": object{"avg": object{"field": "doc.heardByCustomer.mosMean"}},
		},
	}
	now, past := figures(), figures()
	now["hours"], past["hours"] = hours, hours
	for name, field := range map[string]string{"queues": "doc.contactQueue", "agents": "doc.agent"} {
		group := termsOf(field, mostGroups)
		group["aggs"] = verdicts
		now[name] = group
	}
	answers, err := r.searches(ctx, []search{
		{telemetry.KindCallSummary, object{"query": summaries(from, to, filters...), "size": 0, "track_total_hits": true, "aggs": now}},
		{telemetry.KindCallSummary, object{"query": summaries(from.Add(-week), to.Add(-week), filters...), "size": 0, "track_total_hits": true, "aggs": past}},
	})
	if err != nil {
		return insights.Overview{}, fmt.Errorf("read an overview: %w (%w)", insights.ErrAway, err)
	}
	o := insights.Overview{From: from, To: to, Hours: hoursIn(answers[0]), Past: hoursIn(answers[1])}
	o.Now, o.Before = figuresIn(answers[0]), figuresIn(answers[1])
	o.Queues, o.Agents = groupsIn(answers[0].Aggregations.Queues), groupsIn(answers[0].Aggregations.Agents)
	return o, nil
}

func termsOf(field string, most int) object {
	return object{"terms": object{"field": field + keyword, "size": most}}
}

// counted is what the aggregations of an overview answer.
type counted struct {
	Verdicts buckets `json:"verdicts"`
	Findings buckets `json:"findings"`
	Causes   buckets `json:"causes"`
	Marked   struct {
		Count int64 `json:"doc_count"`
	} `json:"marked"`
	Agent    average `json:"agent"`
	Customer average `json:"customer"`
	Hours    buckets `json:"hours"`
	Queues   buckets `json:"queues"`
	Agents   buckets `json:"agents"`
}

type buckets struct {
	Buckets []bucket `json:"buckets"`
}

type bucket struct {
	Key      json.RawMessage `json:"key"` // a text, or of a histogram a number
	Count    int64           `json:"doc_count"`
	Verdicts *buckets        `json:"verdicts"`
	Agent    average         `json:"agent"`
	Customer average         `json:"customer"`
}

type average struct {
	Value *float64 `json:"value"`
}

func (a average) rounded() *float64 {
	if a.Value == nil {
		return nil
	}
	return new(math.Round(*a.Value*100) / 100)
}

func (b bucket) name() string {
	var name string
	if json.Unmarshal(b.Key, &name) != nil {
		return string(bytes.TrimSpace(b.Key))
	}
	return name
}

func (b bucket) at() int64 {
	var millis int64
	_ = json.Unmarshal(b.Key, &millis) // of a histogram of dates it is one
	return millis
}

func (b *buckets) counts() map[string]int64 {
	counts := map[string]int64{}
	if b != nil {
		for _, one := range b.Buckets {
			counts[one.name()] = one.Count
		}
	}
	return counts
}

func figuresIn(f found) insights.Figures {
	a := f.Aggregations
	return insights.Figures{
		Calls: f.Hits.Total.Value, Verdicts: a.Verdicts.counts(), Findings: a.Findings.counts(), Causes: a.Causes.counts(),
		MarkedBad: a.Marked.Count, MOSAgent: a.Agent.rounded(), MOSCustomer: a.Customer.rounded(),
	}
}

func hoursIn(f found) []insights.Bucket {
	list := make([]insights.Bucket, 0, len(f.Aggregations.Hours.Buckets))
	for _, b := range f.Aggregations.Hours.Buckets {
		list = append(list, insights.Bucket{
			At: telemetry.Instant(b.at()), Calls: b.Count, Verdicts: b.Verdicts.counts(), MOSAgent: b.Agent.rounded(), MOSCustomer: b.Customer.rounded(),
		})
	}
	return list
}

func groupsIn(b buckets) []insights.Group {
	list := make([]insights.Group, 0, len(b.Buckets))
	for _, one := range b.Buckets {
		list = append(list, insights.Group{Name: one.name(), Calls: one.Count, Verdicts: one.Verdicts.counts()})
	}
	slices.SortStableFunc(list, func(a, b insights.Group) int {
		if a.Calls != b.Calls {
			return int(b.Calls - a.Calls)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}
