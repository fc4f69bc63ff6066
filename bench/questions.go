package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/verdict"
)

const (
	askedRecords = 2_000_000
	askedDays    = 7
	callsAtATime = 200 // made and written together

	// A slow machine stops earlier. Parts are written in such an order that it leaves no day without calls.
	fillTime    = 4 // times what a measure repeats itself
	fewestParts = 10
	stride      = 8 // from one part to the next; has no divisor in common with their number
)

// A question is what a manager asks, of the seconds of calls and of their summaries.
type question struct {
	id, what, seconds, summaries string
}

// questions are asked over the days that the records are of.
var questions = []question{
	{
		"mos_by_queue", "mean score by queue",
		`{"size":0,"query":{"exists":{"field":"doc.mos"}},"aggs":{"q":{"terms":{"field":"doc.contactQueue.keyword"},"aggs":{"m":{"avg":{"field":"doc.mos"}}}}}}`,
		`{"size":0,"aggs":{"q":{"terms":{"field":"doc.contactQueue.keyword"},"aggs":{"h":{"avg":{"field":"doc.heardByAgent.mosMean"}},"s":{"avg":{"field":"doc.heardByCustomer.mosMean"}}}}}}`,
	},
	{
		"worst_agents", "the ten agents with the worst mean score",
		`{"size":0,"query":{"exists":{"field":"doc.mos"}},"aggs":{"a":{"terms":{"field":"doc.agent.keyword","size":10,"order":{"m":"asc"}},"aggs":{"m":{"avg":{"field":"doc.mos"}}}}}}`,
		`{"size":0,"aggs":{"a":{"terms":{"field":"doc.agent.keyword","size":10,"order":{"m":"asc"}},"aggs":{"m":{"avg":{"field":"doc.heardByCustomer.mosMean"}}}}}}`,
	},
	{
		"one_agents_day", "one agent's day by the hour",
		`{"size":0,"query":{"bool":{"filter":[{"term":{"doc.agent.keyword":"agent.number.07"}},{"range":{"@timestamp":{"gte":"now-3d/d","lt":"now-2d/d"}}}]}},"aggs":{"h":{"date_histogram":{"field":"@timestamp","fixed_interval":"1h"},"aggs":{"m":{"avg":{"field":"doc.mos"}}}}}}`,
		`{"size":0,"query":{"bool":{"filter":[{"term":{"doc.agent.keyword":"agent.number.07"}},{"range":{"@timestamp":{"gte":"now-3d/d","lt":"now-2d/d"}}}]}},"aggs":{"h":{"date_histogram":{"field":"@timestamp","fixed_interval":"1h"},"aggs":{"m":{"avg":{"field":"doc.heardByCustomer.mosMean"}}}}}}`,
	},
	{
		"round_trip_percentiles", "round-trip percentiles by queue",
		`{"size":0,"aggs":{"q":{"terms":{"field":"doc.contactQueue.keyword"},"aggs":{"p":{"percentiles":{"field":"doc.roundTripTimeMillis","percents":[50,95,99]}}}}}}`,
		`{"size":0,"aggs":{"q":{"terms":{"field":"doc.contactQueue.keyword"},"aggs":{"p":{"percentiles":{"field":"doc.heardByCustomer.rttP95Millis","percents":[50,95,99]}}}}}}`,
	},
}

// managersQuestions says how much sooner search answers a manager from the summaries of a week's calls than from their seconds.
func managersQuestions(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 7
	t, err := b.newSearchTenant(ctx, "benchweek")
	if err != nil {
		return nil, err
	}
	sent, err := b.week(ctx, t)
	if err != nil {
		return nil, err
	}
	summaries, err := b.summarise(ctx, t)
	if err != nil {
		return nil, err
	}
	var figures []sheet.Figure
	for _, q := range questions {
		var seconds, fromSummaries []float64
		for run := range b.repeatPart("questions, "+q.what, runs+1, len(questions)) { // the first warms the node up
			long, err := b.ask(ctx, t, telemetry.KindStreamStats, q.seconds)
			if err != nil {
				return nil, err
			}
			short, err := b.ask(ctx, t, telemetry.KindCallSummary, q.summaries)
			if err != nil {
				return nil, err
			}
			if run > 0 {
				seconds, fromSummaries = append(seconds, long), append(fromSummaries, short)
			}
		}
		ratio, spread := sheet.Ratio(seconds, fromSummaries)
		figures = append(figures, sheet.Figure{
			ID: "question_" + q.id, Value: ratio, Unit: "x", Runs: len(seconds), Spread: spread,
			What: fmt.Sprintf("%s over %d days: from %d seconds (%.1f ms) over from %d summaries (%.1f ms)",
				q.what, askedDays, sent, sheet.Median(seconds), summaries, sheet.Median(fromSummaries)),
		})
	}
	return figures, b.search.Drop(ctx, t.slug.IndexPattern())
}

