package stacks_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// refusing answers for a cell, and refuses each call that would change a stack.
func refusing(code, message string, seen *url.Values) stub {
	return func(r *http.Request, call url.Values) *http.Response {
		switch {
		case r.Method == http.MethodGet: // the template, from the cell's bucket
			return respond(http.StatusOK, "Parameters: {Slug: {}, IpPrivacy: {}, SearchEndpoint: {}}\nResources: {}")
		case call.Get("Action") == "DescribeStacks":
			return respond(http.StatusOK, cellsAnswer)
		}
		*seen = call
		return refuse(code, message)
	}
}

const cellsAnswer = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>earshotops-cell</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-24T09:00:00Z</CreationTime>
<Outputs><member><OutputKey>ArtifactBucket</OutputKey><OutputValue>artifacts</OutputValue></member>
<member><OutputKey>ArtifactVersion</OutputKey><OutputValue>v9</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`

var standing = tenant.Tenant{
	Slug: "acme", Stack: tenant.Stack{ID: "stack-id", ArtifactVersion: "v7"}, Settings: tenant.DefaultSettings(),
}

func TestUpdatesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		code, message      string
		changed, transient bool
		failure            string
	}{
		"nothing to do":     {code: "ValidationError", message: "No updates are to be performed."},
		"asked for already": {code: "TokenAlreadyExistsException", message: "again", changed: true},
		"in motion": {code: "ValidationError", transient: true,
			message: "Stack:arn:aws:cloudformation:eu-central-1:1:stack/earshot-acme/1 is in UPDATE_IN_PROGRESS state and can not be updated."},
		"a wrong value":     {code: "ValidationError", message: "Parameter 'IpPrivacy' must be one of", failure: "stack.refused"},
		"no right":          {code: "AccessDenied", message: "not authorized", failure: "stack.refused"},
		"something of AWS":  {code: "InternalFailure", message: "oh", transient: true},
		"too many requests": {code: "Throttling", message: "Rate exceeded", transient: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var call url.Values
			changed, err := against(refusing(row.code, row.message, &call), stacks.Options{}).Update(t.Context(), frankfurt, standing, "update-1")
			var failure *operation.Failure
			isFailure := errors.As(err, &failure)
			if changed != row.changed || (err != nil) != (row.transient || row.failure != "") || isFailure != (row.failure != "") {
				t.Fatalf("got %v, %v", changed, err)
			}
			if isFailure && (failure.Code != row.failure || failure.Advice == "") {
				t.Errorf("got %+v, want %s", failure, row.failure)
			}
		})
	}
}

// An update names the stack by its id and keeps its version; what its cell gave it stays.
func TestAnUpdateIsNoUpgrade(t *testing.T) {
	t.Parallel()
	var call url.Values
	if _, err := against(refusing("ValidationError", "No updates are to be performed.", &call), stacks.Options{}).
		Update(t.Context(), frankfurt, standing, "update-1"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"StackName": "stack-id", "ClientRequestToken": "update-1",
		"Parameters.member.2.ParameterKey": "IpPrivacy", "Parameters.member.2.ParameterValue": "full",
		"Parameters.member.3.ParameterKey": "SearchEndpoint", "Parameters.member.3.UsePreviousValue": "true", "Parameters.member.3.ParameterValue": "",
	} {
		if got := call.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := call.Get("TemplateURL"); !strings.HasSuffix(got, "/v7/templates/tenant.yaml") {
		t.Errorf("the template is %s, want that of v7", got)
	}
}

// A stack that is taken back has the template and the parameters that it had, and nothing that its cell gives now.
func TestATakeBackAsksForWhatWas(t *testing.T) {
	t.Parallel()
	var call url.Values
	former := operation.Release{Version: "v7", Parameters: map[string]string{"Slug": "acme", "IpPrivacy": "none", "SearchEndpoint": "https://before", "Gone": "x"}}
	if _, err := against(refusing("ValidationError", "No updates are to be performed.", &call), stacks.Options{}).
		TakeBack(t.Context(), frankfurt, "stack-id", former, "back-1"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Action": "UpdateStack", "StackName": "stack-id", "ClientRequestToken": "back-1",
		"Parameters.member.1.ParameterValue": "acme", "Parameters.member.2.ParameterValue": "none",
		"Parameters.member.3.ParameterValue": "https://before", "Parameters.member.4.ParameterKey": "",
	} {
		if got := call.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := call.Get("TemplateURL"); !strings.HasSuffix(got, "/v7/templates/tenant.yaml") {
		t.Errorf("the template is %s, want that of v7", got)
	}
}

func TestContinueThatIsRefused(t *testing.T) {
	t.Parallel()
	for code, ok := range map[string]bool{"ValidationError": true, "TokenAlreadyExistsException": true, "AccessDenied": false, "InternalFailure": false} {
		var call url.Values
		err := against(refusing(code, "no", &call), stacks.Options{}).Continue(t.Context(), frankfurt, "stack-id", "continue-1")
		if (err == nil) != ok || call.Get("Action") != "ContinueUpdateRollback" || call.Get("ClientRequestToken") != "continue-1" {
			t.Errorf("%s: %v after %v", code, err, call)
		}
	}
}

// What may follow upon each of CloudFormation's statuses.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]operation.StackStatus{
		"CREATE_COMPLETE": operation.StackReady, "UPDATE_COMPLETE": operation.StackReady,
		"UPDATE_ROLLBACK_COMPLETE": operation.StackReverted, "UPDATE_FAILED": operation.StackReverted,
		"UPDATE_IN_PROGRESS": operation.StackUpdating, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": operation.StackUpdating,
		"UPDATE_ROLLBACK_IN_PROGRESS": operation.StackUpdating, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": operation.StackUpdating,
		"UPDATE_ROLLBACK_FAILED": operation.StackStuck, "ROLLBACK_COMPLETE": operation.StackRolledBack, "ROLLBACK_FAILED": operation.StackRolledBack,
		"DELETE_FAILED": operation.StackUndeletable, "DELETE_IN_PROGRESS": operation.StackDeleting, "SOMETHING_NEW": operation.StackUpdating,
	} {
		view, err := against(pages(status, nil), stacks.Options{}).Describe(t.Context(), frankfurt, "acme")
		if err != nil || view.Status != want || view.Raw != status {
			t.Errorf("%s: %s, %v; want %s", status, view.Status, err, want)
		}
	}
}
