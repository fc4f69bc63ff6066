package infra_test

import (
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/slug"
)

var files = []string{"control-plane.yaml", "cell.yaml", "gateway.yaml", "tenant.yaml", "customer-connect.yaml"}

// A tenant's stack holds nothing that AWS counts or bills per account.
func TestTenantOwnsNothingOfTheCell(t *testing.T) {
	t.Parallel()
	ofTheCell := []string{
		"AWS::ApiGateway::Account", "AWS::ApiGateway::DomainName", "AWS::CloudFront::CachePolicy",
		"AWS::CloudFront::Function", "AWS::CloudFront::KeyGroup", "AWS::CloudFront::OriginAccessControl",
		"AWS::CloudFront::OriginRequestPolicy", "AWS::CloudFront::ResponseHeadersPolicy", "AWS::IAM::Group",
		"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::User", "AWS::KMS::Key",
		"AWS::KinesisFirehose::DeliveryStream", "AWS::Lambda::Version", "AWS::SES::EmailIdentity",
		"AWS::Scheduler::ScheduleGroup", "AWS::WAFv2::WebACL",
	}
	for id, resource := range load(t, "tenant.yaml").resources() {
		kind, _ := at(resource, "Type").(string)
		if slices.Contains(ofTheCell, kind) {
			t.Errorf("%s is an %s, which belongs into cell.yaml", id, kind)
		}
	}
}

func TestTenantRoles(t *testing.T) {
	t.Parallel()
	roles := load(t, "tenant.yaml").ofType("AWS::IAM::Role")
	if len(roles) != 5 {
		t.Errorf("a tenant has %d roles, want 5: roles end a cell first (aws.md 7.1)", len(roles))
	}
	for id, role := range roles {
		if at(role, "Properties", "PermissionsBoundary", "Ref") != "PermissionsBoundaryArn" {
			t.Errorf("%s has no permissions boundary", id)
		}
		name, _ := at(role, "Properties", "RoleName", "Fn::Sub").(string)
		if !strings.HasPrefix(name, "earshot-${Slug}-") {
			t.Errorf("%s is named %q: boundary and service role are written for earshot-<slug>-…", id, name)
		}
		if at(role, "Properties", "ManagedPolicyArns") != nil {
			t.Errorf("%s takes a managed policy: write its rights out", id)
		}
	}
}

func TestNoWildcardRights(t *testing.T) {
	t.Parallel()
	for _, file := range files {
		for _, s := range statements(load(t, file)["Resources"]) {
			for _, action := range list(s["Action"]) {
				service, what, _ := strings.Cut(action, ":")
				if s["Effect"] == "Allow" && (service == "*" || what == "*") {
					t.Errorf("%s allows %q", file, action)
				}
			}
			if s["Effect"] == "Allow" && s["NotAction"] != nil {
				t.Errorf("%s allows all but %v", file, s["NotAction"])
			}
		}
	}
}

// A late log line would make a deleted group anew, and the next onboarding of the slug would fail (aws.md 4.4).
func TestNoFunctionMakesLogGroups(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("tenant.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"logs:CreateLogGroup", "AWSLambdaBasicExecutionRole"} {
		if strings.Contains(string(text), word) {
			t.Errorf("tenant.yaml has %s", word)
		}
	}
	for _, file := range files {
		tpl := load(t, file)
		for id, function := range tpl.ofType("AWS::Lambda::Function") {
			group, _ := at(function, "Properties", "LoggingConfig", "LogGroup", "Ref").(string)
			if at(tpl.resources()[group], "Properties", "RetentionInDays") == nil {
				t.Errorf("%s of %s has no log group with a retention", id, file)
			}
			if at(function, "Properties", "ReservedConcurrentExecutions") != nil {
				t.Errorf("%s of %s reserves concurrency, which a new account refuses (aws.md 4.2)", id, file)
			}
			if at(function, "Properties", "Environment", "Variables", "AWS_ENDPOINT_URL", "Fn::If") == nil {
				t.Errorf("%s of %s must have AWS_ENDPOINT_URL on one machine only (aws.md 4.5)", id, file)
			}
		}
	}
}

