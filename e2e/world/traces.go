package world

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Traces lists what each store has of a tenant, by the kind of thing. It asks each store itself, as root and as search's
// administrator, for everything that it has.
func (w *World) Traces(t *testing.T, s slug.Slug) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	add := func(kind string, names []string, isOfTenant func(string) bool) {
		for _, name := range names {
			if isOfTenant(name) {
				found[kind] = append(found[kind], name)
			}
		}
		slices.Sort(found[kind])
	}
	begins := func(prefix string) func(string) bool {
		return func(name string) bool { return strings.HasPrefix(name, prefix) }
	}
	is := func(whole string) func(string) bool { return func(name string) bool { return name == whole } }
	for kind, list := range w.inAWS(t, s) {
		switch kind {
		case "stack", "pool", "api":
			add(kind, list, is(s.StackName()))
		case "secret":
			add(kind, list, begins(s.SecretPrefix()))
		case "log group":
			add(kind, list, begins(s.LogGroupPrefix()))
		case "site":
			add(kind, list, is("Earshot softphone of "+string(s)))
		case "tagged":
			add(kind, list, func(string) bool { return true })
		default:
			add(kind, list, begins(s.ResourcePrefix()))
		}
	}
	space := regexp.MustCompile(`^\.kibana_-?\d+_` + string(s) + `(_\d+)?$`)
	for kind, names := range w.inSearch(t) {
		switch kind {
		case "index":
			add(kind, names, begins(string(s)+"-"))
			add("index of the space", names, space.MatchString)
		case "space":
			add(kind, names, is(s.Space()))
		default:
			add(kind, names, begins(s.ResourcePrefix()))
		}
	}
	maps.DeleteFunc(found, func(_ string, names []string) bool { return len(names) == 0 })
	return found
}

// inSearch lists everything there is in search.
func (w *World) inSearch(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for kind, path := range map[string]string{
		"index": "/_all/_settings?expand_wildcards=all", "search role": "/_plugins/_security/api/roles", "role mapping": "/_plugins/_security/api/rolesmapping",
		"search user": "/_plugins/_security/api/internalusers", "space": "/_plugins/_security/api/tenants",
	} {
		_, raw := w.Search(t.Context(), t, http.MethodGet, path, nil)
		found[kind] = slices.Collect(maps.Keys(Decode(t, raw)))
	}
	_, raw := w.Search(t.Context(), t, http.MethodGet, "/_index_template/*", nil)
	templates, _ := Decode(t, raw)["index_templates"].([]any)
	for _, one := range templates {
		found["index template"] = append(found["index template"], Member(one.(map[string]any), "name").(string))
	}
	return found
}

// inAWS lists everything there is in the emulator.
func (w *World) inAWS(t *testing.T, s slug.Slug) map[string][]string {
	t.Helper()
	root, ctx := w.AWS(), t.Context()
	found := map[string][]string{}
	add := func(kind string, name *string) { found[kind] = append(found[kind], aws.ToString(name)) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stacks, err := cloudformation.NewFromConfig(root).DescribeStacks(ctx, nil)
	must(err)
	for _, one := range stacks.Stacks {
		add("stack", one.StackName)
	}
	buckets, err := S3(root).ListBuckets(ctx, nil)
	must(err)
	for _, one := range buckets.Buckets {
		add("bucket", one.Name)
	}
	secrets, err := secretsmanager.NewFromConfig(root).ListSecrets(ctx, &secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true), MaxResults: aws.Int32(100)})
	must(err)
	for _, one := range secrets.SecretList {
		add("secret", one.Name)
	}
	queues, err := sqs.NewFromConfig(root).ListQueues(ctx, nil)
	must(err)
	for _, one := range queues.QueueUrls {
		add("queue", aws.String(one[strings.LastIndex(one, "/")+1:]))
	}
	groups, err := cloudwatchlogs.NewFromConfig(root).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(s.LogGroupPrefix())})
	must(err)
	for _, one := range groups.LogGroups {
		add("log group", one.LogGroupName)
	}
	pools, err := cognitoidentityprovider.NewFromConfig(root).ListUserPools(ctx, &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	must(err)
	for _, one := range pools.UserPools {
		add("pool", one.Name)
	}
	functions, err := lambda.NewFromConfig(root).ListFunctions(ctx, nil)
	must(err)
	for _, one := range functions.Functions {
		add("function", one.FunctionName)
	}
	sources, err := lambda.NewFromConfig(root).ListEventSourceMappings(ctx, nil)
	must(err)
	for _, one := range sources.EventSourceMappings {
		arn := aws.ToString(one.FunctionArn)
		add("event source", aws.String(arn[strings.LastIndex(arn, ":")+1:]))
	}
	roles, err := iam.NewFromConfig(root).ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	must(err)
	for _, one := range roles.Roles {
		add("role", one.RoleName)
	}
	tagged, err := resourcegroupstaggingapi.NewFromConfig(root).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters: []types.TagFilter{{Key: aws.String("earshot:tenant"), Values: []string{string(s)}}},
	})
	must(err)
	for _, one := range tagged.ResourceTagMappingList {
		add("tagged", one.ResourceARN)
	}
	w.unclad(t, add)
	return found
}

// unclad lists what there is no client for here.
func (w *World) unclad(t *testing.T, add func(kind string, name *string)) {
	t.Helper()
	var apis struct{ Item, Items []struct{ Name string } }
	if err := json.Unmarshal(w.Signed(t, "apigateway", http.MethodGet, "/restapis?limit=500", nil), &apis); err != nil {
		t.Fatal(err)
	}
	for _, one := range append(apis.Item, apis.Items...) {
		add("api", &one.Name)
	}
	for kind, list := range map[string]struct{ service, path, name string }{
		"site":  {"cloudfront", "/2020-05-31/distribution?MaxItems=1000", "Comment"},
		"alarm": {"monitoring", "/?Action=DescribeAlarms&Version=2010-08-01&MaxRecords=100", "AlarmName"},
	} {
		answer := string(w.Signed(t, list.service, http.MethodGet, list.path, nil))
		for _, name := range regexp.MustCompile(`<`+list.name+`>([^<]*)</`).FindAllStringSubmatch(answer, -1) {
			add(kind, &name[1])
		}
	}
}
