package stacks_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/stacks/stackstest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestContractOfThePlayedCloud(t *testing.T) {
	t.Parallel()
	stackstest.Run(t, func(*testing.T) stackstest.World {
		cloud := operationtest.NewCloud()
		return stackstest.World{
			Stacks: cloud, Cell: frankfurt, Tenant: someTenant,
			Break: func(*testing.T, tenant.Tenant) { cloud.FailCreate = "Queue" },
			Mend:  func(*testing.T, tenant.Tenant) { cloud.FailCreate = "" },
			Wait:  soon,
		}
	})
}

func TestContractOfCloudFormation(t *testing.T) {
	t.Parallel()
	account := newAccount(t)
	stackstest.Run(t, func(*testing.T) stackstest.World {
		return stackstest.World{
			Stacks: stacks.New(cellaws.New(account.worker), stacks.Options{Calls: 1000}), Cell: account.cell, Tenant: someTenant,
			Break: account.breaks, Mend: account.mends, Wait: soon,
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

// An account of the emulator's own for this test, with a cell in it that its worker enters as on AWS.
type account struct {
	root, worker aws.Config
	cell         tenant.Cell
	bucket       string
}

const externalID = "said-by-the-worker"

func newAccount(t *testing.T) account {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		t.Fatal(err)
	}
	a := account{root: testenv.AWSAs(t, strconv.FormatInt(1e11+number.Int64(), 10), "test")}
	users := iam.NewFromConfig(a.root)
	user, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("worker")})
	if err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("worker")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: aws.String("worker"), PolicyName: aws.String("enter"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/earshotops-cell-worker"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	a.worker = testenv.AWSAs(t, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
	outputs := a.deployCell(t, *user.User.Arn)
	a.bucket = outputs["ArtifactBucket"]
	a.cell = tenant.Cell{Name: "tried", Region: testenv.Region, StackName: "earshotops-cell", RoleARN: outputs["WorkerRoleArn"], ExternalID: externalID}
	a.publish(t, "")
	return a
}

// deployCell deploys the real template of a cell.
func (a account) deployCell(t *testing.T, worker string) map[string]string {
	t.Helper()
	body, err := os.ReadFile("../../infra/cell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(testenv.AWSEndpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	var parameters []types.Parameter
	for name, value := range map[string]string{
		"ArtifactVersion": "v1", "EndpointUrl": endpoint.String(), "LocalHost": "localhost:" + endpoint.Port(), "SearchAuth": "basic",
		"SearchEndpoint": "https://localhost:9200", "SearchAdminSecretArn": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:earshotops/admin",
		"WorkerPrincipalArn": worker, "ExternalId": externalID,
	} {
		parameters = append(parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	client := cloudformation.NewFromConfig(a.root)
	name := aws.String("earshotops-cell")
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: name, TemplateBody: aws.String(string(body)), Parameters: parameters,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	stack, err := waiter.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range stack.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return outputs
}

// publish puts a small tenant's template into the cell's bucket; broken names the slugs whose stack must fail.
func (a account) publish(t *testing.T, broken string) {
	t.Helper()
	client := s3.NewFromConfig(a.root, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(a.bucket), Key: aws.String("v1/templates/tenant.yaml"),
		Body: strings.NewReader(strings.ReplaceAll(smallTenant, "BROKEN", broken)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a account) breaks(t *testing.T, of tenant.Tenant) {
	t.Helper()
	a.publish(t, of.Slug.String())
}

func (a account) mends(t *testing.T, _ tenant.Tenant) {
	t.Helper()
	a.publish(t, "")
}

const smallTenant = `
Parameters:
  ArtifactVersion: {Type: String}
  ConnectInstances: {Type: String}
  Slug: {Type: String}
  LogDays: {Type: Number}
Conditions:
  IsBroken: !Equals [!Ref Slug, 'BROKEN']
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub /earshot/${Slug}/probe
      RetentionInDays: !Ref LogDays
  Nothing:
    Type: Custom::Nothing
    DependsOn: Queue
    Condition: IsBroken
    Properties:
      ServiceToken: !Sub arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:earshotops-nothing
Outputs:
  ArtifactVersion: {Value: !Ref ArtifactVersion}
  Instances: {Value: !Ref ConnectInstances}
`

// The worker reaches the cell's tenants' stacks and nothing else, and nobody enters the cell without its external id.
func TestAttackWorkerReachesTenantsOnly(t *testing.T) {
	t.Parallel()
	account := newAccount(t)
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
	account := newAccount(t)
	client := s3.NewFromConfig(account.root, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(account.bucket), Key: aws.String("v1/templates/tenant.yaml"),
		Body: strings.NewReader("Parameters:\n  Unknown: {Type: String}\nResources:\n  Queue: {Type: AWS::SQS::Queue}\n"),
	}); err != nil {
		t.Fatal(err)
	}
	of := stacks.New(cellaws.New(account.worker), stacks.Options{})
	_, _, err := of.Create(t.Context(), account.cell, someTenant(t), "create-1")
	var failure *operation.Failure
	if !errors.As(err, &failure) || failure.Code != "stack.refused" || !strings.Contains(failure.Reason, "Unknown") {
		t.Errorf("got %v, want a failure that names the parameter", err)
	}
}
