// Package cloud builds what the operator has in AWS — control plane and cell — in the emulator, as its root. Everything else
// there is made by the worker.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// deployTime is how long one stack may take; the emulator needs well under a second.
const deployTime = 2 * time.Minute

// deploy makes the stack, or changes it to template and parameters, and returns its outputs.
func (c *Cloud) deploy(ctx context.Context, name, template string, parameters map[string]string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, deployTime)
	defer cancel()
	stack, err := c.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	if stack != nil && !isUpdatable(stack.StackStatus) {
		if err := c.remove(ctx, name); err != nil {
			return nil, err
		}
		stack = nil
	}
	token := fmt.Sprintf("launcher-%d", time.Now().UnixNano())
	if stack == nil {
		_, err = c.formation.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &name, TemplateBody: &template, Parameters: listOf(parameters), ClientRequestToken: &token,
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		})
	} else {
		_, err = c.formation.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &name, TemplateBody: &template, Parameters: listOf(parameters), ClientRequestToken: &token,
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		})
		if isNoChange(err) {
			return outputsOf(stack), nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("deploy %s: %w", name, err)
	}
	return c.await(ctx, name, token)
}

// await follows a stack until it is complete, and returns its outputs or why it is not.
func (c *Cloud) await(ctx context.Context, name, token string) (map[string]string, error) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		stack, err := c.describe(ctx, name)
		switch {
		case err != nil:
			return nil, err
		case stack == nil:
			return nil, fmt.Errorf("deploy %s: the stack is gone", name)
		case strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS"):
		case stack.StackStatus == types.StackStatusCreateComplete || stack.StackStatus == types.StackStatusUpdateComplete:
			return outputsOf(stack), nil
		default:
			return nil, fmt.Errorf("deploy %s: %s: %s", name, stack.StackStatus, c.firstFailure(ctx, name, token))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("deploy %s: %w", name, ctx.Err())
		case <-ticker.C:
		}
	}
}

// firstFailure is the reason of the first resource that failed by itself.
func (c *Cloud) firstFailure(ctx context.Context, name, token string) string {
	events, err := c.formation.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		return err.Error()
	}
	for _, event := range slices.Backward(events.StackEvents) { // the newest come first
		isOurs := aws.ToString(event.ClientRequestToken) == token || event.ClientRequestToken == nil
		if isOurs && strings.HasSuffix(string(event.ResourceStatus), "_FAILED") {
			return aws.ToString(event.LogicalResourceId) + ": " + aws.ToString(event.ResourceStatusReason)
		}
	}
	return "no resource says why"
}

// describe returns nil when there is no such stack.
func (c *Cloud) describe(ctx context.Context, name string) (*types.Stack, error) {
	found, err := c.formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		var answer smithy.APIError
		if errors.As(err, &answer) && answer.ErrorCode() == "ValidationError" && strings.Contains(answer.ErrorMessage(), "does not exist") {
			return nil, nil
		}
		return nil, fmt.Errorf("describe %s: %w", name, err)
	}
	if len(found.Stacks) == 0 || found.Stacks[0].StackStatus == types.StackStatusDeleteComplete {
		return nil, nil
	}
	return &found.Stacks[0], nil
}

// remove deletes a stack whose creation failed: CloudFormation allows nothing else.
func (c *Cloud) remove(ctx context.Context, name string) error {
	if _, err := c.formation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	waiter := cloudformation.NewStackDeleteCompleteWaiter(c.formation, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	})
	if err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, deployTime); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

func isUpdatable(status types.StackStatus) bool {
	switch status {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete:
		return true
	default:
		return false
	}
}

func isNoChange(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && strings.Contains(answer.ErrorMessage(), "No updates are to be performed")
}

func outputsOf(stack *types.Stack) map[string]string {
	outputs := map[string]string{}
	for _, output := range stack.Outputs {
		outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return outputs
}

func listOf(parameters map[string]string) []types.Parameter {
	list := make([]types.Parameter, 0, len(parameters))
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		list = append(list, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(parameters[name])})
	}
	return list
}

// HasStack reports whether a stack of this name exists, in whatever state.
func (c *Cloud) HasStack(ctx context.Context, name string) (bool, error) {
	stack, err := c.describe(ctx, name)
	return stack != nil, err
}
