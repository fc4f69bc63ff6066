package faults_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/earshot-hq/earshot/e2e/world"
)

// stackTime is how long an operation may take that meets a failing stack.
const stackTime = 3 * time.Minute

// takeDomain gives the sign-in name that the operation's tenant will ask for to somebody else's user pool in the account,
// and returns what frees it.
func takeDomain(t *testing.T, w *world.World, operation string) (free func()) {
	t.Helper()
	id := ask(t, w, `select tenant_id::text from operations where id = $1::text::uuid`, operation)[0]
	domain := "e" + strings.ReplaceAll(id, "-", "")
	api := cognitoidentityprovider.NewFromConfig(w.AWS())
	pool, err := api.CreateUserPool(t.Context(), &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("of somebody else")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.CreateUserPoolDomain(t.Context(), &cognitoidentityprovider.CreateUserPoolDomainInput{UserPoolId: pool.UserPool.Id, Domain: &domain}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := api.DeleteUserPoolDomain(t.Context(), &cognitoidentityprovider.DeleteUserPoolDomainInput{UserPoolId: pool.UserPool.Id, Domain: &domain}); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFailure reads an operation as an admin sees it.
func wantFailure(t *testing.T, w *world.World, operation, resource, kind, reason string) {
	t.Helper()
	_, shown := w.Call(t, http.MethodGet, "/v1/operations/"+operation, nil)
	failure, _ := shown["failure"].(map[string]any)
	if failure["resource"] != resource || failure["type"] != kind || !strings.Contains(fmt.Sprint(failure["reason"]), reason) {
		t.Errorf("the operation shows %v, want %s of type %s because of %q", shown["failure"], resource, kind, reason)
	}
	if told := ask(t, w, `select message from operation_events where operation_id = $1::text::uuid and level = 'error' and resource = $2`, operation, resource); len(told) == 0 {
		t.Errorf("no event of the operation tells of %s", resource)
	}
}

// Case 17, for real: the name that one resource wants is taken. Retry, once the name is free, and off-boarding the half-made
// tenant both succeed.
func TestStackThatFailsInOneResource(t *testing.T) {
	w := setup(t)
	wake := stopWorker(t, w) // until the names are taken
	operations, free := map[string]string{}, map[string]func(){}
	for _, s := range []string{"retried", "halfmade"} {
		operations[s] = onboard(t, w, s)
		free[s] = takeDomain(t, w, operations[s])
	}
	wake()
	await(t, w, stackTime, "failed", operations["retried"], operations["halfmade"])
	for s, operation := range operations {
		wantFailure(t, w, operation, "UserPoolDomain", "AWS::Cognito::UserPoolDomain", "already")
		if tenant := w.Tenant(t, s); tenant["state"] != "failed" {
			t.Errorf("%s is %v", s, tenant["state"])
		}
		free[s]()
	}

	failed := world.Member(w.Tenant(t, "retried"), "stack", "id")
	if again := start(t, w, http.MethodPost, "/v1/tenants/retried/actions/retry", nil); again != operations["retried"] {
		t.Errorf("retry began operation %s, want another attempt of %s", again, operations["retried"])
	}
	gone := offboard(t, w, "halfmade")
	await(t, w, stackTime, "succeeded", operations["retried"], gone)
	wantOffboarded(t, w, "halfmade")
	retried := w.Tenant(t, "retried")
	if id := world.Member(retried, "stack", "id"); retried["state"] != "active" || id == failed || failed == nil {
		t.Errorf("after the retry the tenant is %v with stack %v, want a new stack after %v", retried["state"], id, failed)
	}
	if stacks := stacksOf(t, w, "retried"); !slices.Equal(stacks, []types.StackStatus{types.StackStatusCreateComplete}) {
		t.Errorf("retry left the stacks %v", stacks)
	}
}

// breakSites sends the function that publishes sites to an S3 that denies everything, and returns what undoes that.
func breakSites(t *testing.T, w *world.World) (mend func()) {
	t.Helper()
	const function = "earshotops-softphone-site"
	denies := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(http.StatusForbidden)
		_, _ = answer.Write([]byte(`<Error><Code>AccessDenied</Code><Message>somebody has locked this bucket</Message></Error>`))
	}))
	t.Cleanup(denies.Close)
	api := lambda.NewFromConfig(w.AWS())
	was, err := api.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(function)})
	if err != nil {
		t.Fatal(err)
	}
	set := func(variables map[string]string) {
		if _, err := api.UpdateFunctionConfiguration(context.WithoutCancel(t.Context()), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(function), Environment: &lambdatypes.Environment{Variables: variables},
		}); err != nil {
			t.Fatal(err)
		}
	}
	broken := maps.Clone(was.Environment.Variables)
	broken["AWS_ENDPOINT_URL"] = denies.URL
	set(broken)
	return func() { set(was.Environment.Variables) }
}

// Case 19: CloudFormation cannot finish a delete, since the site's bucket cannot be emptied. The tenant is never called
// deleted, the operation names the resource, and a retry goes on once that is mended.
func TestStackThatCannotBeDeleted(t *testing.T) {
	w := setup(t)
	const s = "undeletable"
	await(t, w, stackTime, "succeeded", onboard(t, w, s))
	mend := breakSites(t, w)
	defer mend()
	gone := offboard(t, w, s)
	await(t, w, stackTime, "failed", gone)
	wantFailure(t, w, gone, "SoftphoneSite", "Custom::SoftphoneSite", "locked this bucket")
	if tenant := w.Tenant(t, s); tenant["state"] != "failed" {
		t.Errorf("the tenant is %v, want failed", tenant["state"])
	}
	if stacks := stacksOf(t, w, s); len(stacks) != 1 || stacks[0] != types.StackStatusDeleteFailed {
		t.Errorf("the stack is %v", stacks)
	}
	for _, deleted := range ask(t, w, `select a.detail::text from audit_events a join tenants t on t.id = a.tenant_id where t.slug = $1 and a.detail ->> 'to' = 'deleted'`, s) {
		t.Errorf("the tenant was once called deleted: %s", deleted)
	}

	mend()
	if again := start(t, w, http.MethodPost, "/v1/tenants/"+s+"/actions/retry", nil); again != gone {
		t.Errorf("retry began operation %s, want another attempt of %s", again, gone)
	}
	await(t, w, stackTime, "succeeded", gone)
	wantOffboarded(t, w, s)
}

// A search of one's own is asked for where the cell has none to give. The template's rule refuses the stack in words that say
// what to do, and what there is of the tenant can be taken away again.
func TestDedicatedTenantWithoutASearchForIt(t *testing.T) {
	w := setup(t)
	const s = "refused"
	draft := world.Draft(s)
	draft["isolation"] = "dedicated"
	refused := start(t, w, http.MethodPost, "/v1/tenants", draft)
	await(t, w, stackTime, "failed", refused)
	_, shown := w.Call(t, http.MethodGet, "/v1/operations/"+refused, nil)
	if reason := fmt.Sprint(world.Member(shown, "failure", "reason")); !strings.Contains(reason, "EARSHOT_DEDICATED_SEARCH=true") {
		t.Errorf("the operation shows %q", reason)
	}
	await(t, w, stackTime, "succeeded", offboard(t, w, s))
	wantOffboarded(t, w, s)
}
