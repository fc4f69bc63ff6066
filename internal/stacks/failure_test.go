package stacks_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/stacks"
)

// pages answers DescribeStackEvents page by page, and DescribeStacks with one status.
func pages(status string, events ...[]event) stub {
	return func(_ *http.Request, call url.Values) *http.Response {
		switch call.Get("Action") {
		case "DescribeStackEvents":
			at := 0
			for call.Get("NextToken") != "" && call.Get("NextToken") != token(at) {
				at++
			}
			next := ""
			if at+1 < len(events) {
				next = token(at + 1)
			}
			return reply(call, answer{StackEvents: events[at], NextToken: next})
		case "DescribeStacks":
			return reply(call, answer{Stacks: []stackPage{{call.Get("StackName"), "id", status, "2026-11-24T09:00:00Z"}}})
		}
		return refuse("InvalidAction", call.Get("Action"))
	}
}

func token(page int) string { return "page" + strings.Repeat("+", page) }

// Case 17: an older attempt, cancelled siblings, the stack's own summary, a cause on the second page.
func TestFirstFailureIsTheCause(t *testing.T) {
	t.Parallel()
	var given struct {
		Pages []struct{ StackEvents []event } `json:"describe_stack_events_pages_newest_first"`
	}
	var want struct {
		Error operation.Failure `json:"operation.error"`
	}
	readCase(t, "17-first-reason-rollback-complete.json", &given)
	readCase(t, "17-expected.json", &want)
	of := against(pages("ROLLBACK_COMPLETE", given.Pages[0].StackEvents, given.Pages[1].StackEvents), stacks.Options{})

	got, err := of.FirstFailure(t.Context(), frankfurt, "id", "create-1")
	if err != nil {
		t.Fatal(err)
	}
	if got == nil || got.Resource != want.Error.Resource || got.Type != want.Error.Type || got.Advice != want.Error.Advice {
		t.Fatalf("got %+v, want %+v", got, want.Error)
	}
	if got.Reason != "Domain already associated with another user pool." {
		t.Errorf("reason %q", got.Reason)
	}

	events, err := of.Events(t.Context(), frankfurt, "id", "create-1", "")
	if err != nil {
		t.Fatal(err)
	}
	if events[0].ID != "ev-010" || events[len(events)-1].ID != "ev-021" {
		t.Errorf("events from %s to %s, want those of this attempt, oldest first", events[0].ID, events[len(events)-1].ID)
	}
	newer, err := of.Events(t.Context(), frankfurt, "id", "create-1", "ev-019")
	if err != nil || len(newer) != 2 || newer[0].ID != "ev-020" {
		t.Errorf("after ev-019: %v, %v", newer, err)
	}
	view, err := of.Describe(t.Context(), frankfurt, "acme")
	if err != nil || view.Status != operation.StackRolledBack {
		t.Errorf("status %v, %v: only a deletion may follow", view.Status, err)
	}
}

// Case 19: two resources that cannot be deleted, each for a reason of its own.
func TestFailedDeletionNamesAll(t *testing.T) {
	t.Parallel()
	var given struct {
		Events []event `json:"events_newest_first"`
		Status string  `json:"status"`
	}
	readCase(t, "19-delete-failed.json", &given)
	of := against(pages(given.Status, given.Events), stacks.Options{})

	got, err := of.FirstFailure(t.Context(), frankfurt, "id", "delete-1")
	if err != nil || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	if got.Resource != "AccessLogBucket" || !strings.Contains(got.Advice, "Empty the bucket") {
		t.Errorf("got %+v, want the bucket first", got)
	}
	const reasons = "The bucket you tried to delete is not empty. You must delete all versions in the bucket. " +
		"Also PusherRole: Cannot delete entity, must detach all policies first."
	if got.Reason != reasons {
		t.Errorf("reason %q, want %q", got.Reason, reasons)
	}
	view, err := of.Describe(t.Context(), frankfurt, "acme")
	if err != nil || view.Status != operation.StackUndeletable {
		t.Errorf("status %v, %v: never absent while the stack exists", view.Status, err)
	}
}

func TestEventsAreThoseOfTheCall(t *testing.T) {
	t.Parallel()
	stackEvent := func(id, status, token string) event {
		return event{EventID: id, StackID: "id", PhysicalResourceID: "id", ResourceType: "AWS::CloudFormation::Stack", ResourceStatus: status, ClientRequestToken: token}
	}
	resource := func(id, status, reason, token string) event {
		return event{EventID: id, StackID: "id", LogicalResourceID: "Queue", ResourceType: "AWS::SQS::Queue", ResourceStatus: status, ResourceStatusReason: reason, ClientRequestToken: token}
	}
	of := against(pages("DELETE_FAILED", []event{
		resource("7", "DELETE_FAILED", "It is in use.", "delete"),
		stackEvent("6", "DELETE_IN_PROGRESS", "delete"),
		stackEvent("5", "ROLLBACK_COMPLETE", "create"),
		resource("4", "CREATE_FAILED", `Resource handler returned message: "Queue is bad (Service: Sqs, Status Code: 400, Request ID: 1-2) (SDK Attempt Count: 1)" (RequestToken: 3-4, HandlerErrorCode: InvalidRequest)`, "create"),
		stackEvent("3", "CREATE_IN_PROGRESS", "create"),
	}, []event{resource("2", "CREATE_FAILED", "Another time.", "older")}), stacks.Options{})

	for call, want := range map[string][]string{"delete": {"6", "7"}, "create": {"3", "4", "5"}, "unknown": {}} {
		events, err := of.Events(t.Context(), frankfurt, "id", call, "")
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, 0, len(events))
		for _, e := range events {
			got = append(got, e.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("events of %s: %v, want %v", call, got, want)
		}
	}
	failure, err := of.FirstFailure(t.Context(), frankfurt, "id", "create")
	if err != nil || failure == nil || failure.Reason != "Queue is bad" {
		t.Errorf("the reason without its wrapping: %+v, %v", failure, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	of := against(func(_ *http.Request, call url.Values) *http.Response {
		switch call.Get("StackName") {
		case "earshot-gone":
			return refuse("ValidationError", "Stack with id earshot-gone does not exist")
		case "earshot-busy":
			return refuse("Throttling", "Rate exceeded")
		}
		return refuse("InternalFailure", "oh")
	}, stacks.Options{})
	if view, err := of.Describe(t.Context(), frankfurt, "gone"); err != nil || view.Status != operation.StackAbsent {
		t.Errorf("a stack that is not: %v, %v", view, err)
	}
	if err := of.Delete(t.Context(), frankfurt, "earshot-gone", "token"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	if _, err := of.Describe(t.Context(), frankfurt, "busy"); !isThrottled(err) {
		t.Errorf("throttled: %v", err)
	}
	if _, err := of.Describe(t.Context(), frankfurt, "broken"); err == nil || isThrottled(err) {
		t.Errorf("broken: %v", err)
	}
}
