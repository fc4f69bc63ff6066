package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// tenantTag says on every resource of a tenant whose it is.
const tenantTag = "earshot:tenant"

// Create asks for the tenant's stack, from the template of the cell's artifact version, with the cell's service role and
// under termination protection.
func (s *Stacks) Create(ctx context.Context, in tenant.Cell, t tenant.Tenant, token string) (string, int, error) {
	outputs, err := s.cells.Outputs(ctx, in)
	if err != nil {
		return "", 0, err
	}
	if outputs["ArtifactVersion"] == "" {
		return "", 0, &operation.Failure{
			Code: "cell.no_artifacts", Reason: "Cell " + in.Name + " has no artifacts yet.",
			Advice: "Upload them and deploy the cell's stack with their ArtifactVersion, then retry.",
		}
	}
	made, err := s.templates.get(ctx, s.cells.Config(in), outputs, outputs["ArtifactVersion"])
	if err != nil {
		return "", 0, err
	}
	parameters, err := parametersOf(made, t, outputs)
	if err != nil {
		return "", 0, err
	}
	c := s.cell(in)
	var got *cloudformation.CreateStackOutput
	err = c.call(ctx, func() (err error) {
		got, err = c.api.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName:                   aws.String(t.Slug.StackName()),
			TemplateURL:                 aws.String(made.url),
			Parameters:                  parameters,
			Capabilities:                []types.Capability{types.CapabilityCapabilityNamedIam},
			ClientRequestToken:          aws.String(token),
			EnableTerminationProtection: aws.Bool(true),
			RoleARN:                     aws.String(outputs["CloudFormationRoleArn"]),
			Tags:                        []types.Tag{{Key: aws.String(tenantTag), Value: aws.String(t.Slug.String())}},
		})
		return err
	})
	switch codeOf(err) {
	case "AlreadyExistsException", "TokenAlreadyExistsException":
		id, err := c.madeBy(ctx, t.Slug.StackName(), token, err)
		return id, made.resources, err
	}
	if err != nil {
		return "", 0, fmt.Errorf("create stack %s: %w", t.Slug.StackName(), asFailure(err))
	}
	return aws.ToString(got.StackId), made.resources, nil
}

// madeBy returns the id of the stack that exists if the call with token made it, else the refusal.
func (c *cell) madeBy(ctx context.Context, name, token string, refusal error) (string, error) {
	view, err := c.describe(ctx, name)
	if err != nil {
		return "", err
	}
	events, err := c.since(ctx, view.ID, token, "")
	if err != nil {
		return "", err
	}
	for _, e := range events {
		if isBegin(e) && aws.ToString(e.ClientRequestToken) == token {
			return view.ID, nil
		}
	}
	return "", fmt.Errorf("create stack %s: %w", name, refusal)
}

// parametersOf fills those parameters that the template has: the cell's outputs by their names, and the tenant's own.
func parametersOf(made template, t tenant.Tenant, outputs map[string]string) ([]types.Parameter, error) {
	own, err := ownParameters(t)
	if err != nil {
		return nil, err
	}
	var parameters []types.Parameter
	for _, name := range made.parameters {
		value, given := own[name]
		if !given {
			value, given = outputs[name]
		}
		if given {
			parameters = append(parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
		}
	}
	return parameters, nil
}

// ownParameters are the tenant's own. DeletionProtection of its user pool is not among them: a pool that refuses to go turns
// the rollback of a failed creation, and an off-boarding, into one that cannot end (docs/settings.md).
func ownParameters(t tenant.Tenant) (map[string]string, error) {
	type instance struct {
		Alias   string `json:"alias"`
		Region  string `json:"region"`
		CCPURL  string `json:"ccpUrl"`
		SAMLURL string `json:"samlUrl,omitempty"`
	}
	instances := make([]instance, 0, len(t.ConnectInstances))
	for _, c := range t.ConnectInstances {
		instances = append(instances, instance{c.Alias, c.Region, c.CCPURL, c.SAMLURL})
	}
	connectInstances, err := json.Marshal(instances)
	if err != nil {
		return nil, fmt.Errorf("write Connect instances: %w", err)
	}
	aliases, directories, err := directoriesOf(t.ConnectInstances)
	if err != nil {
		return nil, err
	}
	periods, err := json.Marshal(t.Settings.IndexPeriod)
	if err != nil {
		return nil, fmt.Errorf("write index periods: %w", err)
	}
	thresholds, err := json.Marshal(t.Settings.Thresholds)
	if err != nil {
		return nil, fmt.Errorf("write thresholds: %w", err)
	}
	return map[string]string{
		"Slug":               t.Slug.String(),
		"TenantId":           strings.ToLower(strings.ReplaceAll(t.ID, "-", "")),
		"ConnectExternalId":  t.ExternalID,
		"DisplayName":        t.DisplayName,
		"Isolation":          string(t.Isolation),
		"ConnectInstances":   string(connectInstances),
		"ConnectAliases":     aliases,
		"DirectoryInstances": directories,
		"SoftphoneOrigins":   strings.Join(t.Settings.SoftphoneOrigins, ","),
		"IpPrivacy":          string(t.Settings.Privacy.IP),
		"IndexPeriods":       string(periods),
		"Thresholds":         string(thresholds),
		"ArchiveDays":        strconv.Itoa(t.Settings.ArchiveDays),
		"MediaOwner":         string(t.Settings.MediaOwner),
		"Suspended":          strconv.FormatBool(t.State == tenant.Suspended),
	}, nil
}

// directoriesOf returns the aliases of all instances, and those whose directory may be read, with the customer's role.
func directoriesOf(instances []tenant.ConnectInstance) (aliases, directories string, err error) {
	type directory struct {
		Alias   string `json:"alias"`
		ARN     string `json:"arn"`
		RoleARN string `json:"roleArn"`
	}
	all, readable := make([]string, 0, len(instances)), []directory{}
	for _, c := range instances {
		all = append(all, c.Alias)
		if c.DirectoryRoleARN != "" {
			readable = append(readable, directory{c.Alias, c.ARN, c.DirectoryRoleARN})
		}
	}
	text, err := json.Marshal(readable)
	if err != nil {
		return "", "", fmt.Errorf("write directories: %w", err)
	}
	return strings.Join(all, ","), string(text), nil
}
