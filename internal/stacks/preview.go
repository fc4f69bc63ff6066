package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Preview has CloudFormation make a change set of what Upgrade would ask for, returns what it says once it is there, and deletes
// it. Nothing ever executes it: Upgrade asks anew.
func (s *Stacks) Preview(
	ctx context.Context, in tenant.Cell, t tenant.Tenant, token string,
) (changes []operation.StackChange, ready bool, err error) {
	ask, err := s.upgrade(ctx, in, t, token)
	if err != nil {
		return nil, false, err
	}
	c, name := s.cell(in), "preview-"+token
	set, err := c.changeSet(ctx, t.Slug.StackName(), name)
	switch {
	case codeOf(err) == "ChangeSetNotFound":
		return nil, false, c.compare(ctx, ask, name)
	case err != nil:
		return nil, false, fmt.Errorf("read the change set of stack %s: %w", ask.stackID, asFailure(err))
	case set.Status == types.ChangeSetStatusFailed && !isWithoutChanges(set):
		err = &operation.Failure{Code: "stack.refused", Reason: trim(aws.ToString(set.StatusReason))}
	case set.Status != types.ChangeSetStatusFailed && set.Status != types.ChangeSetStatusCreateComplete:
		return nil, false, nil
	}
	if deleted := c.forget(ctx, t.Slug.StackName(), name); deleted != nil {
		return nil, false, deleted
	}
	return changesOf(set), err == nil, err
}

// compare asks for a change set. One that is asked for twice is made once.
func (c *cell) compare(ctx context.Context, ask asking, name string) error {
	err := c.call(ctx, func() error {
		_, err := c.api.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
			StackName: aws.String(ask.stackID), ChangeSetName: aws.String(name), ChangeSetType: types.ChangeSetTypeUpdate,
			TemplateURL: aws.String(ask.templateURL), Parameters: ask.parameters,
			Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			ClientToken:  aws.String(ask.token), RoleARN: aws.String(ask.role),
		})
		return err
	})
	if err == nil || codeOf(err) == "AlreadyExistsException" {
		return nil
	}
	return fmt.Errorf("make a change set of stack %s: %w", ask.stackID, asFailure(err))
}

// changeSet reads all pages of a change set.
func (c *cell) changeSet(ctx context.Context, stack, name string) (set *cloudformation.DescribeChangeSetOutput, err error) {
	for next := (*string)(nil); ; {
		var page *cloudformation.DescribeChangeSetOutput
		if err := c.call(ctx, func() (err error) {
			page, err = c.api.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{
				StackName: aws.String(stack), ChangeSetName: aws.String(name), NextToken: next,
			})
			return err
		}); err != nil {
			return nil, err
		}
		if set != nil {
			page.Changes = append(set.Changes, page.Changes...)
		}
		set, next = page, page.NextToken
		if next == nil {
			return set, nil
		}
	}
}

func (c *cell) forget(ctx context.Context, stack, name string) error {
	err := c.call(ctx, func() error {
		_, err := c.api.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: aws.String(stack), ChangeSetName: aws.String(name)})
		return err
	})
	if err != nil {
		return fmt.Errorf("delete the change set of stack %s: %w", stack, err)
	}
	return nil
}

// isWithoutChanges reports that a change set failed because there is nothing to change, which only its reason says.
func isWithoutChanges(set *cloudformation.DescribeChangeSetOutput) bool {
	reason := aws.ToString(set.StatusReason)
	return strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed")
}

func changesOf(set *cloudformation.DescribeChangeSetOutput) []operation.StackChange {
	changes := make([]operation.StackChange, 0, len(set.Changes))
	for _, change := range set.Changes {
		if of := change.ResourceChange; of != nil {
			changes = append(changes, operation.StackChange{
				Action: strings.ToLower(string(of.Action)), Resource: aws.ToString(of.LogicalResourceId), Type: aws.ToString(of.ResourceType),
				Replacement: strings.ToLower(string(of.Replacement)), Properties: propertiesOf(of),
			})
		}
	}
	slices.SortFunc(changes, func(a, b operation.StackChange) int { return strings.Compare(a.Resource, b.Resource) })
	return changes
}

// propertiesOf names the properties that change; of what is none, such as tags or metadata, its kind.
func propertiesOf(of *types.ResourceChange) []string {
	names := []string{}
	for _, detail := range of.Details {
		if detail.Target == nil {
			continue
		}
		name := aws.ToString(detail.Target.Name)
		if name == "" {
			name = string(detail.Target.Attribute)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
