package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/slug"
)

// upgradesAtOnce is how many tenants are upgraded at a time, and how many stacks updated.
const upgradesAtOnce = 5

// upgradeSteps are those of an upgrade that take time, in order.
var upgradeSteps = []string{"update_stack", "await_update", "send_call", "fill_space", "await_call"}

// upgrades compares an upgrade of many tenants through the admin API with updates of as many bare stacks of the same template, with the
// same custom resources, as many at a time. Both go to the same versions, which differ from the one before by their names alone, so that
// every function and the site are put in place anew. They take turns. An upgrade ends with a synthetic call; the bare stacks have one
// after each update too, which is not counted: the emulator's Lambda ends the processes of a function that was called when the function is
// updated, and does nothing else meanwhile.
func upgrades(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 3
	tenants, stacks, err := b.makeBoth(ctx)
	if err != nil {
		return nil, err
	}
	caller := prober.New(cellaws.New(b.stack.AWS()))
	defer caller.Close()
	use := func(ctx context.Context, s slug.Slug) error { return b.useBare(ctx, caller, s) }
	if err := atOnce(ctx, stacks, use); err != nil {
		return nil, err
	}
	var ours, bare, proved []float64
	steps, ourParts, bareParts := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for run := range b.repeat("upgrades", runs) {
		version := fmt.Sprintf("bench%d", run)
		if err := b.stack.CopyArtifacts(ctx, demo.StackName(), version); err != nil {
			return nil, err
		}
		began := time.Now()
		operations, err := b.upgradeAll(ctx, tenants, version)
		if err != nil {
			return nil, err
		}
		ours = append(ours, time.Since(began).Seconds())
		for _, o := range operations {
			if err := b.tellUpgrade(ctx, o, steps); err != nil {
				return nil, err
			}
		}
		began = time.Now()
		if err := atOnce(ctx, stacks, func(ctx context.Context, s slug.Slug) error { return b.updateBare(ctx, s, version) }); err != nil {
			return nil, err
		}
		bare = append(bare, time.Since(began).Seconds())
		if err := errors.Join(b.tellParts(ctx, tenants, ourParts), b.tellParts(ctx, stacks, bareParts)); err != nil {
			return nil, err
		}
		began = time.Now()
		if err := atOnce(ctx, stacks, use); err != nil {
			return nil, err
		}
		proved = append(proved, bare[len(bare)-1]+time.Since(began).Seconds())
	}
	ratio, spread := sheet.Ratio(ours, bare)
	figures := []sheet.Figure{{
		ID: "upgrade_over_bare_updates", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 1.2, Runs: len(ours), Spread: spread,
		What: fmt.Sprintf("%d tenants upgraded, %d at a time (%.1f s), over updates of as many bare stacks (%.1f s), in the emulator",
			len(tenants), upgradesAtOnce, sheet.Median(ours), sheet.Median(bare)),
	}}
	ratio, spread = sheet.Ratio(ours, proved)
	figures = append(figures, sheet.Figure{
		ID: "upgrade_over_proved_updates", Value: ratio, Unit: "x", Runs: len(ours), Spread: spread,
		What: fmt.Sprintf("the same, over the updates and then a synthetic call through each bare stack, as an upgrade ends with (%.1f s)", sheet.Median(proved)),
	})
	for _, step := range upgradeSteps {
		figures = append(figures, sheet.Figure{
			ID: "upgrade_" + step, Value: sheet.Median(steps[step]), Unit: "s", Runs: len(steps[step]), Spread: sheet.Range(steps[step]),
			What: "of one tenant's upgrade, until the end of this step",
		})
	}
	for _, part := range updateParts {
		for _, one := range []struct {
			whose, id string
			took      []float64
		}{{"a tenant's stack", "upgrade_stack_", ourParts[part.id]}, {"a bare stack", "bare_update_", bareParts[part.id]}} {
			figures = append(figures, sheet.Figure{
				ID: one.id + part.id, Value: sheet.Median(one.took), Unit: "s", Runs: len(one.took), Spread: sheet.Range(one.took),
				What: "of the update of " + one.whose + ", by CloudFormation's events: " + part.what,
			})
		}
	}
	return figures, nil
}

// makeBoth onboards tenants and makes as many bare stacks.
func (b *bench) makeBoth(ctx context.Context) (tenants, stacks []slug.Slug, err error) {
	for n := range b.upgraded {
		tenants = append(tenants, slug.Slug(fmt.Sprintf("upgraded%d", n)))
		stacks = append(stacks, slug.Slug(fmt.Sprintf("updated%d", n)))
	}
	b.tell(fmt.Sprintf("upgrades: making %d tenants and as many bare stacks", b.upgraded))
	if err := atOnce(ctx, tenants, func(ctx context.Context, s slug.Slug) error {
		_, err := b.admin.Onboard(ctx, s.String(), uuid.NewString())
		return err
	}); err != nil {
		return nil, nil, err
	}
	err = atOnce(ctx, stacks, func(ctx context.Context, s slug.Slug) error {
		_, err := b.bareStack(ctx, s)
		return err
	})
	return tenants, stacks, err
}

func atOnce(ctx context.Context, all []slug.Slug, do func(context.Context, slug.Slug) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(upgradesAtOnce)
	for _, s := range all {
		group.Go(func() error { return do(ctx, s) })
	}
	return group.Wait()
}

// upgradeAll upgrades tenants to a version and returns the operations that did it.
func (b *bench) upgradeAll(ctx context.Context, tenants []slug.Slug, version string) (operations []rig.Operation, err error) {
	var u struct {
		ID, State string
		Failure   any
		Tenants   []struct{ Operation string }
	}
	asked := map[string]any{"artifact_version": version, "tenants": tenants, "parallel": upgradesAtOnce}
	if err := b.admin.Call(ctx, "POST", "/v1/upgrades", asked, &u); err != nil {
		return nil, err
	}
	err = rig.Until(ctx, 100*time.Millisecond, func() (bool, error) {
		if err := b.admin.Call(ctx, "GET", "/v1/upgrades/"+u.ID, nil, &u); err != nil {
			return false, err
		}
		if u.State == "failed" {
			return false, fmt.Errorf("the upgrade has failed: %v", u.Failure)
		}
		return u.State == "succeeded", nil
	})
	for _, one := range u.Tenants {
		operations = append(operations, rig.Operation{ID: one.Operation})
	}
	return operations, err
}

// tellUpgrade adds how long each step of one tenant's upgrade took.
func (b *bench) tellUpgrade(ctx context.Context, o rig.Operation, steps map[string][]float64) error {
	events, err := b.admin.Events(ctx, o)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return errors.New("an upgrade tells nothing")
	}
	last := events[0].At
	for _, step := range upgradeSteps {
		for _, e := range slices.Backward(events) {
			if e.Step == step {
				steps[step] = append(steps[step], e.At.Sub(last).Seconds())
				last = e.At
				break
			}
		}
	}
	return nil
}
