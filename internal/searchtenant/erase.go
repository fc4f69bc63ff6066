package searchtenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
)

// eraseAtOnce is how many documents one request deletes.
const eraseAtOnce = 1000

// instantForm is how documents write instants.
const instantForm = "2006-01-02T15:04:05.000Z07:00"

// EraseAgent deletes the tenant's documents of an agent that are of an instant before the one given, or were received before
// it, until search finds none or the time is up. It returns how many it deleted, and whether there are none left: documents
// that are on their way may come afterwards. Its errors name nobody. Deleting by query would be one request, but search may
// lack the module for it; and what cannot be done in time goes on with the next call.
func (a *Admin) EraseAgent(ctx context.Context, s slug.Slug, agent string, before, until time.Time) (deleted int, done bool, err error) {
	if err := isTenant(s); err != nil {
		return 0, false, err
	}
	names, err := a.dataIndices(ctx, s)
	if err != nil {
		return 0, false, err
	}
	query := documentsOf(agent, before)
	for _, index := range names {
		if err := a.call(ctx, http.MethodPost, "/"+index+"/_refresh", nil, nil); errors.Is(err, errAbsent) {
			continue // it expired meanwhile
		} else if err != nil {
			return deleted, false, silent(err)
		}
		for {
			if !time.Now().Before(until) {
				return deleted, false, nil
			}
			n, err := a.eraseSome(ctx, index, query)
			if deleted += n; err != nil {
				return deleted, false, silent(err)
			}
			if n == 0 {
				break
			}
		}
	}
	return deleted, true, nil
}

func documentsOf(agent string, before time.Time) map[string]any {
	earlier := map[string]any{"lt": before.UTC().Format(instantForm)}
	return map[string]any{
		"size": eraseAtOnce, "_source": false, "track_total_hits": false,
		"query": map[string]any{"bool": map[string]any{
			"filter": []any{
				map[string]any{"term": map[string]any{"doc.agent" + keyword: agent}},
				map[string]any{"bool": map[string]any{"minimum_should_match": 1, "should": []any{
					map[string]any{"range": map[string]any{"@timestamp": earlier}},
					map[string]any{"range": map[string]any{"ingest.receivedAt": earlier}},
				}}},
			},
		}},
	}
}

// eraseSome deletes the documents of one page and makes the index forget them, so that the next page has others.
func (a *Admin) eraseSome(ctx context.Context, index string, query map[string]any) (int, error) {
	var found struct {
		TimedOut bool `json:"timed_out"`
		Shards   struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	}
	err := a.call(ctx, http.MethodPost, "/"+index+"/_search", query, &found)
	switch {
	case errors.Is(err, errAbsent):
		return 0, nil
	case err != nil:
		return 0, err
	case found.TimedOut || found.Shards.Failed > 0:
		return 0, fmt.Errorf("search has seen %s in part only", index)
	case len(found.Hits.Hits) == 0:
		return 0, nil
	}
	var lines bytes.Buffer
	for _, hit := range found.Hits.Hits {
		line, err := json.Marshal(map[string]any{"delete": map[string]string{"_id": hit.ID}})
		if err != nil {
			return 0, err
		}
		lines.Write(append(line, '\n'))
	}
	var answer struct {
		Items []struct {
			Delete struct {
				Status int `json:"status"`
			} `json:"delete"`
		} `json:"items"`
	}
	if err := a.call(ctx, http.MethodPut, "/"+index+"/_bulk", lines.Bytes(), &answer); err != nil {
		return 0, err
	}
	deleted := 0
	for _, item := range answer.Items {
		switch item.Delete.Status {
		case http.StatusOK:
			deleted++
		case http.StatusNotFound: // another call was faster
		default:
			return deleted, fmt.Errorf("search answered %d to the deletion of a document of %s", item.Delete.Status, index)
		}
	}
	return deleted, a.call(ctx, http.MethodPost, "/"+index+"/_refresh", nil, nil)
}

// silent returns an error without search's words, which may quote the question and so the agent.
func silent(err error) error {
	var no *refusal
	if errors.As(err, &no) {
		return fmt.Errorf("search answered %d to %s %s", no.status, no.method, no.path)
	}
	return err
}
