package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/slug"
)

// onboard compares onboarding through the admin API, from the request until the tenant is active, with the same stack made
// bare: the same template, parameters and service role, and so the same custom resources; and with such a stack and a synthetic call
// through it, as an onboarding ends with.
func onboard(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 5
	caller := prober.New(cellaws.New(b.stack.AWS()))
	defer caller.Close()
	var ours, bare, bareProved, built, seen, proved []float64
	steps := map[string][]float64{}
	for run := range b.repeat("onboard", runs) {
		began := time.Now()
		s := slug.Slug(fmt.Sprintf("onboarded%d", run))
		made, err := b.admin.Onboard(ctx, s.String(), uuid.NewString())
		if err != nil {
			return nil, err
		}
		ended := time.Now()
		ours = append(ours, ended.Sub(began).Seconds())
		ends, err := b.tellSteps(ctx, made, began, steps)
		if err != nil {
			return nil, err
		}
		stack, stood, err := b.building(ctx, s)
		if err != nil {
			return nil, err
		}
		built = append(built, stood.Sub(stack).Seconds())
		seen, proved = append(seen, ends["await_stack"].Sub(stood).Seconds()), append(proved, ended.Sub(ends["await_stack"]).Seconds())
		s = slug.Slug(fmt.Sprintf("bare%d", run))
		took, err := b.bareStack(ctx, s)
		if err != nil {
			return nil, err
		}
		bare = append(bare, took.Seconds())
		began = time.Now()
		if err := b.useBare(ctx, caller, s); err != nil {
			return nil, err
		}
		bareProved = append(bareProved, took.Seconds()+time.Since(began).Seconds())
	}
	ratio, spread := sheet.Ratio(ours, bare)
	provedRatio, provedSpread := sheet.Ratio(ours, bareProved)
	figures := []sheet.Figure{
		{
			ID: "onboard_over_bare_stack", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 1.25, Runs: len(ours), Spread: spread,
			What: "time to onboard a tenant over the time of the same stack made bare, in the emulator",
		},
		{
			ID: "onboard_over_proved_stack", Value: provedRatio, Unit: "x", Runs: len(ours), Spread: provedSpread,
			What: fmt.Sprintf("the same, over the stack and then a synthetic call through it, as an onboarding ends with (%.2f s)", sheet.Median(bareProved)),
		},
		{ID: "onboard", Value: sheet.Median(ours), Unit: "s", Runs: len(ours), Spread: sheet.Range(ours), What: "POST /v1/tenants until the tenant is active"},
		{ID: "onboard_bare_stack", Value: sheet.Median(bare), Unit: "s", Runs: len(ours), Spread: sheet.Range(bare), What: "CreateStack until CREATE_COMPLETE"},
	}
	for _, part := range []struct {
		id, what string
		took     []float64
	}{
		{"onboard_stack", "of an onboarding, CloudFormation's: from the stack's first event to its last", built},
		{"onboard_unseen", "from there until the operation goes on", seen},
		{"onboard_proof", "from there until the tenant is active: the synthetic call is sent and found", proved},
	} {
		figures = append(figures, sheet.Figure{ID: part.id, Value: sheet.Median(part.took), Unit: "s", Runs: len(ours), Spread: sheet.Range(part.took), What: part.what})
	}
	for _, step := range []string{"create_stack", "await_stack", "send_call", "fill_space", "await_call"} {
		figures = append(figures, sheet.Figure{
			ID: "onboard_" + step, Value: sheet.Median(steps[step]), Unit: "s", Runs: len(ours), Spread: sheet.Range(steps[step]),
			What: "of an onboarding, until the end of this step",
		})
	}
	return figures, nil
}

// tellSteps adds how long each step of an operation took, its wait for a turn included, and returns when each ended.
func (b *bench) tellSteps(ctx context.Context, o rig.Operation, began time.Time, steps map[string][]float64) (map[string]time.Time, error) {
	events, err := b.admin.Events(ctx, o)
	if err != nil {
		return nil, err
	}
	ends := map[string]time.Time{}
	var order []string
	for _, e := range events {
		if e.Step == "" {
			continue
		}
		if _, seen := ends[e.Step]; !seen {
			order = append(order, e.Step)
		}
		ends[e.Step] = e.At
	}
	last := began
	for _, step := range order {
		steps[step] = append(steps[step], ends[step].Sub(last).Seconds())
		last = ends[step]
	}
	return ends, nil
}

// building returns when CloudFormation began to make a tenant's stack, and when all of it stood.
func (b *bench) building(ctx context.Context, s slug.Slug) (began, stood time.Time, err error) {
	events, err := b.stackEvents(ctx, s)
	for _, e := range events {
		switch {
		case aws.ToString(e.LogicalResourceId) != s.StackName():
		case e.ResourceStatus == types.ResourceStatusCreateInProgress:
			began = aws.ToTime(e.Timestamp)
		case e.ResourceStatus == types.ResourceStatusCreateComplete:
			stood = aws.ToTime(e.Timestamp)
		}
	}
	return began, stood, err
}

// stackEvents returns all that CloudFormation tells of a tenant's stack, the newest first.
func (b *bench) stackEvents(ctx context.Context, s slug.Slug) (events []types.StackEvent, err error) {
	pages := cloudformation.NewDescribeStackEventsPaginator(cloudformation.NewFromConfig(b.stack.AWS()),
		&cloudformation.DescribeStackEventsInput{StackName: aws.String(s.StackName())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		events = append(events, page.StackEvents...)
	}
	return events, nil
}

// bareStack makes the stack of a tenant that the product does not know, like that of one which it does, and returns how long
// CloudFormation took, from the request until, by its own clock, all of it stood: whoever asks more often would slow it down.
func (b *bench) bareStack(ctx context.Context, s slug.Slug) (time.Duration, error) {
	formation := cloudformation.NewFromConfig(b.stack.AWS())
	described, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(demo.StackName())})
	if err != nil {
		return 0, err
	}
	model := described.Stacks[0]
	own := map[string]string{
		"Slug": s.String(), "TenantId": strings.ReplaceAll(uuid.NewString(), "-", ""), "ConnectExternalId": uuid.NewString(), "DisplayName": "Bare " + s.String(),
	}
	values := map[string]string{}
	parameters := make([]types.Parameter, 0, len(model.Parameters))
	for _, p := range model.Parameters {
		name, value := aws.ToString(p.ParameterKey), aws.ToString(p.ParameterValue)
		if mine, isOwn := own[name]; isOwn {
			value = mine
		}
		values[name] = value
		parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &value})
	}
	template := strings.Join([]string{values["EndpointUrl"], values["ArtifactBucket"], values["ArtifactVersion"], "templates/tenant.yaml"}, "/")
	began := time.Now()
	if _, err := formation.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String(s.StackName()), TemplateURL: &template, Parameters: parameters, RoleARN: model.RoleARN,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		return 0, err
	}
	err = rig.Until(ctx, 200*time.Millisecond, func() (bool, error) {
		now, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())})
		if err != nil {
			return false, err
		}
		switch status := now.Stacks[0].StackStatus; status {
		case types.StackStatusCreateComplete:
			return true, nil
		case types.StackStatusCreateInProgress:
			return false, nil
		default:
			return false, fmt.Errorf("the bare stack is %s", status)
		}
	})
	if err != nil {
		return 0, err
	}
	_, stood, err := b.building(ctx, s)
	return stood.Sub(began), err
}
