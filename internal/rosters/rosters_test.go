package rosters_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/rosters"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// deploy makes a stack with literal outputs, and returns its id.
func deploy(t *testing.T, config aws.Config, name, template string) (id string, outputs map[string]string) {
	t.Helper()
	client := cloudformation.NewFromConfig(config)
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	outputs = map[string]string{}
	for _, o := range stack.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return *stack.Stacks[0].StackId, outputs
}

func TestTheGatewayReadsWhatTheWorkerWrites(t *testing.T) {
	t.Parallel()
	config, s := testenv.AWS(t), testenv.Slug(t)
	cellName := "cell-" + s.String()
	_, outputs := deploy(t, config, cellName, `{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"ArtifactBucket": {"Value": {"Ref": "B"}}}}`)
	stack, _ := deploy(t, config, s.StackName(), `{"Resources": {"P": {"Type": "AWS::Cognito::UserPool"}}, "Outputs": {"UserPoolId": {"Value": {"Ref": "P"}},
		"UserPoolClientId": {"Value": "client"}, "ReaderRoleArn": {"Value": "arn:reader"}, "SearchEndpoint": {"Value": "https://search"}}}`)
	cell := tenant.Cell{Name: cellName, Region: testenv.Region, StackName: cellName}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	publisher := rosters.NewPublisher(cellaws.New(config), key)
	reader := rosters.NewReader(config, outputs["ArtifactBucket"], key.Public().(ed25519.PublicKey))
	acme := tenant.Tenant{
		ID: "0a1b2c3d-0000-4000-8000-00000000acbe", Slug: s, DisplayName: "Acme", State: tenant.Active, Version: 1, Stack: tenant.Stack{ID: stack},
	}
	pending := tenant.Tenant{ID: acme.ID, Slug: "pending", State: tenant.Provisioning, Stack: tenant.Stack{ID: stack}}

	if err := publisher.Publish(t.Context(), cell, []tenant.Tenant{acme, pending}); err != nil {
		t.Fatal(err)
	}
	first, err := reader.Read(t.Context())
	if err != nil || len(first.Tenants) != 1 {
		t.Fatalf("%+v (%v)", first, err)
	}
	if got := first.Tenants[0]; got.Slug != s || got.ExternalID != "0a1b2c3d00004000800000000000acbe" || got.ClientID != "client" || got.UserPoolID == "" ||
		got.ReaderRoleARN != "arn:reader" || got.SearchEndpoint != "https://search" || got.State != "active" || got.DisplayName != "Acme" {
		t.Errorf("%+v", got)
	}
	if err := publisher.Publish(t.Context(), cell, []tenant.Tenant{acme}); err != nil {
		t.Fatal(err)
	}
	if same, err := reader.Read(t.Context()); err != nil || !same.MadeAt.Equal(first.MadeAt) {
		t.Errorf("a list that has not changed is written anew: %+v (%v)", same, err)
	}
	acme.State, acme.Version = tenant.Deleting, 2
	if err := publisher.Publish(t.Context(), cell, []tenant.Tenant{acme}); err != nil {
		t.Fatal(err)
	}
	if gone, err := reader.Read(t.Context()); err != nil || len(gone.Tenants) != 0 {
		t.Errorf("a tenant that goes is listed: %+v (%v)", gone, err)
	}
	stranger := rosters.NewReader(config, outputs["ArtifactBucket"], ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize)).Public().(ed25519.PublicKey))
	if _, err := stranger.Read(t.Context()); !errors.Is(err, roster.ErrForged) {
		t.Errorf("a list that another has signed: %v", err)
	}
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := outputs["ArtifactBucket"]
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(roster.Key), Body: bytes.NewReader([]byte("{}"))}); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(t.Context()); !errors.Is(err, roster.ErrForged) {
		t.Errorf("a list that a stranger has written: %v", err)
	}
}
