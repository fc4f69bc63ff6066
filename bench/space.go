package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
)

// provisionSpace compares the filling of a tenant's space, as the provider of a cell does it (lock, index, plan, bulk, note, and all of
// it read back), with an index of the same mapping made by hand and one bulk of the same documents.
func provisionSpace(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 15
	of := slug.Slug("benchspace")
	client, err := b.search.Client()
	if err != nil {
		return nil, err
	}
	options := searchtenant.DefaultOptions()
	options.HasUsers, options.Pause = true, 20*time.Millisecond
	provider := searchtenant.New(client, options)
	if err := provider.Apply(ctx, searchtenant.Grant{
		Slug: of, StackID: "bench",
		Writer: searchtenant.Identity{Username: of.WriterRole(), Password: rand.Text()}, Reader: searchtenant.Identity{Username: of.ReaderRole(), Password: rand.Text()},
	}); err != nil {
		return nil, err
	}
	if _, err := provider.Provision(ctx, of, false); err != nil {
		return nil, err
	}
	s, err := readSpace(ctx, b.search, of)
	if err != nil {
		return nil, err
	}
	var provisioned, bare, again []float64 // ms
	for run := range b.repeat("space", runs+1) {
		if err := b.search.Drop(ctx, s.index); err != nil {
			return nil, err
		}
		var took [3]float64
		for i, do := range []func() error{
			func() error { _, err := provider.Provision(ctx, of, false); return err },
			func() error { return s.writeBare(ctx, b.search) },
			func() error { _, err := provider.Provision(ctx, of, false); return err },
		} {
			began := time.Now()
			if err := do(); err != nil {
				return nil, err
			}
			took[i] = float64(time.Since(began).Microseconds()) / 1000
		}
		if err := b.search.Drop(ctx, bareIndex); err != nil {
			return nil, err
		}
		if run > 0 { // the first warms the node up
			provisioned, bare, again = append(provisioned, took[0]), append(bare, took[1]), append(again, took[2])
		}
	}
	ratio, spread := sheet.Ratio(provisioned, bare)
	return []sheet.Figure{{
		ID: "space_over_bare_bulk", Value: ratio, Unit: "x", Runs: len(provisioned), Spread: spread,
		What: fmt.Sprintf("a space with %d objects provisioned in %.0f ms, over its index made by hand and one bulk of the same, %.0f ms; again with nothing to do, %.0f ms",
			s.documents, sheet.Median(provisioned), sheet.Median(bare), sheet.Median(again)),
	}}, nil
}

const bareIndex = "benchspacebare"

// A bareSpace is what a space holds, to be written by hand.
type bareSpace struct {
	index     string // the space's
	documents int
	body      string // of a new index
	bulk      []byte
}

func readSpace(ctx context.Context, search *rig.Search, of slug.Slug) (bareSpace, error) {
	var held map[string]struct {
		Mappings json.RawMessage `json:"mappings"`
	}
	if err := search.Must(ctx, http.MethodGet, "/.kibana_*_"+of.Space()+"_*/_mapping", "", &held); err != nil {
		return bareSpace{}, err
	}
	var s bareSpace
	for index, about := range held {
		s.index, s.body = index, `{"settings":{"index":{"number_of_shards":1,"number_of_replicas":0}},"mappings":`+string(about.Mappings)+`}`
	}
	if len(held) != 1 {
		return bareSpace{}, fmt.Errorf("the space of %s has %d indices", of, len(held))
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := search.Must(ctx, http.MethodPost, "/"+s.index+"/_search?size=1000", "", &answer); err != nil {
		return bareSpace{}, err
	}
	var lines bytes.Buffer
	for _, hit := range answer.Hits.Hits {
		about, err := json.Marshal(map[string]any{"create": map[string]string{"_id": hit.ID}})
		if err != nil {
			return bareSpace{}, err
		}
		lines.Write(about)
		lines.WriteByte('\n')
		if err := json.Compact(&lines, hit.Source); err != nil {
			return bareSpace{}, err
		}
		lines.WriteByte('\n')
	}
	if s.documents, s.bulk = len(answer.Hits.Hits), lines.Bytes(); s.documents == 0 {
		return bareSpace{}, fmt.Errorf("the space of %s is empty", of)
	}
	return s, nil
}

func (s bareSpace) writeBare(ctx context.Context, search *rig.Search) error {
	if err := search.Must(ctx, http.MethodPut, "/"+bareIndex, s.body, nil); err != nil {
		return err
	}
	var answer struct{ Errors bool }
	if err := search.Must(ctx, http.MethodPost, "/"+bareIndex+"/_bulk?refresh=true", string(s.bulk), &answer); err != nil {
		return err
	}
	if answer.Errors {
		return fmt.Errorf("the bare bulk of %d documents was not taken whole", strings.Count(string(s.bulk), "\n")/2)
	}
	return nil
}
