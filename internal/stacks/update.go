package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Update asks that the stack be as the tenant, on the template of the artifact version that it has. What the cell gave it
// stays as it is: a setting's update is no upgrade. It reports false when there is nothing to do.
func (s *Stacks) Update(ctx context.Context, in tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	outputs, err := s.cells.Outputs(ctx, in)
	if err != nil {
		return false, err
	}
	made, err := s.templates.get(ctx, s.cells.Config(in), outputs, t.Stack.ArtifactVersion)
	if err != nil {
		return false, err
	}
	own, err := ownParameters(t)
	if err != nil {
		return false, err
	}
	return s.cell(in).update(ctx, asking{t.Stack.ID, made.url, changedParameters(made, own), outputs["CloudFormationRoleArn"], token})
}

// Upgrade asks that the stack be as the tenant, on the template of its artifact version, and takes what the cell gives now.
func (s *Stacks) Upgrade(ctx context.Context, in tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	ask, err := s.upgrade(ctx, in, t, token)
	if err != nil {
		return false, err
	}
	return s.cell(in).update(ctx, ask)
}

// upgrade says what an upgrade asks of CloudFormation.
func (s *Stacks) upgrade(ctx context.Context, in tenant.Cell, t tenant.Tenant, token string) (asking, error) {
	outputs, err := s.cells.Outputs(ctx, in)
	if err != nil {
		return asking{}, err
	}
	outputs = maps.Clone(outputs)
	outputs["ArtifactVersion"] = t.Stack.ArtifactVersion
	made, err := s.release(ctx, in, outputs, t.Stack.ArtifactVersion)
	if err != nil {
		return asking{}, err
	}
	parameters, err := parametersOf(made, t, outputs)
	return asking{t.Stack.ID, made.url, parameters, outputs["CloudFormationRoleArn"], token}, err
}

// release returns the template of a version that somebody named.
func (s *Stacks) release(ctx context.Context, in tenant.Cell, outputs map[string]string, version string) (template, error) {
	made, err := s.templates.get(ctx, s.cells.Config(in), outputs, version)
	// S3 tells who may not list a bucket of a missing object as of one that is denied.
	if code := codeOf(err); code == "NoSuchKey" || code == "AccessDenied" {
		return template{}, &operation.Failure{
			Code: "upgrade.version_unknown", Reason: "Cell " + in.Name + " has no artifacts of version " + version + ".",
			Advice: "Upload them to the cell's artifact bucket, or name a version that is there.",
		}
	}
	return made, err
}

// TakeBack asks that a stack be made of the template and the parameters that it had. It reports false when it has them.
func (s *Stacks) TakeBack(ctx context.Context, in tenant.Cell, stackID string, to operation.Release, token string) (bool, error) {
	outputs, err := s.cells.Outputs(ctx, in)
	if err != nil {
		return false, err
	}
	made, err := s.release(ctx, in, outputs, to.Version)
	if err != nil {
		return false, err
	}
	return s.cell(in).update(ctx, asking{stackID, made.url, changedParameters(made, to.Parameters), outputs["CloudFormationRoleArn"], token})
}

// asking is what CloudFormation is asked to make of a stack.
type asking struct {
	stackID, templateURL string
	parameters           []types.Parameter
	role, token          string
}

func (c *cell) update(ctx context.Context, ask asking) (changed bool, err error) {
	err = c.call(ctx, func() error {
		_, err := c.api.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: aws.String(ask.stackID), TemplateURL: aws.String(ask.templateURL), Parameters: ask.parameters,
			Capabilities:       []types.Capability{types.CapabilityCapabilityNamedIam},
			ClientRequestToken: aws.String(ask.token), RoleARN: aws.String(ask.role),
		})
		return err
	})
	switch {
	case err == nil, codeOf(err) == "TokenAlreadyExistsException":
		return true, nil
	case codeOf(err) == "ValidationError" && strings.Contains(err.Error(), "No updates are to be performed"):
		return false, nil
	case isInMotion(err): // it will be at rest some time
		return false, fmt.Errorf("update stack %s: %w", ask.stackID, err)
	}
	return false, fmt.Errorf("update stack %s: %w", ask.stackID, asFailure(err))
}

var inState = regexp.MustCompile(`is in \w+ state`)

// isInMotion reports that a stack takes no such call in the state that it is in now.
func isInMotion(err error) bool {
	return codeOf(err) == "ValidationError" && inState.MatchString(err.Error())
}

// changedParameters gives the template's parameters the values that are known, and leaves the others.
func changedParameters(made template, known map[string]string) []types.Parameter {
	parameters := make([]types.Parameter, 0, len(made.parameters))
	for _, name := range made.parameters {
		p := types.Parameter{ParameterKey: aws.String(name)}
		if value, given := known[name]; given {
			p.ParameterValue = aws.String(value)
		} else {
			p.UsePreviousValue = aws.Bool(true)
		}
		parameters = append(parameters, p)
	}
	return parameters
}

// Continue asks that a rollback go on that is stuck; nothing is skipped. A stack that is not stuck is left alone.
func (s *Stacks) Continue(ctx context.Context, in tenant.Cell, stackID, token string) error {
	outputs, err := s.cells.Outputs(ctx, in)
	if err != nil {
		return err
	}
	c := s.cell(in)
	err = c.call(ctx, func() error {
		_, err := c.api.ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{
			StackName: aws.String(stackID), ClientRequestToken: aws.String(token), RoleARN: aws.String(outputs["CloudFormationRoleArn"]),
		})
		return err
	})
	switch code := codeOf(err); {
	case err == nil, code == "TokenAlreadyExistsException", code == "ValidationError":
		return nil // what has become of it, the caller sees
	}
	return fmt.Errorf("continue the rollback of stack %s: %w", stackID, asFailure(err))
}

// periodsOf reads the periods of indices that a stack has; nil when it says none that can be read.
func periodsOf(parameters []types.Parameter) (periods map[string][]tenant.PeriodFrom) {
	for _, p := range parameters {
		if aws.ToString(p.ParameterKey) == "IndexPeriods" {
			if err := json.Unmarshal([]byte(aws.ToString(p.ParameterValue)), &periods); err != nil {
				return nil
			}
		}
	}
	return periods
}

var _ operation.Stacks = (*Stacks)(nil)
