package stacks

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Events returns the events newer than the one with id after, oldest first, and only those of the call with this token. While
// many stacks are in motion, it may return none of one whose events were read a moment ago: they come later.
func (s *Stacks) Events(ctx context.Context, in tenant.Cell, stackID, token, after string) ([]operation.StackEvent, error) {
	c := s.cell(in)
	if early, err := c.crowd.isEarly(ctx, stackID); err != nil || early {
		return nil, err
	}
	found, err := c.since(ctx, stackID, token, after)
	if err != nil {
		return nil, err
	}
	if err := c.crowd.hasTold(ctx, stackID); err != nil {
		return nil, err
	}
	events := make([]operation.StackEvent, 0, len(found))
	for _, e := range slices.Backward(found) {
		events = append(events, operation.StackEvent{
			ID:       aws.ToString(e.EventId),
			At:       aws.ToTime(e.Timestamp),
			Resource: aws.ToString(e.LogicalResourceId),
			Type:     aws.ToString(e.ResourceType),
			Status:   string(e.ResourceStatus),
			Reason:   trim(aws.ToString(e.ResourceStatusReason)),
			Token:    aws.ToString(e.ClientRequestToken),
		})
	}
	return events, nil
}

// since returns the events of the call with token, newest first as CloudFormation pages them. It reads no further than the
// event with id after, or the beginning of the call: a stack's whole history may be long.
func (c *cell) since(ctx context.Context, stackID, token, after string) ([]types.StackEvent, error) {
	var found []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(c.api, &cloudformation.DescribeStackEventsInput{StackName: aws.String(stackID)})
	for pages.HasMorePages() {
		var page *cloudformation.DescribeStackEventsOutput
		err := c.call(ctx, func() (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if isAbsent(err) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read events of stack %s: %w", stackID, err)
		}
		for _, e := range page.StackEvents {
			// An event without a token is told apart by where it stands: after the beginning of the newest call.
			ours := e.ClientRequestToken == nil || *e.ClientRequestToken == token
			switch {
			case after != "" && aws.ToString(e.EventId) == after:
				return found, nil
			case ours:
				found = append(found, e)
				if isBegin(e) {
					return found, nil
				}
			case len(found) > 0 && isBegin(e):
				return found, nil
			}
		}
	}
	return found, nil
}

// isBegin reports whether e begins a call on the whole stack.
func isBegin(e types.StackEvent) bool {
	if !isOfStack(e) {
		return false
	}
	switch e.ResourceStatus {
	case types.ResourceStatusCreateInProgress, types.ResourceStatusUpdateInProgress, types.ResourceStatusDeleteInProgress:
		return true
	default:
		return false
	}
}

// isOfStack tells the stack's own events from those of its resources, nested stacks included.
func isOfStack(e types.StackEvent) bool {
	return aws.ToString(e.ResourceType) == "AWS::CloudFormation::Stack" &&
		aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId)
}
