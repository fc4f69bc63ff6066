package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/slug"
)

// belongings are what a tenant has in AWS.
type belongings struct {
	slug    slug.Slug
	id      string            // the tenant's, which the gateway says at the door of a role
	outputs map[string]string // of its stack
	list    string            // the cell's bucket, where the gateway's list of tenants is
}

func (b belongings) role(what string) string { return b.slug.ResourcePrefix() + what }

// A deed is one call of AWS about one tenant. Whoever may not do it gets AccessDenied; done by the right one, it succeeds and
// changes nothing that matters.
type deed func(ctx context.Context, as aws.Config, of belongings) error

func none[T any](_ T, err error) error { return err }

const (
	shelf   = "directory/agents.json" // the one folder that pushers read
	lastRun = "directory/main.status.json"

	archived = "archive/apimetric/2020-01-01T00/x"
)

var deeds = map[string]deed{
	"send": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(of.outputs["QueueUrl"]), MessageBody: aws.String("noise")}))
	},
	"receive": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(of.outputs["QueueUrl"])}))
	},
	"see the queue": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(of.outputs["QueueUrl"])}))
	},
	"purge the queue": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String(of.outputs["QueueUrl"])}))
	},
	"set aside": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(of.outputs["DeadLetterQueueUrl"]), MessageBody: aws.String("noise")}))
	},
	"ask for a summary": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(of.outputs["SummaryQueueUrl"]), MessageBody: aws.String("noise")}))
	},
	"take a request": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(of.outputs["SummaryQueueUrl"])}))
	},
	"read dead letters": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(sqs.NewFromConfig(as).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(of.outputs["DeadLetterQueueUrl"])}))
	},
	"read the directory": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(of.outputs["DataBucket"]), Key: aws.String(shelf)}))
	},
	"write the directory": func(ctx context.Context, as aws.Config, of belongings) error {
		return put(ctx, as, of.outputs["DataBucket"], shelf)
	},
	"read the archive": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(of.outputs["DataBucket"]), Key: aws.String(archived)}))
	},
	"list the archive": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(of.outputs["DataBucket"]), Prefix: aws.String("archive/apimetric/")}))
	},
	"write to the archive": func(ctx context.Context, as aws.Config, of belongings) error {
		return put(ctx, as, of.outputs["DataBucket"], archived)
	},
	"read other data": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(of.outputs["DataBucket"]), Key: aws.String("other/x")}))
	},
	"see the directory's last run": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(of.outputs["DataBucket"]), Key: aws.String(lastRun)}))
	},
	"write other data": func(ctx context.Context, as aws.Config, of belongings) error {
		return put(ctx, as, of.outputs["DataBucket"], "other/x")
	},
	"list data": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(of.outputs["DataBucket"])}))
	},
	"delete data": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(of.outputs["DataBucket"]), Key: aws.String("archive/nothing")}))
	},
	"change the site": func(ctx context.Context, as aws.Config, of belongings) error {
		return put(ctx, as, of.outputs["SiteBucket"], "site.js")
	},
	"list buckets": func(ctx context.Context, as aws.Config, _ belongings) error {
		return none(world.S3(as).ListBuckets(ctx, nil))
	},
	"the writer's password": func(ctx context.Context, as aws.Config, of belongings) error {
		return password(ctx, as, of.slug.SecretPrefix()+"writer")
	},
	"the reader's password": func(ctx context.Context, as aws.Config, of belongings) error {
		return password(ctx, as, of.slug.SecretPrefix()+"reader")
	},
	"search's password": func(ctx context.Context, as aws.Config, _ belongings) error {
		return password(ctx, as, "earshotops/search-admin")
	},
	"list secrets": func(ctx context.Context, as aws.Config, _ belongings) error {
		return none(secretsmanager.NewFromConfig(as).ListSecrets(ctx, nil))
	},
	"invoke the probe": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, of.slug.FunctionName("probe"), `{"call_id":"00000000-0000-4000-8000-000000000000"}`)
	},
	"invoke the resend function": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, of.slug.FunctionName("resend"), `{"redrive":{"before":"2020-01-01T00:00:00Z"}}`)
	},
	"have a directory read": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, of.slug.FunctionName("agent-directory"), `{"alias":"nobody's"}`)
	},
	"invoke the indexer": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, of.slug.FunctionName("indexer"), `{"Records":[]}`)
	},
	"invoke a pusher": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, of.slug.FunctionName("callreport-pusher"), `{}`)
	},
	"sweep": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, "earshotops-search-tenant", `{"action":"sweep","slug":"`+string(of.slug)+`"}`)
	},
	"export a space": func(ctx context.Context, as aws.Config, of belongings) error {
		return invoke(ctx, as, "earshotops-spaces", `{"action":"export","slug":"`+string(of.slug)+`"}`)
	},
	"see a function's settings": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(lambda.NewFromConfig(as).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(of.slug.FunctionName("indexer"))}))
	},
	"change a function": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(lambda.NewFromConfig(as).UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(of.slug.FunctionName("probe")), Description: aws.String("changed by a stranger"),
		}))
	},
	"see the stack": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(cloudformation.NewFromConfig(as).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(of.slug.StackName())}))
	},
	"see the control plane's stack": func(ctx context.Context, as aws.Config, _ belongings) error {
		return none(cloudformation.NewFromConfig(as).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("earshotops-control-plane")}))
	},
	"make a stack of another name": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(cloudformation.NewFromConfig(as).CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: aws.String("stranger-" + string(of.slug)), TemplateBody: aws.String(`{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}`),
		}))
	},
	// Refused to all of them here: the emulator asks for a group's ARN without the ":*" at its end, which the template's (and
	// AWS's) has. Its functions log past their roles.
	"write a log line": func(ctx context.Context, as aws.Config, of belongings) error {
		_, err := cloudwatchlogs.NewFromConfig(as).PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String(of.slug.LogGroupPrefix() + "indexer"), LogStreamName: aws.String("none"),
			LogEvents: []logtypes.InputLogEvent{{Message: aws.String("noise"), Timestamp: aws.Int64(time.Now().UnixMilli())}},
		})
		if absent := (*logtypes.ResourceNotFoundException)(nil); errors.As(err, &absent) { // it was let in, there is no such stream
			return nil
		}
		return err
	},
	"read logs": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(cloudwatchlogs.NewFromConfig(as).FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(of.slug.LogGroupPrefix() + "indexer")}))
	},
	"list log groups": func(ctx context.Context, as aws.Config, _ belongings) error {
		return none(cloudwatchlogs.NewFromConfig(as).DescribeLogGroups(ctx, nil))
	},
	"list managers": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(cognitoidentityprovider.NewFromConfig(as).ListUsers(ctx, &cognitoidentityprovider.ListUsersInput{UserPoolId: aws.String(of.outputs["UserPoolId"])}))
	},
	"find a manager": func(ctx context.Context, as aws.Config, of belongings) error {
		_, err := cognitoidentityprovider.NewFromConfig(as).AdminGetUser(ctx, &cognitoidentityprovider.AdminGetUserInput{UserPoolId: aws.String(of.outputs["UserPoolId"]), Username: aws.String("nobody@example.com")})
		if absent := (*cognitotypes.UserNotFoundException)(nil); errors.As(err, &absent) { // it was let in, there is no such person
			return nil
		}
		return err
	},
	"sign in as a manager": func(ctx context.Context, as aws.Config, of belongings) error {
		_, err := cognitoidentityprovider.NewFromConfig(as).AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
			UserPoolId: aws.String(of.outputs["UserPoolId"]), Username: aws.String("nobody@example.com"), Password: aws.String("Correct-horse-7"), Permanent: true,
		})
		return err
	},
	"read the list of tenants": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(world.S3(as).GetObject(ctx, &s3.GetObjectInput{Bucket: &of.list, Key: aws.String("gateway/tenants.json")}))
	},
	"ask a pool for its client": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(cognitoidentityprovider.NewFromConfig(as).DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{
			UserPoolId: aws.String(of.outputs["UserPoolId"]), ClientId: aws.String(of.outputs["UserPoolClientId"]),
		}))
	},
	"end a manager's sessions": func(ctx context.Context, as aws.Config, of belongings) error {
		_, err := cognitoidentityprovider.NewFromConfig(as).AdminUserGlobalSignOut(ctx, &cognitoidentityprovider.AdminUserGlobalSignOutInput{
			UserPoolId: aws.String(of.outputs["UserPoolId"]), Username: aws.String("nobody@example.com"),
		})
		if absent := (*cognitotypes.UserNotFoundException)(nil); errors.As(err, &absent) { // it was let in, there is no such person
			return nil
		}
		return err
	},
	"see a role": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(iam.NewFromConfig(as).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(of.role("indexer"))}))
	},
	"change a role": func(ctx context.Context, as aws.Config, of belongings) error {
		return none(iam.NewFromConfig(as).UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: aws.String(of.role("indexer")), Description: aws.String("changed by a stranger")}))
	},
	"list tagged resources": func(ctx context.Context, as aws.Config, _ belongings) error {
		return none(resourcegroupstaggingapi.NewFromConfig(as).GetResources(ctx, nil))
	},
}

