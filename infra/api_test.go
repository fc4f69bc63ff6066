package infra_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

var apiParts = []string{
	"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse",
}

// A deployment is a snapshot, and only a new logical id makes a new one (aws.md 2.4): without this a changed method is never
// live on AWS.
func TestDeploymentIsNewWhenTheAPIChanges(t *testing.T) {
	t.Parallel()
	tenant := load(t, "tenant.yaml")
	parts := map[string]any{}
	for id, resource := range tenant.resources() {
		if kind, _ := at(resource, "Type").(string); slices.Contains(apiParts, kind) {
			parts[id] = resource
		}
	}
	text, err := json.Marshal(parts) // sorts keys
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	want := hex.EncodeToString(sum[:])[:8]
	deployments := tenant.ofType("AWS::ApiGateway::Deployment")
	if len(deployments) != 2 {
		t.Fatalf("there are %d deployments, want one for one origin and one for many", len(deployments))
	}
	for id, deployment := range deployments {
		if !strings.HasSuffix(id, want) {
			t.Errorf("the API has changed: call this deployment %s instead of %s", id[:len(id)-len(want)]+want, id)
		}
		for part, resource := range parts {
			kind, _ := at(resource, "Type").(string)
			if (kind == apiParts[2] || kind == apiParts[3]) && !slices.Contains(list(at(deployment, "DependsOn")), part) {
				t.Errorf("%s may be made before %s: add it to DependsOn", id, part)
			}
		}
	}
}

func TestThreeRoutesAnsweredByTheirPushers(t *testing.T) {
	t.Parallel()
	tenant := load(t, "tenant.yaml")
	if got := at(tenant.resources()["Api"], "Properties", "EndpointConfiguration", "Types"); !slices.Equal(list(got), []string{"REGIONAL"}) {
		t.Errorf("the API is %v, want REGIONAL: edge-optimised ones end at 120 (aws.md 2.1)", got)
	}
	verbs := map[string][]string{}
	for id, method := range tenant.ofType("AWS::ApiGateway::Method") {
		// A MOCK beside the binary type */* answers 500 to every preflight on AWS (aws.md 2.3).
		if at(method, "Properties", "Integration", "Type") != "AWS_PROXY" {
			t.Errorf("%s is not answered by its pusher", id)
		}
		resource, _ := at(method, "Properties", "ResourceId", "Ref").(string)
		route, _ := at(tenant.resources()[resource], "Properties", "PathPart").(string)
		verbs[route] = append(verbs[route], list(at(method, "Properties", "HttpMethod"))...)
	}
	for _, route := range []string{"softphonemetrics", "callreport", "apimetrics"} {
		slices.Sort(verbs[route])
		if !slices.Equal(verbs[route], []string{"OPTIONS", "POST"}) {
			t.Errorf("/%s has %v, want OPTIONS and POST", route, verbs[route])
		}
	}
	if len(verbs) != 3 {
		t.Errorf("the API has the routes %v", verbs)
	}
}

// What the gateway refuses by itself carries no CORS header on AWS unless it is written here; the emulator hides the lack.
func TestGatewaysOwnAnswersAreReadable(t *testing.T) {
	t.Parallel()
	found := map[string]any{}
	for _, answer := range load(t, "tenant.yaml").ofType("AWS::ApiGateway::GatewayResponse") {
		kind, _ := at(answer, "Properties", "ResponseType").(string)
		found[kind] = at(answer, "Properties", "ResponseParameters")
	}
	for _, kind := range []string{"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"} {
		if at(found[kind], "gatewayresponse.header.Access-Control-Allow-Origin") == nil {
			t.Errorf("%s cannot be read by the softphone", kind)
		}
	}
	if at(found["THROTTLED"], "gatewayresponse.header.Retry-After") == nil {
		t.Error("THROTTLED does not say when to come again")
	}
}

func TestNoExecutionLogs(t *testing.T) {
	t.Parallel()
	for _, stage := range load(t, "tenant.yaml").ofType("AWS::ApiGateway::Stage") {
		settings, _ := at(stage, "Properties", "MethodSettings").([]any)
		for _, s := range settings {
			if at(s, "DataTraceEnabled") != "false" || at(s, "LoggingLevel") != "OFF" {
				t.Error("execution logs hold bodies and outlive the stack (aws.md 2.11)")
			}
		}
		format, _ := at(stage, "Properties", "AccessLogSetting", "Format").(string)
		if len(settings) == 0 || format == "" || strings.Contains(format, "$context.identity") {
			t.Error("the stage must throttle, and log without addresses")
		}
	}
}