func TestDataHoldersHaveBothPolicies(t *testing.T) {
	t.Parallel()
	holders := []string{
		"AWS::Cognito::UserPool", "AWS::Logs::LogGroup", "AWS::OpenSearchService::Domain", "AWS::S3::Bucket",
		"AWS::SQS::Queue", "AWS::SecretsManager::Secret",
	}
	for _, file := range files {
		for id, resource := range load(t, file).resources() {
			kind, _ := at(resource, "Type").(string)
			if !slices.Contains(holders, kind) {
				continue
			}
			for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if at(resource, policy) == nil {
					t.Errorf("%s of %s has no %s", id, file, policy)
				}
			}
		}
	}
	tenant := load(t, "tenant.yaml").resources()
	for _, id := range []string{"DataBucket", "SearchDomain"} {
		if got := at(tenant[id], "DeletionPolicy"); got != "RetainExceptOnCreate" {
			t.Errorf("%s: a stack's deletion deletes no data: DeletionPolicy is %v, want RetainExceptOnCreate", id, got)
		}
	}
}

func TestBucketsArePrivateAndEncrypted(t *testing.T) {
	t.Parallel()
	for _, file := range files {
		for id, bucket := range load(t, file).ofType("AWS::S3::Bucket") {
			block := names(at(bucket, "Properties", "PublicAccessBlockConfiguration"))
			closed := 0
			for _, on := range block {
				if on == "true" {
					closed++
				}
			}
			if closed != 4 || at(bucket, "Properties", "BucketEncryption") == nil {
				t.Errorf("%s of %s is not closed and encrypted", id, file)
			}
		}
	}
}

func TestEverythingTaggableNamesItsTenant(t *testing.T) {
	t.Parallel()
	untaggable := []string{
		"AWS::ApiGateway::Deployment", "AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method",
		"AWS::ApiGateway::Resource", "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolDomain",
		"AWS::Cognito::UserPoolGroup", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy",
		"AWS::Scheduler::Schedule",
	}
	for id, resource := range load(t, "tenant.yaml").resources() {
		kind, _ := at(resource, "Type").(string)
		if strings.HasPrefix(kind, "Custom::") || slices.Contains(untaggable, kind) {
			continue
		}
		tag := at(resource, "Properties", "UserPoolTags", "earshot:tenant", "Ref")
		if tags, _ := at(resource, "Properties", "Tags").([]any); len(tags) == 1 && at(tags[0], "Key") == "earshot:tenant" {
			tag = at(tags[0], "Value", "Ref")
		}
		if tag != "Slug" {
			t.Errorf("%s has no tag earshot:tenant", id)
		}
	}
}

func TestQueuesOutliveAnOutage(t *testing.T) {
	t.Parallel()
	tenant := load(t, "tenant.yaml").resources()
	for key, want := range map[string]string{
		"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "864000", "VisibilityTimeout": "365",
	} {
		if got := at(tenant["Queue"], "Properties", key); got != want {
			t.Errorf("Queue: %s is %v, want %s", key, got, want)
		}
	}
	if got := at(tenant["IndexerFunction"], "Properties", "Timeout"); got != "60" {
		t.Errorf("the indexer's time-out is %v: the queue's visibility is six times 60 s and the window", got)
	}
	if got := at(tenant["Queue"], "Properties", "RedrivePolicy", "maxReceiveCount"); got != "1000" {
		t.Errorf("maxReceiveCount is %v, want 1000: an outage burns receives", got)
	}
	if got := at(tenant["DeadLetterQueue"], "Properties", "MessageRetentionPeriod"); got != "1209600" {
		t.Errorf("dead letters are kept %v s, want 1209600", got)
	}
}

