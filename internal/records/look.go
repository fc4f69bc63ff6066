package records

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// maxReports is how many reports of one contact are read: one for each attempt to connect.
const maxReports = 50

// object is part of a query.
type object = map[string]any

// ofCall returns the query for the records of a call.
func ofCall(c settle.Call) object {
	return object{"bool": object{"filter": []object{
		{"term": object{"doc.contactId.keyword": c.ContactID}}, {"term": object{"doc.agent.keyword": c.Agent}},
	}}}
}

// hit is one document that search found.
type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"` // where a next page goes on
}

// found is the answer to one search. A search of which a shard is missing is none.
type found struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Total struct {
			Value int64 `json:"value"`
		} `json:"total"`
		Hits []hit `json:"hits"`
	} `json:"hits"`
	Aggregations counted         `json:"aggregations"`
	Error        json.RawMessage `json:"error"`
}

// Look returns what search shows of the call that a request names, in one round trip.
func (r *Reader) Look(ctx context.Context, request settle.Request) (settle.Seen, error) {
	const newestFirst = "desc"
	source := []string{"@timestamp", "ingest.receivedAt", "doc.report.callEndTime", "doc.recordsSeen", "doc.reportsSeen", "doc.markedBadAt"}
	call := ofCall(request.Call)
	answers, err := r.searches(ctx, []search{
		{telemetry.KindStreamStats, object{"query": call, "size": 1, "track_total_hits": true, "_source": source,
			"sort": []object{{"ingest.receivedAt": newestFirst}, {"@timestamp": "asc"}}}},
		{telemetry.KindStreamStats, object{"query": call, "size": 1, "_source": source, "sort": []object{{"@timestamp": newestFirst}}}},
		{telemetry.KindCallReport, object{"query": call, "size": maxReports, "_source": source, "sort": []object{{"ingest.receivedAt": newestFirst}}}},
		{request.Kind, object{"query": object{"ids": object{"values": []string{request.DocumentID}}}, "size": 0}},
		{telemetry.KindCallSummary, object{"query": object{"ids": object{"values": []string{
			telemetry.SummaryID(request.ContactID, request.Agent)}}}, "size": 1, "_source": source}},
	})
	if err != nil {
		return settle.Seen{}, fmt.Errorf("look at a call: %w", err)
	}
	return seenIn(answers)
}

// head is what Look reads of a document.
type head struct {
	At     telemetry.Instant `json:"@timestamp"`
	Ingest struct {
		ReceivedAt telemetry.Instant `json:"receivedAt"`
	} `json:"ingest"`
	Doc struct {
		RecordsSeen int64 `json:"recordsSeen"`
		ReportsSeen int64 `json:"reportsSeen"`
		Report      struct {
			Ended telemetry.Instant `json:"callEndTime"`
		} `json:"report"`
		MarkedBadAt []telemetry.Instant `json:"markedBadAt"`
	} `json:"doc"`

	isReport, isLateMark bool // of those of KindCallReport
}

// lacks reports whether a summary leaves out one of these marks, though it has room for it.
func (h head) lacks(marks []telemetry.Instant) bool {
	known := h.Doc.MarkedBadAt
	return len(known) < maxMarks && slices.ContainsFunc(marks, func(at telemetry.Instant) bool { return !slices.Contains(known, at) })
}

func seenIn(answers []found) (settle.Seen, error) {
	heads := make([][]head, len(answers))
	for i, answer := range answers {
		for _, h := range answer.Hits.Hits {
			var one head
			if err := json.Unmarshal(h.Source, &one); err != nil {
				return settle.Seen{}, fmt.Errorf("look at a call: a document of another form: %w", err)
			}
			one.isReport, one.isLateMark = telemetry.IsReport(h.ID), telemetry.IsLateMark(h.ID)
			heads[i] = append(heads[i], one)
		}
	}
	seen := settle.Seen{
		HasDocument: answers[3].Hits.Total.Value > 0, Seconds: min(answers[0].Hits.Total.Value, maxSeconds),
	}
	for _, newest := range heads[0] {
		seen.NewestAt, seen.Oldest = newest.Ingest.ReceivedAt, newest.At
	}
	for _, last := range heads[1] {
		seen.LastSecond = last.At
	}
	for _, s := range heads[4] {
		seen.Summary = &settle.Summary{At: s.At, Seconds: s.Doc.RecordsSeen, Reports: s.Doc.ReportsSeen}
	}
	for _, report := range heads[2] {
		if !report.isReport && !report.isLateMark {
			continue
		}
		if at := report.Ingest.ReceivedAt; at >= seen.NewestAt {
			seen.NewestAt, seen.Oldest, seen.IsReport = at, report.At, true
		}
		if report.isReport {
			seen.Reports++
			seen.ReportEnd = max(seen.ReportEnd, report.Doc.Report.Ended)
			continue
		}
		for _, s := range heads[4] {
			seen.Summary.LacksMark = seen.Summary.LacksMark || s.lacks(report.Doc.MarkedBadAt)
		}
	}
	return seen, nil
}

// search is one query over the indices of a kind.
type search struct {
	kind string
	body object
}

// searches asks all at once.
func (r *Reader) searches(ctx context.Context, list []search) ([]found, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body) // ends each with a line feed
	for _, s := range list {
		if err := encoder.Encode(object{"index": r.tenant.KindPattern(s.kind), "ignore_unavailable": true}); err != nil {
			return nil, fmt.Errorf("write the query: %w", err)
		}
		if err := encoder.Encode(s.body); err != nil {
			return nil, fmt.Errorf("write the query: %w", err)
		}
	}
	response, err := opensearchapi.MsearchRequest{Body: &body}.Do(ctx, r.search)
	if err != nil {
		return nil, err // the callers say what was being done
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("search answered %d", response.StatusCode)
	}
	var answer struct {
		Responses []found `json:"responses"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Responses) != len(list) {
		return nil, fmt.Errorf("search answered %d of %d searches", len(answer.Responses), len(list))
	}
	for i, one := range answer.Responses {
		if one.Error != nil || one.TimedOut || one.Shards.Failed > 0 {
			return nil, fmt.Errorf("search answered search %d in part, or not", i)
		}
	}
	return answer.Responses, nil
}
