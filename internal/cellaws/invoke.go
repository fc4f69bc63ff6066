package cellaws

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// InvokeProvider calls the function of the cell that administers its search.
func (c *Cells) InvokeProvider(ctx context.Context, cell tenant.Cell, request, answer any) error {
	outputs, err := c.Outputs(ctx, cell)
	if err != nil {
		return err
	}
	function := outputs["SearchTenantFunction"]
	if function == "" {
		return &operation.Failure{
			Code: "cell.no_provider", Reason: "Cell " + cell.Name + " names no provider in its outputs.",
			Advice: "Update the cell's stack, then retry.",
		}
	}
	return c.Invoke(ctx, cell, function, request, answer)
}

// Ask has a function of the cell run with request as JSON, and does not wait for it: what becomes of the run is not known here. A
// request whose answer was lost is made again: the function takes it twice.
func (c *Cells) Ask(ctx context.Context, cell tenant.Cell, function string, request any) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", function, err)
	}
	_, err = lambda.NewFromConfig(c.Config(cell)).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(function), Payload: payload, InvocationType: types.InvocationTypeEvent,
	})
	if err != nil {
		return fmt.Errorf("ask %s: %w", function, err)
	}
	return nil
}

// Invoke calls a function of the cell with request as JSON and decodes its answer into answer. An error of the function is an
// error here, in its own words. A call whose answer was lost is made again: the function takes it twice.
func (c *Cells) Invoke(ctx context.Context, cell tenant.Cell, function string, request, answer any) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("invoke %s: %w", function, err)
	}
	out, err := lambda.NewFromConfig(c.Config(cell)).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(function), Payload: payload})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", function, err)
	}
	if out.FunctionError != nil {
		var failed struct {
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(out.Payload, &failed) != nil || failed.Message == "" {
			failed.Message = *out.FunctionError
		}
		return fmt.Errorf("function %s: %s", function, failed.Message)
	}
	if err := json.Unmarshal(out.Payload, answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", function, err)
	}
	return nil
}
