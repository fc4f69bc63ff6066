package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/earshot-hq/earshot/internal/slug"
)

// customerStack is what a customer makes in their account for one Connect instance.
const customerStack = "earshot-connect"

// CustomersRole plays the customer: in the account of the Connect instance it makes the role that lets the tenant's directory
// function read it, from the template that customers get, and returns the role's ARN. The softphone's origin is left out: the
// emulator has no Connect, and Connect takes no http.
func (c *Cloud) CustomersRole(ctx context.Context, instanceARN, externalID string, tenant slug.Slug) (string, error) {
	parts := strings.Split(instanceARN, ":") // arn:<partition>:connect:<region>:<account>:instance/<id>
	if len(parts) != 6 {
		return "", fmt.Errorf("%q is no Connect instance", instanceARN)
	}
	template, err := c.template("customer-connect.yaml")
	if err != nil {
		return "", err
	}
	// An account's id as access key is that account's root in the emulator.
	customer := newCloud(configFor(*c.config.BaseEndpoint, parts[3], parts[4], "test"), c.infra)
	outputs, err := customer.deploy(ctx, customerStack, template, map[string]string{
		"InstanceArn": instanceARN, "ExternalId": externalID,
		"DirectoryPrincipalArn": "arn:aws:iam::" + ownAccount + ":role/" + tenant.DirectoryRole(),
	})
	return outputs["DirectoryRoleArn"], err
}

// ownAccount is the emulator's default account, where control plane and cell are.
const ownAccount = "000000000000"

// ReadDirectory has a tenant's agent directory read now, and returns why that failed for some instance.
func (c *Cloud) ReadDirectory(ctx context.Context, tenant slug.Slug) (agents int, err error) {
	answer, err := lambda.NewFromConfig(c.config).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(tenant.FunctionName("agent-directory")), Payload: []byte(`{}`),
	})
	if err != nil {
		return 0, fmt.Errorf("invoke: %w", err)
	}
	var said struct {
		Runs []struct {
			Alias, Code, Detail string
			Agents              int
		}
	}
	if answer.FunctionError != nil || json.Unmarshal(answer.Payload, &said) != nil {
		return 0, fmt.Errorf("the function failed: %s", answer.Payload)
	}
	for _, run := range said.Runs {
		if run.Code != "" {
			return 0, fmt.Errorf("%s: %s %s", run.Alias, run.Code, run.Detail)
		}
		agents += run.Agents
	}
	return agents, nil
}
