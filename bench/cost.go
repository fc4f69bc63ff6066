package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// List prices of AWS in dollars, US East, without free tiers (2025).
const (
	priceGatewayRequest = 3.50 / 1e6 // REST API
	priceLambdaRequest  = 0.20 / 1e6
	priceLambdaGBSecond = 0.0000133334 // arm64
	priceQueueRequest   = 0.40 / 1e6
	priceArchivePut     = 0.005 / 1e3
	priceLogsGB         = 0.50
	priceStorageGBMonth = 0.122 // gp3 of a search domain
	storageMonths       = 3     // retention_days' default
	storageCopies       = 2     // one replica
	storageHeadroom     = 1.45  // what a domain keeps free
	bytesOfRecord       = 140   // the aim of bytes_per_record
	bytesOfLogLine      = 350
	queueBatch          = 10                    // messages of a batch, as a stack has it by default
	memoryPusher        = 0.25                  // GB
	memoryOthers        = 0.5                   // GB of indexer and call-summary
	waitOfPusher        = 12 * time.Millisecond // for the queue's answer on AWS; what the emulator takes says nothing
	waitOfIndexer       = 60 * time.Millisecond // for search, archive and queue
	waitOfSummaries     = 60 * time.Millisecond // for search, which is asked for ten requests one after another, and queue
	requestsOfBatch     = 2                     // the poller's receive and delete
)

// routes are the pushers' kinds and functions by route.
var routes = map[string]struct{ kind, function string }{
	"softphonemetrics": {telemetry.KindStreamStats, "streamstats-pusher"},
	"callreport":       {telemetry.KindCallReport, "callreport-pusher"},
	"apimetrics":       {telemetry.KindAPIMetric, "apimetric-pusher"},
}

const indexerName, summaryName = "indexer", "call-summary"

// costOfCalls measures what the functions' processors do for calls of four minutes, and says what that and everything else that
// AWS counts would cost there.
func costOfCalls(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs, calls = 3, 40
	t, err := b.newSearchTenant(ctx, "benchcost")
	if err != nil {
		return nil, err
	}
	functions := map[string]*rig.Function{}
	defer func() {
		for _, f := range functions {
			f.Stop()
		}
	}()
	queueURL, err := b.newQueue(ctx, t.slug)
	if err != nil {
		return nil, err
	}
	for _, route := range routes {
		if functions[route.function], err = b.launchPusher(ctx, route.function, t, queueURL); err != nil {
			return nil, err
		}
	}
	binary, err := b.indexerBinary(ctx)
	if err != nil {
		return nil, err
	}
	if functions[indexerName], err = b.stack.Launch(ctx, binary, t.environment); err != nil {
		return nil, err
	}
	summaries, err := b.launchSummarizer(ctx, t)
	if err != nil {
		return nil, err
	}
	defer summaries.function.Stop()
	work, err := workOf(rig.Calls(calls, time.Now().Add(-2*time.Hour)), t.slug)
	if err != nil {
		return nil, err
	}
	used := map[string][]float64{}
	for range b.repeat("cost", runs) {
		if err := b.search.Drop(ctx, t.slug.IndexPattern()); err != nil {
			return nil, err
		}
		for name, f := range functions {
			before, err := f.CPU()
			if err != nil {
				return nil, err
			}
			if err := work.give(ctx, name, f); err != nil {
				return nil, err
			}
			after, err := f.CPU()
			if err != nil {
				return nil, err
			}
			used[name] = append(used[name], float64((after-before).Microseconds())/1000/calls)
		}
		summarised, err := b.summariesOf(ctx, summaries, work, t, functions[indexerName])
		if err != nil {
			return nil, err
		}
		used[summaryName] = append(used[summaryName], float64(summarised.Microseconds())/1000/calls)
	}
	return work.figures(used, calls), nil
}

// A functionWork is what the functions are given for some calls.
type functionWork struct {
	posts     map[string][][]byte // by function
	atReports []events.SQSMessage // requests for summaries
	others    []events.SQSMessage // the same, of batches without a report
	batches   [][]events.SQSMessage
	documents int
	objects   int // of the archive: one for each kind in a batch
}