func put(ctx context.Context, as aws.Config, bucket, key string) error {
	return none(world.S3(as).PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("{}")}))
}

func password(ctx context.Context, as aws.Config, secret string) error {
	return none(secretsmanager.NewFromConfig(as).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret}))
}

func invoke(ctx context.Context, as aws.Config, function, payload string) error {
	return none(lambda.NewFromConfig(as).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: []byte(payload)}))
}

// identities are who there is, and the deeds that each is there for. All that is not listed is refused.
var identities = map[string]struct {
	become func(*testing.T, *world.World, belongings) aws.Config
	own    []string // of its own tenant
	any    []string // of every tenant
	doors  []string // of every tenant's roles, each with that tenant's own id
}{
	"pushers": {become: roleOf("pushers"), own: []string{"send", "read the directory", "see the directory's last run"}},
	"indexer": {become: roleOf("indexer"), own: []string{
		"receive", "see the queue", "set aside", "ask for a summary", "the writer's password", // and to send again:
		"send", "read dead letters", "read the archive", "list the archive", "write to the archive",
	}},
	"directory": {become: roleOf("directory"), own: []string{"write the directory"}},
	"reader":    {become: roleOf("reader"), own: []string{"send", "take a request", "the reader's password"}},
	"editor":    {become: roleOf("editor")},
	"the worker before it enters a cell": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.Worker(t) },
	},
	"the worker": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.InCell(t) },
		any:    []string{"invoke the probe", "invoke the resend function", "have a directory read", "sweep", "see the stack", "see a role", "list tagged resources", "list log groups"},
	},
	"the admin API before it enters a cell": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.Onlooker(t) },
	},
	"the admin API": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.Looking(t) },
		any:    []string{"see the queue", "see the stack", "read logs", "see the directory's last run"},
	},
	"the worker where it looks at how tenants do": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.WorkerLooking(t) },
		any:    []string{"see the queue", "see the stack", "read logs", "see the directory's last run"},
	},
	"the admin API at customers' setups": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.InSetups(t) },
		any:    []string{"have a directory read"},
	},
	"the admin API at spaces": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.InSpaces(t) },
		any:    []string{"export a space"},
	},
	"the admin API among managers": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.Managing(t) },
		any:    []string{"see the stack", "list managers", "find a manager", "end a manager's sessions"},
	},
	"the gateway": {
		become: func(t *testing.T, w *world.World, _ belongings) aws.Config { t.Helper(); return w.Gateway(t) },
		any:    []string{"read the list of tenants", "ask a pool for its client", "end a manager's sessions"},
		doors:  []string{"reader", "editor"},
	},
}

