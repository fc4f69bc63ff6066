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
	loads := []struct { // the fewer calls, the longer, so that there is something to measure
		calls int
		lasts time.Duration
	}{{1, time.Duration(rig.BatchesOfCall) * callPeriod}, {10, 3 * callPeriod}, {100, callPeriod / 3}}
	world, err := b.newCrowd(ctx)
	if err != nil {
		return nil, err
	}
	defer world.stop()
	plans := make([]plan, len(loads))
	for i, load := range loads {
		b.tell(fmt.Sprintf("tenants: making what 20 with %d calls each send in %s", load.calls, load.lasts))
		if plans[i], err = world.plan(load.calls, load.lasts); err != nil {
			return nil, err
		}
	}
	meter, err := b.pinned(ctx)
	if err != nil {
		return nil, err
	}
	defer meter.release()
	ours, raw := make([][]float64, len(loads)), make([][]float64, len(loads))
	for range b.repeat("tenants", runs) {
		for i, plan := range plans {
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
				load.calls, sheet.Median(ours[i]), float64(plans[i].documents)/float64(len(plans[i].turns)), rawBulk, sheet.Median(raw[i])),
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

// A turn is one batch of one tenant's indexer: what arrived in a window.
type turn struct {
	at        time.Duration
	indexer   *rig.Function
	envelopes []telemetry.Envelope
	batch     []events.SQSMessage
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

// plan makes so many calls a tenant, and what arrives of them in so long.
func (c *crowd) plan(calls int, lasts time.Duration) (plan, error) {
	var p plan
	var all []telemetry.Document
	for n, t := range c.tenants {
		envelopes, err := rig.Envelopes(t.slug, n*calls, calls, time.Now().Add(-3*time.Hour))
		if err != nil {
			return p, err
		}
		for _, one := range c.arrive(envelopes, calls, lasts) {
			documents, err := rig.Documents(one.envelopes)
			if err != nil {
				return p, err
			}
			all = append(all, documents...)
			if one.batch, err = messages(one.envelopes, t.slug); err != nil {
				return p, err
			}
			one.indexer = c.indexers[n]
			p.turns = append(p.turns, one)
		}
	}
	slices.SortStableFunc(p.turns, func(x, y turn) int { return int(x.at - y.at) })
	p.documents = len(all)
	var err error
	p.raw, err = rig.Pack(all, rawBulk, "create", true)
	return p, err
}

// arrive lets the batches of calls come in, each call's at its own moment of the period, and puts together what a window does. A window
// that would go on for longer than all lasts is left out.
func (c *crowd) arrive(batches []telemetry.Envelope, calls int, lasts time.Duration) (turns []turn) {
	moments := make([]time.Duration, calls)
	for i := range moments {
		moments[i] = time.Duration(c.dice.Int64N(int64(callPeriod)))
	}
	at := func(i int) time.Duration { return time.Duration(i/calls)*callPeriod + moments[i%calls] }
	order := make([]int, len(batches))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return int(at(x) - at(y)) })
	for _, i := range order {
		if last := len(turns) - 1; last >= 0 && at(i)-turns[last].at < batchWindow {
			turns[last].envelopes = append(turns[last].envelopes, batches[i])
			continue
		}
		if at(i)+batchWindow > lasts && len(turns) > 0 {
			break
		}
		turns = append(turns, turn{at: at(i), envelopes: []telemetry.Envelope{batches[i]}})
	}
	return turns
}
