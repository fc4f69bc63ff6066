package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// bytesPerRecord fills an index of the real template with the records of 500 calls, merges it as search does in time, and
// says what a record costs. Beside it the same in the published solution's way.
func bytesPerRecord(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const records, callsAtOnce, bulk, publishedShare = 240_000, 50, 1000, 4
	t, err := b.newSearchTenant(ctx, "benchbytes")
	if err != nil {
		return nil, err
	}
	if err := b.search.Drop(ctx, publishedIndex); err != nil {
		return nil, err
	}
	sent, source, compared, written := 0, 0, 0, b.progress()
	for from := 0; sent < records; from += callsAtOnce {
		envelopes, err := rig.Envelopes(t.slug, from, callsAtOnce, time.Now().Add(-3*time.Hour))
		if err != nil {
			return nil, err
		}
		documents, err := rig.Documents(envelopes)
		if err != nil {
			return nil, err
		}
		ours, err := rig.Pack(documents, bulk, "create", true)
		if err != nil {
			return nil, err
		}
		if err := t.writer.Send(ctx, ours, ""); err != nil {
			return nil, err
		}
		if compared < records/publishedShare {
			published, err := packPublished(documents, bulk) // the size of the bulks changes nothing here
			if err != nil {
				return nil, err
			}
			if err := b.search.Send(ctx, published, ""); err != nil {
				return nil, err
			}
			compared += len(documents)
		}
		sent, source = sent+len(documents), source+sizeOf(documents)
		written.at("bytes: %d of %d records", sent, records)
	}
	size, err := b.mergedSize(ctx, t.slug.KindPattern(telemetry.KindStreamStats), sent)
	if err != nil {
		return nil, err
	}
	baseline, err := b.mergedSize(ctx, publishedIndex, compared)
	if err != nil {
		return nil, err
	}
	return []sheet.Figure{
		{
			ID: "bytes_per_record", Value: size, Unit: "B", Direction: sheet.AtMost, Aim: 140, Runs: 1,
			What: fmt.Sprintf("size of a merged index of %d second-by-second records over their number, without replicas; a record's source is %d B", sent, source/sent),
		},
		{ID: "published_way_bytes_per_record", Value: baseline, Unit: "B", Runs: 1, What: fmt.Sprintf("baseline: %d of them with dynamic mapping, random ids and the usual codec", compared)},
	}, nil
}

func sizeOf(documents []telemetry.Document) int {
	size := 0
	for _, d := range documents {
		size += len(d.Source)
	}
	return size
}

// mergedSize merges what a pattern names into one segment each and returns its size over the number of documents, which must
// be as expected. The size is right after a refresh only.
func (b *bench) mergedSize(ctx context.Context, pattern string, documents int) (float64, error) {
	for _, step := range []string{"/_refresh", "/_forcemerge?max_num_segments=1", "/_flush?force=true", "/_refresh"} {
		if err := b.search.Must(ctx, http.MethodPost, "/"+pattern+step, "", nil); err != nil {
			return 0, err
		}
	}
	var answer struct {
		All struct {
			Primaries struct {
				Docs  struct{ Count, Deleted int }
				Store struct {
					SizeInBytes float64 `json:"size_in_bytes"`
				}
				Segments struct{ Count int }
			}
		} `json:"_all"`
		Indices map[string]any
	}
	if err := b.search.Must(ctx, http.MethodGet, "/"+pattern+"/_stats/docs,store,segments", "", &answer); err != nil {
		return 0, err
	}
	found := answer.All.Primaries
	if found.Docs.Count != documents || found.Docs.Deleted != 0 || found.Segments.Count != len(answer.Indices) {
		return 0, fmt.Errorf("%d documents, %d deleted, in %d segments of %d indices; want %d documents in one segment each",
			found.Docs.Count, found.Docs.Deleted, found.Segments.Count, len(answer.Indices), documents)
	}
	return found.Store.SizeInBytes / float64(documents), nil
}