// week writes the seconds of the calls of a week, and returns how many there are: as many as are asked for, or as the time is
// enough for. The next part is made while one is written.
func (b *bench) week(ctx context.Context, t searchTenant) (sent int, err error) {
	const calls = askedRecords / (rig.RecordsOfBatch * rig.BatchesOfCall)
	const of = (calls + callsAtATime - 1) / callsAtATime
	until, written := time.Now().Add(fillTime*b.budget), b.progress()
	start := time.Now().AddDate(0, 0, -askedDays)
	parts := make(chan []rig.Bulk, 1)
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(parts)
		for n := range of {
			if n >= fewestParts && time.Now().After(until) {
				return nil
			}
			from := n * stride % of * callsAtATime
			// A call every 9.7 s would end within half a day: each part is moved on, so that the week is full.
			shift := time.Duration(from) * (askedDays*24*time.Hour/time.Duration(calls) - 97*time.Second/10)
			envelopes, err := rig.Envelopes(t.slug, from, min(callsAtATime, calls-from), start.Add(shift))
			if err != nil {
				return err
			}
			documents, err := rig.Documents(envelopes)
			if err != nil {
				return err
			}
			sent += len(documents)
			written.at("questions: %d of %d records", sent, askedRecords)
			part, err := rig.Pack(documents, rawBulk, "create", true)
			if err != nil {
				return err
			}
			select {
			case parts <- part:
			case <-working.Done():
				return working.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for part := range parts {
			if err := t.writer.Send(working, part, ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return sent, b.search.Must(ctx, http.MethodPost, "/"+t.slug.IndexPattern()+"/_refresh", "", nil)
}

// summarise computes the summary of every call as the product does, and writes them.
func (b *bench) summarise(ctx context.Context, t searchTenant) (int, error) {
	client, err := b.search.Client()
	if err != nil {
		return 0, err
	}
	reader := records.New(client, t.slug)
	calls, err := b.callsOf(ctx, t)
	if err != nil {
		return 0, err
	}
	documents := make([]telemetry.Document, len(calls))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, call := range calls {
		group.Go(func() error {
			found, err := reader.Call(working, call)
			if err != nil {
				return err
			}
			summary, isKnown := verdict.Judge(found.Call, tenant.DefaultThresholds())
			if !isKnown {
				return errors.New("search does not know a call that it listed")
			}
			text, err := json.Marshal(summary)
			if err != nil {
				return err
			}
			made, refused := telemetry.Documents(telemetry.Envelope{
				Kind: telemetry.KindCallSummary, Tenant: t.slug, Version: 1,
				Records: []telemetry.Record{{ID: telemetry.SummaryID(call.ContactID, call.Agent), At: summary.StartedAt, Doc: text}},
			}, nil)
			if len(refused) > 0 {
				return errors.New("a summary is no document: " + refused[0].Detail)
			}
			documents[i] = made[0]
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	bulks, err := rig.Pack(documents, rawBulk, "index", true)
	if err != nil {
		return 0, err
	}
	if err := t.writer.Send(ctx, bulks, ""); err != nil {
		return 0, err
	}
	return len(documents), b.search.Must(ctx, http.MethodPost, "/"+t.slug.IndexPattern()+"/_refresh", "", nil)
}

// callsOf lists the calls that search has seconds of.
func (b *bench) callsOf(ctx context.Context, t searchTenant) (calls []settle.Call, err error) {
	for after := ""; ; {
		var answer struct {
			Aggregations struct {
				Calls struct {
					After   json.RawMessage `json:"after_key"`
					Buckets []struct {
						Key struct{ Agent, Contact string }
					}
				}
			}
		}
		const query = `{"size":0,"aggs":{"calls":{"composite":{"size":1000,"sources":[{"agent":{"terms":{"field":"doc.agent.keyword"}}},{"contact":{"terms":{"field":"doc.contactId.keyword"}}}]%s}}}}`
		path := "/" + t.slug.KindPattern(telemetry.KindStreamStats) + "/_search"
		if err := b.search.Must(ctx, http.MethodPost, path, fmt.Sprintf(query, after), &answer); err != nil {
			return nil, err
		}
		page := answer.Aggregations.Calls
		if len(page.Buckets) == 0 {
			return calls, nil
		}
		for _, bucket := range page.Buckets {
			calls = append(calls, settle.Call{Agent: bucket.Key.Agent, ContactID: bucket.Key.Contact})
		}
		after = `,"after":` + string(page.After)
	}
}

// ask returns how long an answer took, in milliseconds. It must not be empty.
func (b *bench) ask(ctx context.Context, t searchTenant, kind, query string) (float64, error) {
	var answer struct {
		TimedOut     bool `json:"timed_out"`
		Aggregations map[string]struct{ Buckets []json.RawMessage }
	}
	began := time.Now()
	if err := b.search.Must(ctx, http.MethodPost, "/"+t.slug.KindPattern(kind)+"/_search?request_cache=false", query, &answer); err != nil {
		return 0, err
	}
	took := time.Since(began)
	for name, a := range answer.Aggregations {
		if len(a.Buckets) == 0 || answer.TimedOut {
			return 0, fmt.Errorf("nothing was found of %s in %s", name, kind)
		}
	}
	return float64(took.Microseconds()) / 1000, nil
}
