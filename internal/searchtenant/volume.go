package searchtenant

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	volumeWindow = 35 * 24 * time.Hour // indices whose period ended before say nothing of today
	leastWindow  = 7 * 24 * time.Hour  // of documents: less says nothing of a week
)

// Volumes returns how many bytes of documents a tenant's kinds have made a day, over the last weeks. A kind of which there is less
// than a week is missing. How long there are documents is asked of the documents: a replay makes the indices of months in an hour.
func (a *Admin) Volumes(ctx context.Context, s slug.Slug, now time.Time) (map[string]int64, error) {
	if err := isTenant(s); err != nil {
		return nil, err
	}
	var listed []struct {
		Index string `json:"index"`
		Size  string `json:"pri.store.size"` // empty while the shard is not there
	}
	path := "/_cat/indices/" + s.IndexPattern() + "?format=json&bytes=b&h=index,pri.store.size"
	if err := a.call(ctx, http.MethodGet, path, nil, &listed); err != nil {
		return nil, err
	}
	type measured struct {
		bytes int64
		from  time.Time
	}
	kinds := map[string]measured{}
	for _, index := range listed {
		kind, period, isOurs := s.FromIndex(index.Index)
		end, isPeriod := telemetry.EndOf(period)
		start, _ := telemetry.StartOf(period)
		bytes, err := strconv.ParseInt(index.Size, 10, 64)
		if !isOurs || !isPeriod || err != nil || end.Before(now.Add(-volumeWindow)) || start.After(now) {
			continue
		}
		m := kinds[kind]
		m.bytes += bytes
		if m.from.IsZero() || start.Before(m.from) {
			m.from = start
		}
		kinds[kind] = m
	}
	volumes := map[string]int64{}
	for kind, m := range kinds {
		first, err := a.first(ctx, s, kind, m.from)
		if err != nil {
			return nil, err
		}
		if first.After(m.from) {
			m.from = first
		}
		if span := now.Sub(m.from); !first.IsZero() && span >= leastWindow {
			volumes[kind] = int64(float64(m.bytes) / span.Hours() * 24)
		}
	}
	return volumes, nil
}

// first returns the instant of a kind's first document from an instant on; zero: there is none.
func (a *Admin) first(ctx context.Context, s slug.Slug, kind string, from time.Time) (time.Time, error) {
	var found struct {
		Aggregations struct {
			First struct {
				Millis *float64 `json:"value"`
			} `json:"first"`
		} `json:"aggregations"`
	}
	err := a.call(ctx, http.MethodPost, "/"+s.KindPattern(kind)+"/_search?ignore_unavailable=true", map[string]any{
		"size": 0, "query": map[string]any{"range": map[string]any{"@timestamp": map[string]any{"gte": from.UTC().Format(time.RFC3339)}}},
		"aggs": map[string]any{"first": map[string]any{"min": map[string]any{"field": "@timestamp"}}},
	}, &found)
	if err != nil || found.Aggregations.First.Millis == nil {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(*found.Aggregations.First.Millis)), nil
}
