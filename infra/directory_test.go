package infra_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The customer's role takes our directory role of one tenant, with that tenant's external id, and nobody else: without the
// id another tenant's ARN would do (the confused deputy), without the principal any role of our account.
func TestCustomersRoleTrustsOneRoleWithOneExternalID(t *testing.T) {
	t.Parallel()
	customer := load(t, "customer-connect.yaml")
	roles := customer.ofType("AWS::IAM::Role")
	if len(roles) != 1 {
		t.Fatalf("the customer gets %d roles", len(roles))
	}
	for _, role := range roles {
		trust := statements(at(role, "Properties", "AssumeRolePolicyDocument"))
		if len(trust) != 1 || !reflect.DeepEqual(trust[0]["Action"], "sts:AssumeRole") {
			t.Fatalf("trust: %v", trust)
		}
		condition := names(trust[0]["Condition"])
		if want := map[string]any{"sts:ExternalId": map[string]any{"Ref": "ExternalId"}}; !reflect.DeepEqual(condition["StringEquals"], want) {
			t.Errorf("the trust asks for %v, want %v", condition["StringEquals"], want)
		}
		principals, _ := at(condition, "ArnLike", "aws:PrincipalArn").([]any)
		if len(condition) != 2 || len(principals) != 2 || at(principals[0], "Ref") != "DirectoryPrincipalArn" {
			t.Fatalf("the trust takes %v", condition)
		}
		session, _ := at(principals[1], "Fn::Sub").([]any)
		if len(session) != 2 || session[0] != "arn:${AWS::Partition}:sts::${Account}:assumed-role/${Role}/*" {
			t.Errorf("the trust takes sessions %v", session)
		}
	}
	parameters := names(customer["Parameters"])
	if at(parameters["ExternalId"], "Default") != nil || at(parameters["ExternalId"], "MinLength") != "16" {
		t.Error("an external id may be left out, or guessed")
	}
	pattern, _ := at(parameters["DirectoryPrincipalArn"], "AllowedPattern").(string)
	if !strings.HasSuffix(pattern, "-directory$") {
		t.Errorf("any role may be trusted: %s", pattern)
	}
}

// It may read who the agents of the one instance are, and change nothing.
func TestCustomersRoleReadsOneInstance(t *testing.T) {
	t.Parallel()
	role := load(t, "customer-connect.yaml").resources()["DirectoryRole"]
	rights := statements(at(role, "Properties", "Policies"))
	want := []string{"connect:DescribeUserHierarchyGroup", "connect:ListApprovedOrigins", "connect:ListRoutingProfiles", "connect:SearchUsers"}
	if len(rights) != 1 {
		t.Fatalf("%d statements", len(rights))
	}
	if got := slices.Sorted(slices.Values(list(rights[0]["Action"]))); !slices.Equal(got, want) {
		t.Errorf("it may %v, want %v", got, want)
	}
	instance := []any{map[string]any{"Ref": "InstanceArn"}, map[string]any{"Fn::Sub": "${InstanceArn}/*"}}
	if !reflect.DeepEqual(rights[0]["Resource"], instance) {
		t.Errorf("on %v", rights[0]["Resource"])
	}
}

// The directory role enters customers' accounts in its own tenant's name only, and writes directories: it reads nothing.
func TestDirectoryRoleWritesDirectoriesOnly(t *testing.T) {
	t.Parallel()
	tenant := load(t, "tenant.yaml").resources()
	for _, s := range statements(at(tenant["DirectoryRole"], "Properties", "Policies")) {
		switch actions := list(s["Action"]); {
		case slices.Equal(actions, []string{"sts:AssumeRole"}):
			choice, _ := at(s, "Condition", "Fn::If").([]any) // Local, the emulator's, AWS's
			if len(choice) != 3 || choice[0] != "Local" || at(choice[2], "StringEquals", "sts:ExternalId", "Ref") != "ConnectExternalId" {
				t.Error("it may assume roles without the tenant's external id")
			}
		case slices.Equal(actions, []string{"s3:PutObject"}):
			if at(s, "Resource", "Fn::Sub") != "${DataBucket.Arn}/directory/*" {
				t.Errorf("it writes %v", s["Resource"])
			}
		case s["Sid"] != "Log":
			t.Errorf("it may %v", actions)
		}
	}
	for _, s := range statements(at(tenant["PushersRole"], "Properties", "Policies")) {
		for _, action := range list(s["Action"]) {
			if strings.HasPrefix(action, "s3:") && (action != "s3:GetObject" || at(s, "Resource", "Fn::Sub") != "${DataBucket.Arn}/directory/*") {
				t.Errorf("the pushers may %s on %v", action, s["Resource"])
			}
		}
	}
}

// All that a schedule may do in anybody's name.
func TestSchedulerInvokesDirectoriesOnly(t *testing.T) {
	t.Parallel()
	role := load(t, "cell.yaml").resources()["SchedulerRole"]
	rights := statements(at(role, "Properties", "Policies"))
	if len(rights) != 1 || !slices.Equal(list(rights[0]["Action"]), []string{"lambda:InvokeFunction"}) {
		t.Fatalf("it may %v", rights)
	}
	if resource, _ := at(rights[0], "Resource", "Fn::Sub").(string); !strings.HasSuffix(resource, ":function:earshot-*-agent-directory") {
		t.Errorf("it invokes %s", resource)
	}
	if trust := statements(at(role, "Properties", "AssumeRolePolicyDocument")); at(trust[0], "Condition", "StringEquals", "aws:SourceAccount") == nil {
		t.Error("another account's schedules may use it")
	}
	schedule := load(t, "tenant.yaml").resources()["AgentDirectorySchedule"]
	if at(schedule, "Properties", "FlexibleTimeWindow", "Mode") != "FLEXIBLE" || at(schedule, "Properties", "State", "Fn::If") == nil {
		t.Error("all tenants' schedules strike at once, or one without directories strikes at all")
	}
}

// On AWS no function may be sent to a stand-in, where customers' keys and names would go.
func TestStandInIsForOneMachine(t *testing.T) {
	t.Parallel()
	rule := at(load(t, "cell.yaml")["Rules"], "StandInIsLocal")
	if at(rule, "RuleCondition", "Fn::Not") == nil || at(rule, "Assertions") == nil {
		t.Error("cell.yaml takes a ConnectEndpointUrl on AWS")
	}
	for id, function := range load(t, "tenant.yaml").ofType("AWS::Lambda::Function") {
		set := at(function, "Properties", "Environment", "Variables", "AWS_ENDPOINT_URL_CONNECT")
		if choice, _ := at(set, "Fn::If").([]any); set != nil && (len(choice) != 3 || choice[0] != "HasStandIn" || at(choice[2], "Ref") != "AWS::NoValue") {
			t.Errorf("%s is sent to %v", id, set)
		}
	}
}