// Each queue hands its messages to few functions at once, and takes back those that failed alone: a search that recovers gets what
// waited no faster than what is live.
func TestARecoveringSearchIsNotTrampled(t *testing.T) {
	t.Parallel()
	template := load(t, "tenant.yaml")
	sources := template.ofType("AWS::Lambda::EventSourceMapping")
	for _, id := range []string{"IndexerSource", "CallSummarySource"} {
		source, isThere := sources[id]
		if !isThere {
			t.Errorf("there is no %s", id)
			continue
		}
		most := at(source, "Properties", "ScalingConfig", "MaximumConcurrency")
		if either, _ := at(most, "Fn::If").([]any); len(either) == 3 {
			if either[1] != "2" || at(either[2], "Ref") != "IndexerConcurrency" {
				t.Errorf("%s: at most %v at once", id, either[1:])
			}
		} else if most != "2" {
			t.Errorf("%s: at most %v at once, want 2", id, most)
		}
		if got := list(at(source, "Properties", "FunctionResponseTypes")); len(got) != 1 || got[0] != "ReportBatchItemFailures" {
			t.Errorf("%s answers %v: one bad message would bring back its batch", id, got)
		}
	}
	if len(sources) != 2 {
		t.Errorf("%d event sources, of which two are looked at", len(sources))
	}
	if got := at(template["Parameters"], "IndexerConcurrency", "MaxValue"); got != "10" {
		t.Errorf("at most %v indexers of a tenant at once, want 10", got)
	}
}

func TestCustomResourcesAnswerInTime(t *testing.T) {
	t.Parallel()
	cell := load(t, "cell.yaml").ofType("AWS::Lambda::Function")
	for id, function := range cell {
		if id != "SpacesFunction" && at(function, "Properties", "Timeout") != "540" { // no resource waits for that one
			t.Errorf("%s must end before the 600 s that its resources wait", id)
		}
	}
	for id, resource := range load(t, "tenant.yaml").resources() {
		kind, _ := at(resource, "Type").(string)
		if strings.HasPrefix(kind, "Custom::") && at(resource, "Properties", "ServiceTimeout") != "600" {
			t.Errorf("%s waits an hour by default: say ServiceTimeout: 600", id)
		}
	}
}

// A stack is taken back to the parameters that CloudFormation says it has: it must say all of them, as they were given.
func TestEveryParameterCanBeReadBack(t *testing.T) {
	t.Parallel()
	for name, parameter := range names(load(t, "tenant.yaml")["Parameters"]) {
		kind, _ := at(parameter, "Type").(string)
		if at(parameter, "NoEcho") != nil || strings.HasPrefix(kind, "AWS::SSM::") {
			t.Errorf("%s is told masked, or as another's name", name)
		}
	}
}

// The worker passes to a tenant's stack the cell's outputs by name, and these of its own.
func TestEveryParameterHasAValue(t *testing.T) {
	t.Parallel()
	ofTheWorker := []string{
		"BatchSize", "BatchWindowSeconds", "ConnectAliases", "ConnectExternalId", "ConnectInstances", "DeletionProtection",
		"DirectoryInstances", "DisplayName", "IndexPeriods", "IpPrivacy", "Isolation", "MediaOwner", "Slug", "SoftphoneOrigins", "Suspended", "TenantId",
	}
	cell := names(load(t, "cell.yaml")["Outputs"])
	parameters := names(load(t, "tenant.yaml")["Parameters"])
	for name, parameter := range parameters {
		_, given := cell[name]
		if !given && !slices.Contains(ofTheWorker, name) && at(parameter, "Default") == nil {
			t.Errorf("nobody gives tenant.yaml its %s", name)
		}
	}
	for _, name := range ofTheWorker {
		if parameters[name] == nil {
			t.Errorf("tenant.yaml has no parameter %s", name)
		}
	}
}

