package stacks_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/directories"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

const connectARN = "arn:aws:connect:eu-west-2:111122223333:instance/"

// customer makes what a customer makes, in an account of their own, and returns the role.
func (a *account) customer(t *testing.T, instanceARN, directoryRole, externalID, name string) string {
	t.Helper()
	template, err := os.ReadFile("../../infra/customer-connect.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own := testenv.AWSAs(t, "111122223333", "test")
	own.Region = "eu-west-2"
	client := cloudformation.NewFromConfig(own)
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(string(template)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Parameters: parametersOf(map[string]string{"InstanceArn": instanceARN, "DirectoryPrincipalArn": directoryRole, "ExternalId": externalID}),
	}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client)
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range stack.Stacks[0].Outputs {
		if *o.OutputKey == "DirectoryRoleArn" {
			return *o.OutputValue
		}
	}
	t.Fatal("the customer's stack has no role")
	return ""
}

// The real function of a real stack, as its role, reads two instances in the customer's account, through roles that the
// customer made; one whose role asks for another external id is refused, named, and the other's directory is there.
//
// It runs beside no other test: the emulator's accounts share the processes of functions of one name.
func TestDirectoryIsReadInTheCustomersAccount(t *testing.T) {
	artifacts := testenv.Artifacts(t)
	connect := fakeconnect.New()
	server := httptest.NewServer(connect)
	t.Cleanup(server.Close)
	a := newAccount(t)
	a.useSearch(t)
	a.parameters["ConnectEndpointUrl"] = server.URL
	a.deploy(t, filepath.Base(artifacts), func() { a.putFolder(t, artifacts) })
	of := stacks.New(cellaws.New(a.worker), stacks.Options{Calls: 1000})
	acme := someTenant(t)
	acme.Slug, acme.ExternalID = testenv.Slug(t), "KDPQ3MSEKDPQ3MSEKDPQ3MSEKD"
	view := a.make(t, of, acme, "create-1")

	acme.ConnectInstances = nil
	for alias, row := range map[string]struct{ id, externalID string }{
		"berlin": {"0a1b2c3d-0000-4000-8000-00000000acb1", acme.ExternalID}, "leeds": {"0a1b2c3d-0000-4000-8000-00000000acb2", "ABCDEFGHABCDEFGHABCDEFGHAB"},
	} {
		arn := connectARN + row.id
		if err := connect.SetInstance(arn, 30); err != nil {
			t.Fatal(err)
		}
		acme.ConnectInstances = append(acme.ConnectInstances, tenant.ConnectInstance{
			Alias: alias, ARN: arn, Region: "eu-west-2", CCPURL: "https://" + alias + ".my.connect.aws/ccp-v2",
			DirectoryRoleARN: a.customer(t, arn, view.Outputs["DirectoryRoleArn"], row.externalID, string(acme.Slug)+"-"+alias),
		})
	}
	acme.Stack.ID, acme.Stack.ArtifactVersion = view.ID, view.ArtifactVersion
	if changed, err := of.Update(t.Context(), a.cell, acme, "update-1"); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	a.settle(t, of, acme)

	a.lookAt(t, acme, connect)
	asked := time.Now()
	if err := directories.NewReader(cellaws.New(a.worker)).Read(t.Context(), a.cell, acme.Slug, "berlin"); err != nil {
		t.Fatalf("the worker asks for a reading: %v", err)
	}
	a.awaitReading(t, view.Outputs["DataBucket"], "berlin", asked)

	answer, err := lambda.NewFromConfig(a.root).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(acme.Slug.FunctionName("agent-directory")), Payload: []byte(`{}`),
	})
	if err != nil || answer.FunctionError != nil {
		t.Fatalf("%s, %v", answer.Payload, err)
	}
	var said struct{ Runs []agents.Status }
	if err := json.Unmarshal(answer.Payload, &said); err != nil || len(said.Runs) != 2 {
		t.Fatalf("%s, %v", answer.Payload, err)
	}
	codes := map[string]string{}
	for _, run := range said.Runs {
		codes[run.Alias] = run.Code
		kept, err := agents.ParseStatus(a.read(t, view.Outputs["DataBucket"], agents.StatusKey(run.Alias)))
		if err != nil || kept != run {
			t.Errorf("kept %+v, answered %+v, %v", kept, run, err)
		}
	}
	if codes["berlin"] != "" || codes["leeds"] != agents.ErrRoleRefused.Code {
		t.Errorf("codes %v", codes)
	}
	d, err := agents.Parse(a.read(t, view.Outputs["DataBucket"], agents.ObjectKey("berlin")))
	if err != nil {
		t.Fatal(err)
	}
	if mira, known := d.Find("mira.holm"); !known || mira.HierarchyL5 == "" {
		t.Errorf("mira.holm: %+v, %v", mira, known)
	}
	for _, call := range connect.Calls() {
		if !call.IsSession || call.InstanceID == "0a1b2c3d-0000-4000-8000-00000000acb2" {
			t.Errorf("asked %+v", call)
		}
	}
}

// lookAt looks at both instances' setup as the control plane does, by the real function, before and after the customer has approved
// the softphone's origin.
func (a *account) lookAt(t *testing.T, acme tenant.Tenant, connect *fakeconnect.Connect) {
	t.Helper()
	checker := directories.NewChecker(directories.CheckerConfig{
		Cells: cellaws.New(a.worker), Timeout: time.Minute, Log: slog.New(slog.DiscardHandler),
		Cell: func(context.Context, string) (tenant.Cell, error) { return a.cell, nil },
	})
	acme.URLs.Softphone = "https://d111111abcdef8.cloudfront.net"
	for _, approved := range []bool{false, true} {
		for _, instance := range acme.ConnectInstances {
			want := map[string]tenant.SetupState{tenant.SetupDirectoryRole: tenant.SetupNotDone, tenant.SetupApprovedOrigin: tenant.SetupUnknown}
			if instance.Alias == "berlin" {
				want = map[string]tenant.SetupState{tenant.SetupDirectoryRole: tenant.SetupDone, tenant.SetupApprovedOrigin: tenant.SetupNotDone}
				if approved {
					want[tenant.SetupApprovedOrigin] = tenant.SetupDone
				}
			}
			for _, item := range checker.Setup(t.Context(), acme, instance).Items {
				if state, isAsked := want[item.Item]; isAsked && item.State != state {
					t.Errorf("%s, approved %v: %+v, want %s", instance.Alias, approved, item, state)
				}
			}
			if err := connect.SetOrigins(instance.ARN, []string{acme.URLs.Softphone}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// awaitReading waits for what a reading of an instance's directory came to that began after an instant.
func (a *account) awaitReading(t *testing.T, bucket, alias string, after time.Time) {
	t.Helper()
	client := s3.NewFromConfig(a.root, func(o *s3.Options) { o.UsePathStyle = true })
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	giveUp := time.NewTimer(2 * time.Minute)
	defer giveUp.Stop()
	for {
		select {
		case <-giveUp.C:
			t.Fatalf("no reading of %s after %s", alias, after)
		case <-look.C:
		}
		if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String(agents.StatusKey(alias))}); err != nil {
			continue // there is none yet
		}
		status, err := agents.ParseStatus(a.read(t, bucket, agents.StatusKey(alias)))
		if err != nil {
			t.Fatal(err)
		}
		if status.StartedAt.After(after) {
			return
		}
	}
}

func (a *account) read(t *testing.T, bucket, key string) []byte {
	t.Helper()
	client := s3.NewFromConfig(a.root, func(o *s3.Options) { o.UsePathStyle = true })
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Body.Close() }() // read only
	text, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
