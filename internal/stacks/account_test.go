package stacks_test

import (
	"crypto/rand"
	"io"
	"io/fs"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const (
	cellStack  = "earshotops-cell"
	externalID = "said-by-the-worker"
)

// An account of the emulator's own for this test, with a cell in it that its worker enters as on AWS.
type account struct {
	root, worker aws.Config
	cell         tenant.Cell
	bucket       string
	parameters   map[string]string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	number, err := rand.Int(rand.Reader, big.NewInt(9e11))
	if err != nil {
		t.Fatal(err)
	}
	a := &account{root: testenv.AWSAs(t, strconv.FormatInt(1e11+number.Int64(), 10), "test")}
	worker := a.makeWorker(t)
	endpoint, err := url.Parse(testenv.AWSEndpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	a.parameters = map[string]string{
		"EndpointUrl": endpoint.String(), "LocalHost": "localhost:" + endpoint.Port(), "SearchAuth": "basic", "Architecture": "x86_64",
		"SearchEndpoint": "https://localhost:9200", "SearchAdminSecretArn": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:earshotops/admin",
		"WorkerPrincipalArn": worker, "ExternalId": externalID, "Replicas": "0",
	}
	return a
}

// makeWorker makes the identity that control-plane.yaml gives the worker, and returns its ARN.
func (a *account) makeWorker(t *testing.T) string {
	t.Helper()
	users, name := iam.NewFromConfig(a.root), aws.String("worker")
	user, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: name, PolicyName: aws.String("enter"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::*:role/earshotops-cell-worker","arn:aws:iam::*:role/earshotops-cell-health"]}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	a.worker = testenv.AWSAs(t, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
	return *user.User.Arn
}

// deploy makes the cell as it is done in earnest: its bucket, then what goes into it, then its functions.
func (a *account) deploy(t *testing.T, version string, upload func()) {
	t.Helper()
	body, err := os.ReadFile("../../infra/cell.yaml")
	if err != nil {
		t.Fatal(err)
	}
	client, name := cloudformation.NewFromConfig(a.root), aws.String(cellStack)
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: name, TemplateBody: aws.String(string(body)), Parameters: parametersOf(a.parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range stack.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	a.bucket = outputs["ArtifactBucket"]
	a.cell = tenant.Cell{Name: "tried", Region: testenv.Region, StackName: cellStack, RoleARN: outputs["WorkerRoleArn"], ExternalID: externalID}
	upload()
	second := maps.Clone(a.parameters)
	second["ArtifactVersion"] = version
	if _, err := client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: name, TemplateBody: aws.String(string(body)), Parameters: parametersOf(second),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}); err != nil {
		t.Fatal(err)
	}
	updated := cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := updated.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func parametersOf(values map[string]string) []types.Parameter {
	parameters := make([]types.Parameter, 0, len(values))
	for name, value := range values {
		parameters = append(parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	return parameters
}

func (a *account) put(t *testing.T, key string, body io.Reader) {
	t.Helper()
	client := s3.NewFromConfig(a.root, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(a.bucket), Key: aws.String(key), Body: body}); err != nil {
		t.Fatal(err)
	}
}

// putFolder uploads the built artifacts under their version.
func (a *account) putFolder(t *testing.T, dir string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("artifacts in %s: %v, %v", dir, files, err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(filepath.Dir(dir), name)
		if err != nil {
			t.Fatal(err)
		}
		a.put(t, path.Clean(filepath.ToSlash(relative)), file)
		_ = file.Close() // read only
	}
}

// small is a cell whose tenants have a small stack; broken names the one whose stack must fail.
func small(t *testing.T) *account {
	t.Helper()
	a := newAccount(t)
	a.deploy(t, "v1", func() { a.publish(t, "") })
	return a
}

func (a *account) publish(t *testing.T, broken string) {
	t.Helper()
	for _, version := range []string{"v1", "v2"} {
		text := strings.NewReplacer("BROKEN", broken, "at ${Soft", version+" at ${Soft").Replace(smallTenant)
		a.put(t, version+"/templates/tenant.yaml", strings.NewReader(text))
	}
}

func (a *account) breaks(t *testing.T, of tenant.Tenant) {
	t.Helper()
	a.publish(t, of.Slug.String())
}

func (a *account) mends(t *testing.T, _ tenant.Tenant) {
	t.Helper()
	a.publish(t, "")
}

const smallTenant = `
Parameters:
  ArtifactVersion: {Type: String}
  ConnectInstances: {Type: String}
  IndexPeriods: {Type: String}
  Slug: {Type: String}
  SoftphoneOrigins: {Type: String}
  LogDays: {Type: Number}
Conditions:
  IsBroken: !Equals [!Ref Slug, 'BROKEN']
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Tags: [{Key: origins, Value: !Sub 'at ${SoftphoneOrigins}'}]
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
