package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	opensearchservice "github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/s3conn"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// world is a handler on the real search and the emulator, and a tenant with its two secrets.
type world struct {
	slug    slug.Slug
	handler *Handler
	secrets map[string]string // ARN by user
}

func setup(t *testing.T) *world {
	t.Helper()
	search := testenv.OpenSearch(t)
	admin := searchtenant.New(search.As(t, "", ""), searchtenant.Options{
		HasUsers: true, Patience: 5 * time.Minute, Lease: 30 * time.Second, Pause: 20 * time.Millisecond,
	})
	account := testenv.AWS(t)
	secrets := secretsmanager.NewFromConfig(account)
	access := &Access{
		Admin: func(context.Context, Place) (*searchtenant.Admin, error) { return admin, nil },
		Secret: func(ctx context.Context, arn string) (searchconn.Credentials, error) {
			return searchconn.ReadCredentials(ctx, secrets, arn)
		},
	}
	w := &world{slug: testenv.Slug(t), secrets: map[string]string{}, handler: &Handler{
		Provider: customresource.Provider{Suffix: "search", Apply: access.Apply},
		Holding:  func(context.Context, slug.Slug) ([]Search, error) { return []Search{{Admin: admin}}, nil },
		Eraser: &Eraser{
			Account: account,
			Stacks:  cloudformation.NewFromConfig(account), Buckets: s3conn.Open(account), Queues: sqs.NewFromConfig(account),
			Holding: func(context.Context, slug.Slug) ([]Search, error) { return []Search{{Admin: admin}}, nil }, ChunkTime: 5 * time.Second, HideTime: 8 * time.Second,
		},
		Leftovers: &Leftovers{
			Searches: []Search{{Admin: admin}}, Domains: Domains{Client: opensearchservice.NewFromConfig(account)},
			Stacks: cloudformation.NewFromConfig(account), Buckets: s3conn.Open(account),
			Logs: cloudwatchlogs.NewFromConfig(account), Secrets: secrets,
		},
	}}
	for user, name := range map[string]string{w.slug.WriterRole(): "writer", w.slug.ReaderRole(): "reader"} {
		made, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String(w.slug.SecretPrefix() + name), SecretString: aws.String(`{"username":"` + user + `","password":"of the ` + name + `"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.secrets[name] = *made.ARN
	}
	return w
}

func (w *world) event(kind cfn.RequestType, answerTo string) cfn.Event {
	role := "arn:aws:iam::000000000000:role/" + w.slug.ResourcePrefix()
	return cfn.Event{
		RequestType: kind, RequestID: "r", ResponseURL: answerTo, LogicalResourceID: "Search", ResourceType: "Custom::SearchTenant",
		StackID: "arn:aws:cloudformation:eu-central-1:000000000000:stack/" + w.slug.StackName() + "/1",
		ResourceProperties: map[string]any{
			"ServiceToken": "arn:x", "Slug": w.slug.String(), "Endpoint": "", "ArtifactVersion": "v1",
			"WriterPrincipal": role + "indexer", "ReaderPrincipal": role + "reader", "EditorPrincipal": role + "editor",
			"WriterSecretArn": w.secrets["writer"], "ReaderSecretArn": w.secrets["reader"],
		},
	}
}

// ask sends a custom-resource request and returns CloudFormation's answer.
func (w *world) ask(t *testing.T, kind cfn.RequestType, change func(map[string]any)) cfn.Response {
	t.Helper()
	var answer cfn.Response
	cloud := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
	}))
	defer cloud.Close()
	event := w.event(kind, cloud.URL)
	if change != nil {
		change(event.ResourceProperties)
	}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.handler.Handle(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	return answer
}

func (w *world) direct(t *testing.T, action string) ([]string, error) {
	t.Helper()
	answer, err := w.handler.Handle(t.Context(), json.RawMessage(`{"action":"`+action+`","slug":"`+w.slug.String()+`"}`))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil || !strings.HasPrefix(string(text), `{"left":[`) {
		t.Fatalf("answered %s, %v", text, err)
	}
	return answer.(Answer).Left, nil
}

func TestALifeOfATenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate} {
		if got := w.ask(t, kind, nil); got.Status != cfn.StatusSuccess || got.PhysicalResourceID != w.slug.StackName()+"/search" {
			t.Fatalf("%s: %+v", kind, got)
		}
	}
	bucket := w.slug.ResourcePrefix() + "databucket-x"
	if _, err := w.handler.Leftovers.Buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	}); err != nil {
		t.Fatal(err)
	}
	group := w.slug.LogGroupPrefix() + "probe"
	if _, err := w.handler.Leftovers.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		t.Fatal(err)
	}
	provisionTells(t, w)
	left, err := w.direct(t, "sweep")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"search access roles/" + w.slug.WriterRole(), "search access internalusers/" + w.slug.ReaderRole(), "index template ",
		"index .kibana_", "bucket " + bucket, "log group " + group, "secret " + w.slug.SecretPrefix() + "writer",
	} {
		if !strings.Contains(strings.Join(left, "\n"), want) {
			t.Errorf("%q is not among %q", want, left)
		}
	}
	if got := w.ask(t, cfn.RequestDelete, nil); got.Status != cfn.StatusSuccess {
		t.Fatalf("delete: %+v", got)
	}
	for range 2 {
		if left, err := w.direct(t, "purge"); err != nil || len(left) != 0 {
			t.Fatalf("purge: %q, %v", left, err)
		}
	}
	for name, arn := range w.secrets { // the stack's part
		if _, err := w.handler.Leftovers.Secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{
			SecretId: &arn, ForceDeleteWithoutRecovery: aws.Bool(true),
		}); err != nil {
			t.Fatal(name, err)
		}
	}
	if left, err := w.direct(t, "sweep"); err != nil || len(left) != 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

// provisionTells asks for the space that the stack's request has made already.
func provisionTells(t *testing.T, w *world) {
	t.Helper()
	answer, err := w.handler.Handle(t.Context(), json.RawMessage(`{"action":"provision","slug":"`+w.slug.String()+`","restore":true}`))
	report, isReport := answer.(savedobjects.Report)
	if err != nil || !isReport || report.Managed == 0 || len(report.Created) != report.Managed || len(report.Conflicts)+len(report.Deleted) != 0 {
		t.Errorf("provision: %+v, %v", answer, err)
	}
	if answer, err := w.handler.Handle(t.Context(), json.RawMessage(`{"action":"provision","slug":"nosuchtenant"}`)); !errors.Is(err, searchtenant.ErrNoTenant) {
		t.Errorf("provision of nobody: %+v, %v", answer, err)
	}
}

func TestPurgeSparesATenantThatLives(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stacks := w.handler.Leftovers.Stacks
	_, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName:    aws.String(w.slug.StackName()),
		TemplateBody: aws.String(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		_, _ = stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: aws.String(w.slug.StackName())})
	})
	if _, err := w.direct(t, "purge"); !errors.Is(err, errStackLives) {
		t.Errorf("got %v", err)
	}
}

func TestAStackCannotGrantBeyondItsTenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const foreignRole = "arn:aws:iam::000000000000:role/earshot-beta-reader"
	for name, test := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"another tenant's role": {func(p map[string]any) { p["ReaderPrincipal"] = foreignRole }, "not one of the tenant's"},
		"no role":               {func(p map[string]any) { p["EditorPrincipal"] = "" }, "not one of the tenant's"},
		"another tenant's secret": {func(p map[string]any) {
			p["WriterSecretArn"] = "arn:aws:secretsmanager:x:0:secret:earshot/beta/writer-x"
		}, "not one of the tenant's"},
		"the administrator's": {func(p map[string]any) { p["WriterSecretArn"] = "arn:aws:secretsmanager:x:0:secret:search-admin" }, "not one of the tenant's"},
		"the other user's":    {func(p map[string]any) { p["WriterSecretArn"] = w.secrets["reader"] }, "another user's"},
		"a newer template":    {func(p map[string]any) { p["Quota"] = "1" }, "Quota"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.ask(t, cfn.RequestCreate, test.change)
			if got.Status != cfn.StatusFailed || !strings.Contains(got.Reason, test.want) {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestEventsOfNoKnownShape(t *testing.T) {
	t.Parallel()
	h := &Handler{}
	for _, event := range []string{
		``, `null`, `[]`, `{}`, `"purge"`, `{"action":"purge"}`, `{"action":"purge","slug":"*"}`, `{"action":"purge","slug":"Acme"}`,
		`{"action":"expire","slug":"acme"}`, `{"action":"expire","slug":"acme","retention_days":0}`, `{"action":"expire","slug":"acme","retention_days":3651}`,
		`{"action":"expire","slug":"acme","retention_days":-1}`, `{"action":"expire","slug":"*","retention_days":1}`,
		`{"action":"expire","slug":"acme,beta","retention_days":1}`, `{"action":"expire","slugs":["acme"],"retention_days":1}`,
		`{"action":"expire","slug":"acme","retention_days":1,"now":"2099-01-01T00:00:00Z"}`, `{"action":"purge","slug":"acme","retention_days":1}`,
		`{"action":"sweep","slug":"acme","indices":["acme-apimetric-2020"]}`, `{"action":"volume","slug":"*"}`, `{"action":"volume","slug":"acme","kind":"apimetric"}`,
		`{"action":"provision","slug":"*"}`, `{"action":"provision","slug":"acme","restore":"all"}`, `{"action":"provision","slug":"acme","templates":[]}`,
		`{"action":"drop","slug":"acme"}`, `{"action":"purge","slug":"acme","force":true}`, `{"action":"purge","slug":"admin"}`,
	} {
		if answer, err := h.Handle(t.Context(), json.RawMessage(event)); err == nil {
			t.Errorf("%s was answered %v", event, answer)
		}
	}
}

// An expire says what is due, deletes of that what it is told to, and nothing else, whatever it is told.
func TestExpire(t *testing.T) {
	t.Parallel()
	w := setup(t)
	search, client := testenv.OpenSearch(t), testenv.OpenSearch(t).Client(t)
	do := func(method, path string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, search.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(search.Username, search.Password)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(method, path, answer.StatusCode, string(text), err)
		}
		return string(text)
	}
	now := time.Now().UTC()
	old, young := w.slug.Index("apimetric", now.AddDate(0, 0, -92).Format("2006.01.02")), w.slug.Index("apimetric", now.AddDate(0, 0, -90).Format("2006.01.02"))
	for _, name := range []string{old, young} {
		do(http.MethodPut, "/"+name)
	}
	ask := func(named ...string) []string {
		t.Helper()
		text, err := json.Marshal(map[string]any{"action": "expire", "slug": w.slug, "retention_days": 90, "indices": named})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := w.handler.Handle(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return answer.(Expired).Indices
	}
	if due := ask(); !slices.Equal(due, []string{old}) {
		t.Errorf("due are %v, want %s", due, old)
	}
	if due := ask(); !slices.Equal(due, []string{old}) {
		t.Errorf("asking deleted something: due are %v", due)
	}
	if gone := ask(young, old, "*"); !slices.Equal(gone, []string{old}) {
		t.Errorf("deleted %v, want %s", gone, old)
	}
	if left := do(http.MethodGet, "/_cat/indices/"+w.slug.IndexPattern()+"?h=index"); strings.TrimSpace(left) != young {
		t.Errorf("left is %s, want %s", left, young)
	}
}