func roleOf(what string) func(*testing.T, *world.World, belongings) aws.Config {
	return func(t *testing.T, w *world.World, of belongings) aws.Config {
		t.Helper()
		return w.Become(t, of.role(what))
	}
}

// TestAttackAsEachIdentity does every deed, about the own tenant and the neighbour, as each identity that the product has,
// with IAM enforced: what it is there for works, all else is AccessDenied.
func TestAttackAsEachIdentity(t *testing.T) {
	w, tenants := neighbours(t)
	own, other := belongingsOf(t, w, tenants[acme]), belongingsOf(t, w, tenants[acmeeu])
	for _, of := range []belongings{own, other} { // something to find
		for _, key := range []string{shelf, lastRun, archived} {
			if err := put(t.Context(), w.AWS(), of.outputs["DataBucket"], key); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, who := range identities {
		t.Run(name, func(t *testing.T) {
			as := who.become(t, w, own)
			for _, what := range slices.Sorted(maps.Keys(deeds)) {
				mayAny := slices.Contains(who.any, what)
				check(t, what, deeds[what](t.Context(), as, own), mayAny || slices.Contains(who.own, what))
				check(t, what+" (the neighbour's)", deeds[what](t.Context(), as, other), mayAny)
			}
			enter(t, w, as, who.doors, own, other)
		})
	}
	t.Run("who may do anything, but is not whom a door is for", func(t *testing.T) {
		for door, externalID := range map[string]string{
			own.role("editor"): own.id, other.role("editor"): other.id,
			"earshotops-cell-worker":   w.Parameters(t, "earshotops-cell")["ExternalId"],
			"earshotops-cell-health":   w.Parameters(t, "earshotops-cell")["ExternalId"],
			"earshotops-cell-managers": w.Parameters(t, "earshotops-cell")["ExternalId"],
			"earshotops-cell-setups":   w.Parameters(t, "earshotops-cell")["ExternalId"],
			"earshotops-cell-spaces":   w.Parameters(t, "earshotops-cell")["ExternalId"],
		} {
			if _, err := w.Assume(t.Context(), w.AWS(), door, externalID); !world.IsDenied(err) {
				t.Errorf("enter %s with its external id: %v", door, err)
			}
		}
	})
}

func belongingsOf(t *testing.T, w *world.World, tenant world.Tenant) belongings {
	t.Helper()
	s := slug.Slug(tenant.Slug())
	return belongings{slug: s, id: strings.ReplaceAll(tenant["id"].(string), "-", ""), outputs: w.Outputs(t, s.StackName()),
		list: w.Outputs(t, "earshotops-cell")["ArtifactBucket"]}
}

func check(t *testing.T, what string, err error, may bool) {
	t.Helper()
	switch {
	case may && err != nil:
		t.Errorf("%s: %v", what, err)
	case !may && !world.IsDenied(err):
		t.Errorf("%s: %v, want AccessDenied", what, err)
	}
}

// enter tries the doors of all roles, with each external id that there is: only the worker's and the API's own identities get anywhere,
// and the gateway's at its doors, with the id of whom the door is.
func enter(t *testing.T, w *world.World, as aws.Config, open []string, own, other belongings) {
	t.Helper()
	cell := w.Parameters(t, "earshotops-cell")["ExternalId"]
	doors := []string{"earshotops-search-tenant", "earshotops-softphone-site", "earshotops-cell-cloudformation"}
	keys := map[string]string{}
	for _, of := range []belongings{own, other} {
		for _, what := range []string{"pushers", "indexer", "directory", "reader", "editor"} {
			doors = append(doors, of.role(what))
			if slices.Contains(open, what) {
				keys[of.role(what)] = of.id
			}
		}
	}
	customer := w.Parameters(t, own.slug.StackName())["ConnectExternalId"]
	for _, door := range doors {
		for _, externalID := range []string{"", cell, customer, own.id, other.id} {
			key, isOpen := keys[door]
			_, err := w.Assume(t.Context(), as, door, externalID)
			check(t, fmt.Sprintf("enter %s with external id %q", door, externalID), err, isOpen && externalID == key)
		}
	}
	for _, door := range []string{"earshotops-cell-worker", "earshotops-cell-health", "earshotops-cell-managers", "earshotops-cell-spaces", "earshotops-cell-setups"} {
		for _, externalID := range []string{"", "wrong", customer} {
			if _, err := w.Assume(t.Context(), as, door, externalID); !world.IsDenied(err) {
				t.Errorf("enter the cell by %s with external id %q: %v", door, externalID, err)
			}
		}
	}
}

// TestControlPlaneHoldsNoKeyToSearch looks for search's passwords, and for the way there, wherever the control plane keeps
// anything: in its processes' environments and in every row of its database.
func TestControlPlaneHoldsNoKeyToSearch(t *testing.T) {
	w, _ := neighbours(t)
	keys := []string{w.OpenSearch.Password, strings.TrimPrefix(w.OpenSearch.URL, "https://")}
	for _, s := range []slug.Slug{acme, acmeeu} {
		for _, who := range []string{"writer", "reader"} {
			keys = append(keys, w.Password(t, s.SecretPrefix()+who).Password)
		}
	}
	places := rows(t, w)
	for _, process := range []string{"admin", "worker"} {
		environment, err := os.ReadFile("/proc/" + strconv.Itoa(w.Processes[process]) + "/environ")
		if err != nil {
			t.Fatal(err)
		}
		places["the environment of "+process] = string(environment)
	}
	for place, text := range places {
		for _, key := range keys {
			if strings.Contains(text, key) {
				t.Errorf("%s holds a key to search", place)
			}
		}
	}
	if status, _ := w.SearchAs(t.Context(), t, world.Identity{}, http.MethodGet, "/", nil); status != http.StatusUnauthorized {
		t.Errorf("search answers nobody with %d", status)
	}
}

// rows returns the text of every row of the control plane's database, by table.
func rows(t *testing.T, w *world.World) map[string]string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), w.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	names, err := column(t.Context(), db, `select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
		where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		lines, err := column(t.Context(), db, "select t::text from "+name+" t")
		if err != nil {
			t.Fatal(err)
		}
		texts["table "+name] = strings.Join(lines, "\n")
	}
	if !strings.Contains(texts["table public.tenants"], "acme") {
		t.Fatalf("the tables have no tenant; seen: %v", names)
	}
	return texts
}

func column(ctx context.Context, db *pgx.Conn, query string) ([]string, error) {
	found, err := db.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}
