package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	indexedCalls = 50   // of one run: 24,000 records
	fullBatch    = 100  // messages that the indexer takes at once, under full load
	rawBulk      = 5000 // documents of a bare bulk
	smallBulk    = 60   // documents of a bulk of the published solution's function
	smallShare   = 3    // such bulks are so slow that a third of the records must do
)

// indexerCPU compares what the search node's processor does for a document that comes through the indexer with what it does
// for the same documents in bare bulks, and in the way of the published solution.
func indexerCPU(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 5
	t, err := b.newSearchTenant(ctx, "benchindexer")
	if err != nil {
		return nil, err
	}
	load, err := b.newLoad(ctx, t)
	if err != nil {
		return nil, err
	}
	defer load.indexer.Stop()
	meter, err := b.pinned(ctx)
	if err != nil {
		return nil, err
	}
	defer meter.release()
	used := map[string][]float64{}
	ways := []struct {
		name      string
		documents int
		send      func(context.Context) error
	}{
		{"indexer", load.documents, load.throughIndexer},
		{"raw", load.documents, func(ctx context.Context) error { return t.writer.Send(ctx, load.raw, "") }},
		{"published", load.documents / smallShare, func(ctx context.Context) error {
			return b.search.Send(ctx, load.published, "?pipeline="+passThrough)
		}},
	}
	for run := range b.repeat("indexer", runs+1) { // the first warms the node up
		for _, way := range ways {
			if err := errors.Join(b.search.Drop(ctx, t.slug.IndexPattern()), b.search.Drop(ctx, publishedIndex)); err != nil {
				return nil, err
			}
			cpu, err := meter.of(ctx, way.send)
			if err != nil {
				return nil, fmt.Errorf("by way of %s: %w", way.name, err)
			}
			if run > 0 {
				used[way.name] = append(used[way.name], float64(cpu.Nanoseconds())/1000/float64(way.documents))
			}
		}
	}
	ratio, spread := sheet.Ratio(used["indexer"], used["raw"])
	published, publishedSpread := sheet.Ratio(used["published"], used["raw"])
	return []sheet.Figure{
		{
			ID: "indexer_search_cpu_over_raw_bulk", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 1.2, Runs: len(used["raw"]), Spread: spread,
			What: fmt.Sprintf("search node's processor time a document through the indexer, %d messages of 60 at once, over bare bulks of %d", fullBatch, rawBulk),
		},
		{ID: "indexer_search_cpu", Value: sheet.Median(used["indexer"]), Unit: "us", Runs: len(used["raw"]), Spread: sheet.Range(used["indexer"]), What: "that time through the indexer"},
		{ID: "raw_bulk_search_cpu", Value: sheet.Median(used["raw"]), Unit: "us", Runs: len(used["raw"]), Spread: sheet.Range(used["raw"]), What: "and in bare bulks, same template, same ids"},
		{ID: "published_way_search_cpu", Value: sheet.Median(used["published"]), Unit: "us", Runs: len(used["raw"]), Spread: sheet.Range(used["published"]), What: "baseline: bulks of 60, dynamic mapping, random ids, through an (empty) ingest pipeline"},
		{ID: "published_way_over_raw_bulk", Value: published, Unit: "x", Runs: len(used["raw"]), Spread: publishedSpread, What: "and that over bare bulks"},
	}, nil
}

// passThrough is the ingest pipeline of the baseline. The node has none of the processors of the ingest-common module: an
// empty pipeline stands in, which has each document parsed and written anew as any pipeline does, and computes nothing.
const (
	passThrough    = "bench-pass-through"
	publishedIndex = "benchpublished"
)

// A load is one run's records in every form in which they are sent.
type load struct {
	documents int
	batches   [][]events.SQSMessage
	raw       []rig.Bulk
	published []rig.Bulk
	indexer   *rig.Function
}

func (b *bench) newLoad(ctx context.Context, t searchTenant) (*load, error) {
	envelopes, err := rig.Envelopes(t.slug, 0, indexedCalls, time.Now().Add(-2*time.Hour))
	if err != nil {
		return nil, err
	}
	documents, err := rig.Documents(envelopes)
	if err != nil {
		return nil, err
	}
	l := &load{documents: len(documents)}
	packed, err := messages(envelopes, t.slug)
	if err != nil {
		return nil, err
	}
	for from := 0; from < len(packed); from += fullBatch {
		l.batches = append(l.batches, packed[from:min(from+fullBatch, len(packed))])
	}
	if l.raw, err = rig.Pack(documents, rawBulk, "create", true); err != nil {
		return nil, err
	}
	if l.published, err = packPublished(documents[:len(documents)/smallShare], smallBulk); err != nil {
		return nil, err
	}
	if err := b.search.Must(ctx, http.MethodPut, "/_ingest/pipeline/"+passThrough, `{"processors": []}`, nil); err != nil {
		return nil, err
	}
	binary, err := b.indexerBinary(ctx)
	if err != nil {
		return nil, err
	}
	if l.indexer, err = b.stack.Launch(ctx, binary, t.environment); err != nil {
		return nil, err
	}
	return l, nil
}

// packPublished makes bulks as the published solution does: into an index that no template describes, with ids that search
// makes up.
func packPublished(documents []telemetry.Document, size int) ([]rig.Bulk, error) {
	moved := make([]telemetry.Document, 0, len(documents))
	for _, d := range documents {
		moved = append(moved, telemetry.Document{Index: publishedIndex, Source: d.Source})
	}
	return rig.Pack(moved, size, "index", false)
}

func (l *load) throughIndexer(ctx context.Context) error {
	for _, batch := range l.batches {
		if err := index(ctx, l.indexer, batch); err != nil {
			return err
		}
	}
	return nil
}

// A meter reads the search node's processor time while the node has a core of its own.
type meter struct {
	search *rig.Search
	pid    int
	idle   float64 // share of a core that the node uses when nobody asks anything
}

// pinned gives the search node one core, and everybody that this process starts from now on the other.
func (b *bench) pinned(ctx context.Context) (*meter, error) {
	m := &meter{search: b.search, pid: b.stack.Processes["opensearch"]}
	if err := errors.Join(rig.Pin(m.pid, rig.SearchCore), rig.Pin(os.Getpid(), rig.ClientCore)); err != nil {
		return nil, err
	}
	if err := rig.Rest(ctx, m.pid); err != nil {
		return nil, err
	}
	const look = 3 * time.Second
	before, err := rig.CPU(m.pid)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(look):
	}
	after, err := rig.CPU(m.pid)
	m.idle = (after - before).Seconds() / look.Seconds()
	return m, err
}

func (m *meter) release() {
	_ = rig.Unpin(m.pid)       // a node that is gone has nothing to release
	_ = rig.Unpin(os.Getpid()) // this process is there
}

// of returns what the node's processor did for send, with the refresh and the merges that it led to.
func (m *meter) of(ctx context.Context, send func(context.Context) error) (time.Duration, error) {
	if err := rig.Rest(ctx, m.pid); err != nil {
		return 0, err
	}
	began := time.Now()
	before, err := rig.CPU(m.pid)
	if err != nil {
		return 0, err
	}
	if err := send(ctx); err != nil {
		return 0, err
	}
	if err := m.search.Must(ctx, http.MethodPost, "/bench*/_refresh", "", nil); err != nil {
		return 0, err
	}
	if err := rig.Rest(ctx, m.pid); err != nil {
		return 0, err
	}
	after, err := rig.CPU(m.pid)
	return after - before - time.Duration(m.idle*float64(time.Since(began))), err
}
