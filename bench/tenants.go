package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	tenantsAtOnce = 20
	batchWindow   = 2 * time.Second  // BatchWindowSeconds of a stack that expects traffic
	callPeriod    = 30 * time.Second // between two batches of a call
)

// manyTenants measures the search node's processor time for a document when twenty tenants share it. Calls begin at any
// moment; what arrives at a tenant's queue within the batching window becomes one bulk.
func manyTenants(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 3
	loads := []struct{ calls, periods int }{{1, rig.BatchesOfCall}, {10, 3}, {100, 1}}
	world, err := b.newCrowd(ctx)
	if err != nil {
		return nil, err
	}
	defer world.stop()
	meter, err := b.pinned(ctx)
	if err != nil {
		return nil, err
	}
	defer meter.release()
	ours, raw, sizes := make([][]float64, len(loads)), make([][]float64, len(loads)), make([]float64, len(loads))
	for range b.repeat("tenants", runs) {
		for i, load := range loads {
			plan, err := world.plan(load.calls, load.periods)
			if err != nil {
				return nil, err
			}
			sizes[i] = float64(plan.documents) / float64(len(plan.turns))
			for _, way := range []struct {
				send func(context.Context) error
				into *[]float64
			}{{plan.send, &ours[i]}, {func(ctx context.Context) error { return b.search.Send(ctx, plan.raw, "") }, &raw[i]}} {
				if err := b.search.Drop(ctx, "benchtenant*"); err != nil {
					return nil, err
				}
				cpu, err := meter.of(ctx, way.send)
				if err != nil {
					return nil, err
				}
				*way.into = append(*way.into, float64(cpu.Microseconds())/float64(plan.documents))
			}
		}
	}
	var figures []sheet.Figure
	for i, load := range loads {
		ratio, spread := sheet.Ratio(ours[i], raw[i])
		figures = append(figures, sheet.Figure{
			ID: fmt.Sprintf("indexers_20_tenants_%d_calls", load.calls), Value: ratio, Unit: "x", Runs: len(ours[i]), Spread: spread,
			What: fmt.Sprintf("20 tenants with %d calls each: %.0f us a document in bulks of %.0f on average, over bare bulks of %d with %.0f us",
				load.calls, sheet.Median(ours[i]), sizes[i], rawBulk, sheet.Median(raw[i])),
		})
	}
	return figures, nil
}

// A crowd is twenty tenants with an indexer each.
type crowd struct {
	tenants  []searchTenant
	indexers []*rig.Function
	dice     *rand.Rand
}

func (b *bench) newCrowd(ctx context.Context) (*crowd, error) {
	c := &crowd{dice: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // must repeat, not be secret
	binary, err := b.indexerBinary(ctx)
	if err != nil {
		return nil, err
	}
	for n := range tenantsAtOnce {
		t, err := b.newSearchTenant(ctx, slug.Slug(fmt.Sprintf("benchtenant%02d", n)))
		if err != nil {
			c.stop()
			return nil, err
		}
		f, err := b.stack.Launch(ctx, binary, t.environment)
		if err != nil {
			c.stop()
			return nil, err
		}
		c.tenants, c.indexers = append(c.tenants, t), append(c.indexers, f)
	}
	return c, nil
}

func (c *crowd) stop() {
	for _, f := range c.indexers {
		f.Stop()
	}
}

// A turn is one batch of one tenant's indexer.
type turn struct {
	at      time.Duration
	indexer *rig.Function
	batch   []events.SQSMessage
}

// A plan is what the twenty indexers are given, in order of time, and the same documents as bare bulks.
type plan struct {
	turns     []turn
	raw       []rig.Bulk
	documents int
}

func (p plan) send(ctx context.Context) error {
	for _, t := range p.turns {
		if err := index(ctx, t.indexer, t.batch); err != nil {
			return err
		}
	}
	return nil
}

// plan makes so many calls a tenant, for so many periods of half a minute.
func (c *crowd) plan(calls, periods int) (plan, error) {
	var p plan
	var all []telemetry.Document
	for n, t := range c.tenants {
		envelopes, err := rig.Envelopes(t.slug, n*calls, calls, time.Now().Add(-3*time.Hour))
		if err != nil {
			return p, err
		}
		envelopes = envelopes[:calls*periods] // batch by batch, all calls of each
		documents, err := rig.Documents(envelopes)
		if err != nil {
			return p, err
		}
		all = append(all, documents...)
		packed, err := messages(envelopes, t.slug)
		if err != nil {
			return p, err
		}
		for _, batch := range c.arrive(packed, calls) {
			batch.indexer = c.indexers[n]
			p.turns = append(p.turns, batch)
		}
	}
	slices.SortStableFunc(p.turns, func(x, y turn) int { return int(x.at - y.at) })
	p.documents = len(all)
	var err error
	p.raw, err = rig.Pack(all, rawBulk, "create", true)
	return p, err
}

// arrive lets messages come in, each call's at its own moment of the period, and puts together what the window does.
func (c *crowd) arrive(packed []events.SQSMessage, calls int) []turn {
	moments := make([]time.Duration, calls)
	for i := range moments {
		moments[i] = time.Duration(c.dice.Int64N(int64(callPeriod)))
	}
	type arrival struct {
		at      time.Duration
		message events.SQSMessage
	}
	arrivals := make([]arrival, 0, len(packed))
	for i, message := range packed {
		arrivals = append(arrivals, arrival{time.Duration(i/calls)*callPeriod + moments[i%calls], message})
	}
	slices.SortStableFunc(arrivals, func(x, y arrival) int { return int(x.at - y.at) })
	var turns []turn
	for _, a := range arrivals {
		if last := len(turns) - 1; last >= 0 && a.at-turns[last].at < batchWindow {
			turns[last].batch = append(turns[last].batch, a.message)
			continue
		}
		turns = append(turns, turn{at: a.at, batch: []events.SQSMessage{a.message}})
	}
	return turns
}
