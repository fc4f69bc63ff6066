package stacks

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// Delete turns termination protection off and asks for the deletion of the stack with this id, never of a newer one of the
// same name. A stack that is gone already is a success.
func (s *Stacks) Delete(ctx context.Context, in tenant.Cell, stackID, token string) error {
	c := s.cell(in)
	err := c.call(ctx, func() error {
		_, err := c.api.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
			StackName: aws.String(stackID), EnableTerminationProtection: aws.Bool(false),
		})
		return err
	})
	switch {
	case isAbsent(err):
		return nil
	case codeOf(err) == "ValidationError": // a stack being deleted takes no change; one that is protected says so below
	case err != nil:
		return fmt.Errorf("unprotect stack %s: %w", stackID, asFailure(err))
	}
	err = c.call(ctx, func() error {
		_, err := c.api.DeleteStack(ctx, &cloudformation.DeleteStackInput{
			StackName: aws.String(stackID), ClientRequestToken: aws.String(token),
		})
		return err
	})
	if err != nil && !isAbsent(err) && codeOf(err) != "TokenAlreadyExistsException" {
		return fmt.Errorf("delete stack %s: %w", stackID, asFailure(err))
	}
	return nil
}