// The emulator does not enforce boundaries, so this compares the documents: a right that a role has and the boundary lacks
// works on one machine and is denied on AWS.
func TestBoundaryReachesAsFarAsTheRoles(t *testing.T) {
	t.Parallel()
	var allowed []string
	for _, s := range statements(load(t, "cell.yaml").resources()["Boundary"]) {
		if s["Effect"] == "Allow" {
			allowed = append(allowed, list(s["Action"])...)
		}
	}
	for id, role := range load(t, "tenant.yaml").ofType("AWS::IAM::Role") {
		for _, s := range statements(at(role, "Properties", "Policies")) {
			for _, action := range list(s["Action"]) {
				if s["Effect"] == "Allow" && !slices.ContainsFunc(allowed, func(pattern string) bool {
					matches, _ := path.Match(pattern, action)
					return matches
				}) {
					t.Errorf("%s may %s, and the boundary denies it", id, action)
				}
			}
		}
	}
	for _, action := range allowed {
		if strings.HasPrefix(action, "iam:") || strings.HasPrefix(action, "cloudformation:") {
			t.Errorf("the boundary allows %s", action)
		}
	}
}

// Whoever may make roles without the boundary may make himself an administrator.
func TestServiceRoleMakesRolesWithBoundaryOnly(t *testing.T) {
	t.Parallel()
	needBoundary := []string{"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
	cell := load(t, "cell.yaml").resources()
	seen := 0
	for _, s := range statements(at(cell["CloudFormationRole"], "Properties", "Policies")) {
		for _, action := range list(s["Action"]) {
			if slices.Contains([]string{"iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary"}, action) ||
				strings.HasPrefix(action, "iam:") && strings.Contains(action, "*") {
				t.Errorf("the service role may %s", action)
			}
			if !slices.Contains(needBoundary, action) {
				continue
			}
			seen++
			if at(s, "Condition", "StringEquals", "iam:PermissionsBoundary", "Ref") != "Boundary" {
				t.Errorf("the service role may %s without the boundary", action)
			}
		}
	}
	if seen != len(needBoundary) {
		t.Errorf("the service role has %d of the %d rights to make roles", seen, len(needBoundary))
	}
}

// A dedicated tenant's domain outlives its stack, and the provider finds it by name to delete it: never the cell's own.
func TestThePurgeDeletesTenantsDomainsOnly(t *testing.T) {
	t.Parallel()
	name := at(load(t, "tenant.yaml").resources()["SearchDomain"], "Properties", "DomainName", "Fn::Sub")
	if want := slug.Slug("${Slug}").DomainName(); name != want {
		t.Errorf("a tenant's domain is %v, and the purge looks for %s", name, want)
	}
	cell := load(t, "cell.yaml").resources()
	seen := 0
	for id, role := range cell {
		if id == "CloudFormationRole" {
			continue
		}
		for _, s := range statements(at(role, "Properties")) {
			if !slices.Contains(list(s["Action"]), "es:DeleteDomain") {
				continue
			}
			seen++
			choice, _ := at(s, "Resource", "Fn::If").([]any) // Local, the emulator's, AWS's
			if id != "SearchTenantRole" || len(choice) != 3 {
				t.Fatalf("%s may delete %v", id, s["Resource"])
			}
			if resource, _ := at(choice[2], "Fn::Sub").(string); !strings.HasSuffix(resource, ":domain/earshot-*") {
				t.Errorf("%s may delete %q", id, resource)
			}
		}
	}
	if seen != 1 {
		t.Errorf("%d statements let somebody delete a domain, want the provider's", seen)
	}
}

// The admin API is the part of the control plane that strangers reach: in a cell it looks, and changes nothing but who a
// tenant's managers are.
func TestTheAPIOnlyLooks(t *testing.T) {
	t.Parallel()
	user := load(t, "control-plane.yaml").resources()["ApiUser"]
	var doors []string
	for _, s := range statements(user) {
		if !slices.Equal(list(s["Action"]), []string{"sts:AssumeRole"}) {
			t.Errorf("the API's user may %v", s["Action"])
		}
		resources, _ := s["Resource"].([]any)
		for _, resource := range resources {
			arn, _ := at(resource, "Fn::Sub").(string)
			_, door, _ := strings.Cut(arn, ":role/")
			doors = append(doors, door)
		}
	}
	if want := []string{"earshotops-cell-health", "earshotops-cell-managers", "earshotops-cell-spaces", "earshotops-cell-setups"}; !slices.Equal(doors, want) {
		t.Errorf("the API's user may enter cells by %v, want %v", doors, want)
	}
	may := []string{
		"cloudformation:DescribeStacks", "sqs:GetQueueAttributes", "s3:GetObject", "s3:ListBucket", "logs:FilterLogEvents", "cloudwatch:GetMetricData",
	}
	found := statements(at(load(t, "cell.yaml").resources()["HealthRole"], "Properties", "Policies"))
	for _, s := range found {
		for _, action := range list(s["Action"]) {
			if !slices.Contains(may, action) {
				t.Errorf("the API may %s", action)
			}
		}
		if resource, _ := at(s, "Resource", "Fn::Sub").(string); slices.Contains(list(s["Action"]), "s3:GetObject") &&
			!strings.HasSuffix(resource, "/directory/*.status.json") {
			t.Errorf("the API may read %s", resource)
		}
	}
	if len(found) != len(may) {
		t.Errorf("%d statements", len(found))
	}
}

// The code of the function that imports and exports can purge tenants too: what it serves is said in its settings, and the API's
// role reaches no other function.
func TestTheAPIReachesSpacesByAFunctionThatDoesNothingElse(t *testing.T) {
	t.Parallel()
	cell := load(t, "cell.yaml").resources()
	if got := at(cell["SpacesFunction"], "Properties", "Environment", "Variables", "EARSHOT_ACTIONS"); got != "import,export" {
		t.Errorf("it serves %v", got)
	}
	found := statements(at(cell["SpacesRole"], "Properties", "Policies"))
	if len(found) != 1 || !slices.Equal(list(found[0]["Action"]), []string{"lambda:InvokeFunction"}) {
		t.Fatalf("the role may %v", found)
	}
	if resource, _ := at(found[0], "Resource", "Fn::Sub").(string); !strings.HasSuffix(resource, ":function:earshotops-spaces") {
		t.Errorf("the role may call %s", resource)
	}
}

// The emulator knows no tags of pools, so this compares the documents: on AWS the role reaches pools that carry the tag of a
// tenant, and the admins' own pool carries none.
func TestManagersRoleReachesTenantsPoolsOnly(t *testing.T) {
	t.Parallel()
	found := statements(at(load(t, "cell.yaml").resources()["ManagersRole"], "Properties", "Policies"))
	if len(found) != 2 {
		t.Fatalf("%d statements", len(found))
	}
	for _, s := range found {
		for _, action := range list(s["Action"]) {
			if action == "cloudformation:DescribeStacks" {
				continue
			}
			isOfPeople := strings.HasPrefix(action, "cognito-idp:Admin") || strings.HasPrefix(action, "cognito-idp:ListUsers") || action == "cognito-idp:DescribeUserPool"
			condition, _ := at(s, "Condition", "Fn::If").([]any) // Local, the emulator's, AWS's
			if !isOfPeople || len(condition) != 3 || at(condition[2], "Null", "aws:ResourceTag/earshot:tenant") != "false" {
				t.Errorf("the role may %s without asking whose pool it is", action)
			}
			if strings.Contains(action, "Password") || strings.Contains(action, "InitiateAuth") {
				t.Errorf("the role may sign in as a manager: %s", action)
			}
		}
	}
	if tag := at(load(t, "control-plane.yaml").resources()["AdminPool"], "Properties", "UserPoolTags", "earshot:tenant"); tag != nil {
		t.Error("the admins' pool carries the tag of a tenant")
	}
}

// The gateway, which strangers reach, may become tenants' readers and editors and ask their pools. On one machine it may do the same.
func TestTheGatewayBecomesTenantsOnly(t *testing.T) {
	t.Parallel()
	const pools = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/*"
	want := map[string][]string{
		"sts:AssumeRole":                     {"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/earshot-*-reader", "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/earshot-*-editor"},
		"s3:GetObject":                       {"arn:${AWS::Partition}:s3:::${ArtifactBucket}/gateway/tenants.json"},
		"cognito-idp:DescribeUserPoolClient": {pools}, "cognito-idp:AdminListGroupsForUser": {pools}, "cognito-idp:AdminUserGlobalSignOut": {pools},
	}
	role := load(t, "gateway.yaml").resources()["Role"]
	if got := rightsOf(role); !reflect.DeepEqual(got, want) {
		t.Errorf("the role may %v, want %v", got, want)
	}
	for _, s := range statements(at(role, "Properties", "Policies")) {
		if strings.HasPrefix(list(s["Action"])[0], "cognito-idp:") && at(s, "Condition", "Null", "aws:ResourceTag/earshot:tenant") != "false" {
			t.Error("the role asks pools without asking whose they are")
		}
	}
	for _, s := range statements(at(role, "Properties", "AssumeRolePolicyDocument")) {
		if len(names(s["Principal"])) != 1 || at(s, "Principal", "Service", "Ref") != "Service" {
			t.Errorf("the role is taken by %v", s["Principal"])
		}
	}
	if name := at(role, "Properties", "RoleName"); name != "earshotops-gateway" || !strings.Contains(read(t, "cell.yaml"), ":role/earshotops-gateway") {
		t.Errorf("the role is %v, and tenants trust another", name)
	}

	// The emulator's user lives beside cells, and knows no tags.
	local := rightsOf(load(t, "control-plane.yaml").resources()["GatewayUser"])
	want["sts:AssumeRole"] = []string{"arn:${AWS::Partition}:iam::*:role/earshot-*-reader", "arn:${AWS::Partition}:iam::*:role/earshot-*-editor"}
	want["s3:GetObject"] = []string{"arn:${AWS::Partition}:s3:::earshotops-*/gateway/tenants.json"}
	if !reflect.DeepEqual(local, want) {
		t.Errorf("on one machine it may %v, want %v", local, want)
	}
}

// rightsOf are the resources that an identity's own policies allow, by action.
func rightsOf(identity any) map[string][]string {
	rights := map[string][]string{}
	for _, s := range statements(at(identity, "Properties", "Policies")) {
		if s["Effect"] != "Allow" {
			continue
		}
		resources, isList := s["Resource"].([]any)
		if !isList {
			resources = []any{s["Resource"]}
		}
		for _, action := range list(s["Action"]) {
			for _, resource := range resources {
				text, _ := at(resource, "Fn::Sub").(string)
				rights[action] = append(rights[action], text)
			}
		}
	}
	return rights
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a template must be so that any YAML reader takes it: CloudFormation's is an old one.
func TestPlainText(t *testing.T) {
	t.Parallel()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' }) {
				t.Errorf("%s:%d is not plain ASCII", file, i+1)
			}
		}
	}
}

// The API has tenants' own functions look at what their customers have set up: it reaches those, and no role of a customer's.
func TestTheAPILooksIntoCustomersAccountsByTheirTenantsFunctionsOnly(t *testing.T) {
	t.Parallel()
	found := statements(at(load(t, "cell.yaml").resources()["SetupsRole"], "Properties", "Policies"))
	if len(found) != 1 || !slices.Equal(list(found[0]["Action"]), []string{"lambda:InvokeFunction"}) {
		t.Fatalf("the role may %v", found)
	}
	if resource, _ := at(found[0], "Resource", "Fn::Sub").(string); !strings.HasSuffix(resource, ":function:earshot-*-agent-directory") {
		t.Errorf("the role may call %s", resource)
	}
}
