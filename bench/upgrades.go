package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/slug"
)

// upgradesAtOnce is how many tenants are upgraded at a time, and how many stacks updated.
const upgradesAtOnce = 5

// upgradeSteps are those of an upgrade that take time, in order.
var upgradeSteps = []string{"update_stack", "await_update", "send_call", "fill_space", "await_call"}

// upgrades compares an upgrade of many tenants through the admin API with updates of as many bare stacks of the same template, with the
// same custom resources, as many at a time. Both go to the same versions, which differ from the one before by their names alone, so that
// every function and the site are put in place anew. They take turns.
func upgrades(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 3
	tenants, stacks, err := b.makeBoth(ctx)
	if err != nil {
		return nil, err
	}
	var ours, bare []float64
	steps := map[string][]float64{}
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
	}
	ratio, spread := sheet.Ratio(ours, bare)
	figures := []sheet.Figure{{
		ID: "upgrade_over_bare_updates", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 1.2, Runs: len(ours), Spread: spread,
		What: fmt.Sprintf("%d tenants upgraded, %d at a time (%.1f s), over updates of as many bare stacks (%.1f s), in the emulator",
			len(tenants), upgradesAtOnce, sheet.Median(ours), sheet.Median(bare)),
	}}
	for _, step := range upgradeSteps {
		figures = append(figures, sheet.Figure{
			ID: "upgrade_" + step, Value: sheet.Median(steps[step]), Unit: "s", Runs: len(steps[step]), Spread: sheet.Range(steps[step]),
			What: "of one tenant's upgrade, until the end of this step",
		})
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

// updateBare brings a bare stack to a version.
func (b *bench) updateBare(ctx context.Context, s slug.Slug, version string) error {
	formation := cloudformation.NewFromConfig(b.stack.AWS())
	name := aws.String(s.StackName())
	described, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})
	if err != nil {
		return err
	}
	values := map[string]string{}
	var parameters []types.Parameter
	for _, p := range described.Stacks[0].Parameters {
		key := aws.ToString(p.ParameterKey)
		values[key] = aws.ToString(p.ParameterValue)
		if key == "ArtifactVersion" {
			parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &version})
			continue
		}
		parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	template := strings.Join([]string{values["EndpointUrl"], values["ArtifactBucket"], version, "templates/tenant.yaml"}, "/")
	if _, err := formation.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: name, TemplateURL: &template, Parameters: parameters, RoleARN: described.Stacks[0].RoleARN,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		return err
	}
	return rig.Until(ctx, 200*time.Millisecond, func() (bool, error) {
		now, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})
		if err != nil {
			return false, err
		}
		status := now.Stacks[0].StackStatus
		if strings.Contains(string(status), "ROLLBACK") || strings.HasSuffix(string(status), "_FAILED") {
			return false, fmt.Errorf("the bare stack is %s", status)
		}
		return status == types.StackStatusUpdateComplete, nil
	})
}
