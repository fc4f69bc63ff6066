package stacks_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/stacks/stackstest"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestContractOfThePlayedCloud(t *testing.T) {
	t.Parallel()
	stackstest.Run(t, func(*testing.T) stackstest.World {
		cloud := operationtest.NewCloud()
		return stackstest.World{
			Stacks: cloud, Cell: frankfurt, Tenant: someTenant, Newer: "v2",
			Break: func(*testing.T, tenant.Tenant) { cloud.FailCreate, cloud.FailUpdate = "Queue", "Queue" },
			Mend:  func(*testing.T, tenant.Tenant) { cloud.FailCreate, cloud.FailUpdate = "", "" },
			Wait:  soon,
		}
	})
}

func TestContractOfCloudFormation(t *testing.T) {
	t.Parallel()
	stackstest.Run(t, func(t *testing.T) stackstest.World {
		t.Helper()
		account := small(t)
		return stackstest.World{
			Stacks: stacks.New(cellaws.New(account.worker), stacks.Options{Calls: 1000}), Cell: account.cell, Tenant: someTenant,
			Newer: "v2", Break: account.breaks, Mend: account.mends, Wait: soon,
		}
	})
}

func soon(context.Context) <-chan time.Time { return time.After(20 * time.Millisecond) }

func someTenant(t *testing.T) tenant.Tenant {
	t.Helper()
	of, err := rand.Int(rand.Reader, big.NewInt(1e15))
	if err != nil {
		t.Fatal(err)
	}
	return tenant.Tenant{
		ID: "0192d3c4-0000-7000-8000-0000000000ab", Slug: slug.Slug(fmt.Sprint("t", of)), DisplayName: "A & B", Isolation: tenant.Pooled,
		ExternalID: "external", Settings: tenant.DefaultSettings(),
		ConnectInstances: []tenant.ConnectInstance{{Alias: "a", Region: "eu-west-2", CCPURL: "https://a.my.connect.aws/ccp-v2"}},
	}
}

// The worker reaches the cell's tenants' stacks and nothing else, and nobody enters the cell without its external id.
func TestAttackWorkerReachesTenantsOnly(t *testing.T) {
	t.Parallel()
	account := small(t)
	inside := cloudformation.NewFromConfig(cellaws.New(account.worker).Config(account.cell))
	body := aws.String(`{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`)
	_, err := inside.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("other"), TemplateBody: body})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a stack of another name: %v", err)
	}
	_, err = inside.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("earshotops-cell")})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("deleting the cell: %v", err)
	}
	stranger := account.cell
	stranger.Name, stranger.ExternalID = "stranger", "guessed"
	_, err = stacks.New(cellaws.New(account.worker), stacks.Options{}).Describe(t.Context(), stranger, "acme")
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a wrong external id: %v", err)
	}
	outside := account.cell
	outside.Name, outside.RoleARN = "outside", ""
	_, err = stacks.New(cellaws.New(account.worker), stacks.Options{}).Describe(t.Context(), outside, "acme")
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("without the cell's role: %v", err)
	}
}

func TestRefusedCreationFailsTheOperation(t *testing.T) {
	t.Parallel()
	account := small(t)
	account.put(t, "v1/templates/tenant.yaml", strings.NewReader("Parameters:\n  Unknown: {Type: String}\nResources:\n  Queue: {Type: AWS::SQS::Queue}\n"))
	of := stacks.New(cellaws.New(account.worker), stacks.Options{})
	_, _, err := of.Create(t.Context(), account.cell, someTenant(t), "create-1")
	var failure *operation.Failure
	if !errors.As(err, &failure) || failure.Code != "stack.refused" || !strings.Contains(failure.Reason, "Unknown") {
		t.Errorf("got %v, want a failure that names the parameter", err)
	}
}
