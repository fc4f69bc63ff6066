package stacks_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// The worker sees how tenants do by the role that changes nothing, which the API has too; nobody else enters, nor without the cell's
// external id.
func TestTheWorkerLooksByTheRoleThatChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.parameters["ApiPrincipalArn"] = strings.Replace(a.parameters["WorkerPrincipalArn"], ":user/worker", ":user/api", 1)
	a.deploy(t, "v1", func() { a.publish(t, "") })
	cell := tenant.Cell{Name: "one", Region: a.root.Region, StackName: cellStack, RoleARN: a.cell.RoleARN, ExternalID: externalID}
	looking := cellaws.NewAs(a.worker, cellaws.HealthRole).Config(cell)
	if _, err := cloudformation.NewFromConfig(looking).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("earshot-acme")}); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("the worker may not see stacks: %v", err)
	}
	if _, err := cloudformation.NewFromConfig(looking).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("earshot-acme")}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a stack was deleted by who only looks: %v", err)
	}
	health := strings.Replace(a.cell.RoleARN, "earshotops-cell-worker", cellaws.HealthRole, 1)
	for name, row := range map[string]struct {
		as         aws.Config
		externalID string
		may        bool
	}{
		"the worker":                           {a.worker, externalID, true},
		"the worker without the external id":   {a.worker, "another-external-id", false},
		"somebody who may do anything besides": {a.root, externalID, false},
	} {
		_, err := sts.NewFromConfig(row.as).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &health, RoleSessionName: aws.String("x"), ExternalId: &row.externalID})
		if (err == nil) != row.may {
			t.Errorf("%s: %v", name, err)
		}
	}
}