func workOf(calls []samplecall.Call, owner slug.Slug) (functionWork, error) {
	w := functionWork{posts: map[string][][]byte{}}
	var envelopes []telemetry.Envelope
	for _, call := range calls {
		for _, post := range call.Posts() {
			route := routes[post.Route]
			decoded, err := telemetry.Decode(route.kind, post.Body, rig.Arrival(owner, time.Now()))
			if err != nil {
				return w, err
			}
			w.posts[route.function] = append(w.posts[route.function], post.Body)
			envelopes = append(envelopes, decoded.Envelope)
			w.documents += len(decoded.Envelope.Records)
		}
	}
	for batch := range slices.Chunk(envelopes, queueBatch) {
		kinds := map[string]bool{}
		for _, e := range batch {
			kinds[e.Kind] = true
		}
		w.objects += len(kinds)
	}
	var err error
	if w.atReports, w.others, err = requestsOf(envelopes); err != nil {
		return w, err
	}
	packed, err := messages(envelopes, owner)
	w.batches = slices.Collect(slices.Chunk(packed, queueBatch))
	return w, err
}

func (w functionWork) give(ctx context.Context, name string, f *rig.Function) error {
	if name == indexerName {
		for _, batch := range w.batches {
			if err := index(ctx, f, batch); err != nil {
				return err
			}
		}
		return nil
	}
	for _, body := range w.posts[name] {
		if err := push(ctx, f, body); err != nil {
			return err
		}
	}
	return nil
}

func (w functionWork) figures(used map[string][]float64, calls int) (figures []sheet.Figure) {
	posts := 0
	for _, bodies := range w.posts {
		posts += len(bodies)
	}
	requests := len(w.atReports) + len(w.others)
	invocationsOf := func(name string) (n int, wait time.Duration, memory float64) {
		switch name {
		case indexerName:
			return len(w.batches), waitOfIndexer, memoryOthers
		case summaryName:
			return (requests + queueBatch - 1) / queueBatch, waitOfSummaries, memoryOthers
		}
		return len(w.posts[name]), waitOfPusher, memoryPusher
	}
	var busy float64 // gigabyte-milliseconds of functions in a call
	invoked := 0
	for _, name := range slices.Sorted(maps.Keys(used)) {
		invocations, wait, memory := invocationsOf(name)
		invoked += invocations
		perCall := sheet.Median(used[name])
		busy += memory * (perCall + float64(invocations)/float64(calls)*float64(wait.Milliseconds()))
		figures = append(figures, sheet.Figure{
			ID: "lambda_cpu_per_call", Value: perCall, Unit: "ms", Runs: len(used[name]), Spread: sheet.Range(used[name]),
			What: fmt.Sprintf("%s: processor time for a call of four minutes, %.1f invocations", name, float64(invocations)/float64(calls)),
		})
	}
	const thousand = 1000
	perCall := func(n int) float64 { return float64(n) / float64(calls) }
	gateway := perCall(posts) * priceGatewayRequest
	functions := perCall(invoked)*priceLambdaRequest + busy/1000*priceLambdaGBSecond
	// A batch of the indexer asks for its calls' summaries in one request, and each summary is a message more.
	queued := (perCall(posts) + perCall(len(w.atReports)) + perCall(len(w.batches)) + requestsOfBatch*perCall(len(w.batches)+(requests+queueBatch-1)/queueBatch)) * priceQueueRequest
	archived := perCall(w.objects) * priceArchivePut
	logged := perCall(invoked) * bytesOfLogLine / 1e9 * priceLogsGB
	stored := perCall(w.documents) * bytesOfRecord / 1e9 * priceStorageGBMonth * storageMonths * storageCopies * storageHeadroom
	return append(figures, sheet.Figure{
		ID: "cost_per_1000_calls", Value: thousand * (gateway + functions + queued + archived + logged + stored), Unit: "$", Runs: len(used[indexerName]),
		What: fmt.Sprintf("of four minutes, at AWS's list prices: gateway %.3f, functions %.3f, queue %.3f, archive %.3f, logs %.3f, search's disks for %d months %.3f; what a tenant costs that is idle, and processors of search, come on top",
			thousand*gateway, thousand*functions, thousand*queued, thousand*archived, thousand*logged, storageMonths, thousand*stored),
	})
}
