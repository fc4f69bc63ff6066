package cloud

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/localstack/internal/bundle"
)

const bucketTemplate = `
Parameters: {Name: {Type: String, Default: ''}}
Conditions: {Named: !Not [!Equals [!Ref Name, '']]}
Resources:
  Bucket: {Type: 'AWS::S3::Bucket'}
  Bad:
    Type: Custom::Bad
    Condition: Named
    Properties: {ServiceToken: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:absent'}
Outputs: {Bucket: {Value: !Ref Bucket}}
`

func setup(t *testing.T) *Cloud {
	t.Helper()
	return New(testenv.AWSEndpoint(t), testenv.Region, filepath.Join("..", "..", "..", "..", "infra"))
}

func TestDeployRepeatsAndRecovers(t *testing.T) {
	t.Parallel()
	c := setup(t)
	name := "deploy-" + string(testenv.Slug(t))
	_, err := c.deploy(t.Context(), name, bucketTemplate, map[string]string{"Name": "x"})
	if err == nil || !strings.Contains(err.Error(), "Bad") {
		t.Fatalf("a stack that cannot be made: %v", err)
	}
	made, err := c.deploy(t.Context(), name, bucketTemplate, nil)
	if err != nil {
		t.Fatalf("after a failure: %v", err)
	}
	again, err := c.deploy(t.Context(), name, bucketTemplate, nil)
	if err != nil || again["Bucket"] == "" || again["Bucket"] != made["Bucket"] {
		t.Errorf("the same again: %v, then %v, %v", made, again, err)
	}
	if exists, err := c.HasStack(t.Context(), name); err != nil || !exists {
		t.Errorf("HasStack: %v, %v", exists, err)
	}
	if exists, err := c.HasStack(t.Context(), name+"-other"); err != nil || exists {
		t.Errorf("HasStack of another: %v, %v", exists, err)
	}
}

// The control plane's stack has one name, so one test walks through all that needs it.
func TestControlPlane(t *testing.T) {
	t.Parallel()
	c := setup(t)
	plane, err := c.ControlPlane(t.Context(), "http://localhost:8080/")
	if err != nil {
		t.Fatal(err)
	}
	const email, password = "owner@earshot.example", "E0123456789abcdef"
	for range 2 { // each start does the same
		if err := c.Owner(t.Context(), plane.PoolID, email, password); err != nil {
			t.Fatal(err)
		}
	}
	token, err := c.Token(t.Context(), plane.ClientID, email, password)
	if err != nil || strings.Count(token, ".") != 2 {
		t.Errorf("token %q, %v", token, err)
	}
	if _, err := c.Token(t.Context(), plane.ClientID, email, password+"x"); err == nil {
		t.Error("a wrong password was accepted")
	}
	key, err := c.Key(t.Context(), plane.WorkerUser, AccessKey{})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Key(t.Context(), plane.WorkerUser, key); err != nil || again != key {
		t.Errorf("a good key was replaced: %v", err)
	}
	wrong := AccessKey{ID: key.ID, Secret: strings.Repeat("x", len(key.Secret))}
	if again, err := c.Key(t.Context(), plane.WorkerUser, wrong); err != nil || again == wrong || again.ID == key.ID {
		t.Errorf("a key that signs nothing was kept: %v", err)
	}
}

// The cell's stack has one name too.
func TestCell(t *testing.T) {
	t.Parallel()
	c := setup(t)
	artifacts := testenv.Artifacts(t)
	search := testenv.OpenSearch(t)
	config := CellConfig{
		Host: "localhost:4566", Architecture: "amd64", ExternalID: "0123456789abcdef", WorkerPrincipalARN: "arn:aws:iam::000000000000:user/earshotops-worker",
		GatewayHost: "localhost:8081",
		Search:      Search{Endpoint: search.URL, CAPem: search.CAPem, Username: search.Username, Password: search.Password},
	}
	made := bundle.Bundle{Version: filepath.Base(artifacts), Dir: artifacts}
	first, err := c.Cell(t.Context(), config, made)
	if err != nil {
		t.Fatal(err)
	}
	if first.WorkerRoleARN == "" || first.ArtifactBucket == "" {
		t.Errorf("it lacks outputs: %+v", first)
	}
	if again, err := c.Cell(t.Context(), config, made); err != nil || again != first {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	config.Search.Password = "changed"
	if again, err := c.Cell(t.Context(), config, made); err != nil || again != first {
		t.Errorf("with another password: %+v, %v", again, err)
	}
	config.RTCScript = filepath.Join(t.TempDir(), "connect-rtc.js")
	if err := os.WriteFile(config.RTCScript, []byte("library"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cell(t.Context(), config, made); err != nil {
		t.Fatal(err)
	}
	stack, err := c.describe(t.Context(), CellStack)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range stack.Parameters {
		if pinned := *p.ParameterValue; *p.ParameterKey == "RtcScriptSha256" {
			if _, err := c.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &first.ArtifactBucket, Key: aws.String("rtc/" + pinned + ".js")}); err != nil || len(pinned) != 64 {
				t.Errorf("the library of hash %q: %v", pinned, err)
			}
			return
		}
	}
	t.Error("the cell knows of no library")
}
