package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

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

// updateParts are what the time of an update goes to. The emulator updates one resource of a stack after the other.
var updateParts = []struct{ id, kind, what string }{
	{"all", "AWS::CloudFormation::Stack", "all of it"},
	{"functions", "AWS::Lambda::Function", "its functions"},
	{"search", "Custom::SearchTenant", "the custom resource that gives it access to search"},
	{"site", "Custom::SoftphoneSite", "the custom resource that publishes its site"},
}

// tellParts adds how long the parts of each stack's latest update took.
func (b *bench) tellParts(ctx context.Context, of []slug.Slug, parts map[string][]float64) error {
	for _, s := range of {
		events, err := b.stackEvents(ctx, s)
		if err != nil {
			return err
		}
		took := tookOf(events, s.StackName())
		for _, part := range updateParts {
			parts[part.id] = append(parts[part.id], took[part.kind].Seconds())
		}
	}
	return nil
}

// tookOf returns how long the latest update of a stack took, summed over the resources of each kind. Events come newest first.
func tookOf(events []types.StackEvent, stack string) map[string]time.Duration {
	began, ended, kinds := map[string]time.Time{}, map[string]time.Time{}, map[string]string{}
	for _, e := range events {
		resource := aws.ToString(e.LogicalResourceId)
		if e.ResourceStatus == types.ResourceStatusUpdateComplete {
			ended[resource], kinds[resource] = aws.ToTime(e.Timestamp), aws.ToString(e.ResourceType)
		}
		if e.ResourceStatus == types.ResourceStatusUpdateInProgress {
			began[resource] = aws.ToTime(e.Timestamp) // of a replacement there are two, and the first comes last
			if resource == stack {
				break
			}
		}
	}
	took := map[string]time.Duration{}
	for resource, end := range ended {
		took[kinds[resource]] += end.Sub(began[resource])
	}
	return took
}

const (
	callArrives = 2 * time.Minute       // how long a synthetic call has until it is found
	callLook    = 50 * time.Millisecond // between two looks for it: as long as the worker's first wait is
)

// useBare sends a bare stack the synthetic call and has its probe find it, as the worker does for a tenant.
func (b *bench) useBare(ctx context.Context, caller *prober.Prober, s slug.Slug) error {
	described, err := cloudformation.NewFromConfig(b.stack.AWS()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())})
	if err != nil {
		return err
	}
	t := tenant.Tenant{Slug: s}
	for _, output := range described.Stacks[0].Outputs {
		switch aws.ToString(output.OutputKey) {
		case "SoftphoneUrl":
			t.URLs.Softphone = aws.ToString(output.OutputValue)
		case "TelemetryApi":
			t.URLs.TelemetryAPI = aws.ToString(output.OutputValue)
		}
	}
	call := uuid.NewString()
	wanted, err := caller.Send(ctx, t, call, time.Now().Add(-15*time.Second).Truncate(time.Millisecond))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callArrives)
	defer cancel()
	var last error // search may be slow once: the worker asks again, too
	err = rig.Until(ctx, callLook, func() (bool, error) {
		var found map[string]int
		found, last = caller.Found(ctx, tenant.Cell{Region: rig.Region}, s, call)
		return last == nil && maps.Equal(found, wanted), nil
	})
	return errors.Join(err, last)
}
