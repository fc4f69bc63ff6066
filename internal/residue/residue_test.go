package residue_test

import (
	"crypto/rand"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/residue"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

var _ operation.Purger = (*residue.Purger)(nil)

// cellTemplate has a provider that answers as the real one does: a purge leaves something of the tenant "sticky" only.
const cellTemplate = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
  Provider:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: earshotops-search-tenant
      Runtime: python3.12
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          def handler(event, context):
              if event["action"] == "sweep":
                  return {"left": ["index " + event["slug"] + "-apimetric-2026.q4"]}
              return {"left": ["bucket b"] if event["slug"] == "sticky" else []}
Outputs:
  SearchTenantFunction: {Value: !Ref Provider}
`

const tenantTemplate = `
Parameters:
  Slug: {Type: String}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Properties:
      Tags: [{Key: 'earshot:tenant', Value: !Ref Slug}]
  Role:
    Type: AWS::IAM::Role
    DeletionPolicy: Retain
    Properties:
      RoleName: !Sub earshot-${Slug}-pushers
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}
`

func TestSweepLooksEverywhere(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	deploy(t, cfg, "earshotops-cell", cellTemplate)
	cell := tenant.Cell{Name: "tried", Region: testenv.Region, StackName: "earshotops-cell"}
	purger := residue.New(cellaws.New(cfg))

	index := "index acme-apimetric-2026.q4"
	if left := sweep(t, purger, cell, "acme"); !slices.Equal(left, []string{index}) {
		t.Errorf("before: %q", left)
	}
	deploy(t, cfg, "earshot-acme", tenantTemplate, "acme")
	want := []string{index, "role earshot-acme-pushers", "sqs earshot-acme-Queue-", "stack earshot-acme (CREATE_COMPLETE)"}
	if left := sweep(t, purger, cell, "acme"); !slices.EqualFunc(left, want, strings.HasPrefix) {
		t.Errorf("with a stack: %q, want %q", left, want)
	}
	if left := sweep(t, purger, cell, "acm"); !slices.Equal(left, []string{"index acm-apimetric-2026.q4"}) {
		t.Errorf("of another tenant: %q", left)
	}
	client := cloudformation.NewFromConfig(cfg)
	if _, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("earshot-acme")}); err != nil {
		t.Fatal(err)
	}
	waiter := cloudformation.NewStackDeleteCompleteWaiter(client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("earshot-acme")}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if left := sweep(t, purger, cell, "acme"); !slices.EqualFunc(left, want[:3], strings.HasPrefix) {
		t.Errorf("without its stack: %q, want %q", left, want[:3])
	}
}

func TestPurgeSaysWhatItLeft(t *testing.T) {
	t.Parallel()
	cfg := account(t)
	deploy(t, cfg, "earshotops-cell", cellTemplate)
	cell := tenant.Cell{Name: "tried", Region: testenv.Region, StackName: "earshotops-cell"}
	purger := residue.New(cellaws.New(cfg))
	if err := purger.Purge(t.Context(), cell, "acme"); err != nil {
		t.Error(err)
	}
	if err := purger.Purge(t.Context(), cell, "sticky"); err == nil || !strings.Contains(err.Error(), "bucket b") {
		t.Errorf("a purge that leaves something: %v", err)
	}
}

// account returns the root of an account that no other test uses.
func account(t *testing.T) aws.Config {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		t.Fatal(err)
	}
	return testenv.AWSAs(t, strconv.FormatInt(1e11+number.Int64(), 10), "test")
}

func deploy(t *testing.T, cfg aws.Config, name, body string, slugs ...string) {
	t.Helper()
	client := cloudformation.NewFromConfig(cfg)
	input := &cloudformation.CreateStackInput{
		StackName: aws.String(name), TemplateBody: aws.String(body), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for _, s := range slugs {
		input.Parameters = append(input.Parameters, types.Parameter{ParameterKey: aws.String("Slug"), ParameterValue: aws.String(s)})
	}
	if _, err := client.CreateStack(t.Context(), input); err != nil {
		t.Fatal(err)
	}
	waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(name)}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func sweep(t *testing.T, purger *residue.Purger, cell tenant.Cell, s slug.Slug) []string {
	t.Helper()
	left, err := purger.Sweep(t.Context(), cell, s)
	if err != nil {
		t.Fatal(err)
	}
	return left
}
