package customresource_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/customresource"
)

const stack = "arn:aws:cloudformation:eu-central-1:000000000000:stack/earshot-acme/6c1b0f50-0000-0000-0000-000000000001"

// cloudFormation is where answers are put. The first failing answers are refused.
type cloudFormation struct {
	*httptest.Server
	failing int

	mu   sync.Mutex
	puts []string // guarded by mu
}

func newCloudFormation(t *testing.T, failing int) *cloudFormation {
	t.Helper()
	c := &cloudFormation{failing: failing}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.puts = append(c.puts, string(body))
		if len(c.puts) <= c.failing {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *cloudFormation) last(t *testing.T) cfn.Response {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.puts) == 0 {
		t.Fatal("CloudFormation got no answer")
	}
	text := c.puts[len(c.puts)-1]
	if len(text) > 4096 {
		t.Errorf("the answer has %d bytes", len(text))
	}
	var read cfn.Response
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func (c *cloudFormation) event(kind cfn.RequestType) cfn.Event {
	return cfn.Event{
		RequestType: kind, RequestID: "r-1", ResponseURL: c.URL + "/answer?signature=secret",
		ResourceType: "Custom::SearchTenant", LogicalResourceID: "Search", StackID: stack,
		ResourceProperties: map[string]any{"ServiceToken": "arn:…", "Slug": "acme", "Endpoint": ""},
	}
}

func TestServeAlwaysAnswers(t *testing.T) {
	t.Parallel()
	foreign := strings.Replace(stack, "earshot-acme", "earshot-beta", 1)
	tests := []struct {
		name       string
		kind       cfn.RequestType
		change     func(*cfn.Event)
		apply      func(context.Context, customresource.Request) error
		wantStatus cfn.StatusType
		wantReason string
		wantID     string
		wantCalls  int
	}{
		{name: "create", kind: cfn.RequestCreate, wantStatus: cfn.StatusSuccess, wantCalls: 1},
		{name: "update with an id from elsewhere", kind: cfn.RequestUpdate, change: func(e *cfn.Event) { e.PhysicalResourceID = "other" },
			wantStatus: cfn.StatusSuccess, wantCalls: 1},
		{name: "failure", kind: cfn.RequestCreate, apply: fails("search said no"), wantStatus: cfn.StatusFailed,
			wantReason: "search said no", wantCalls: 1},
		{name: "long failure", kind: cfn.RequestCreate, apply: fails(strings.Repeat("ü", 9000)), wantStatus: cfn.StatusFailed,
			wantReason: "üü", wantCalls: 1},
		{name: "panic", kind: cfn.RequestDelete, apply: func(context.Context, customresource.Request) error { panic("nil map") },
			wantStatus: cfn.StatusFailed, wantReason: "log says where", wantCalls: 1},
		{name: "another tenant's stack", kind: cfn.RequestCreate, change: func(e *cfn.Event) { e.StackID = foreign },
			wantStatus: cfn.StatusFailed, wantReason: "not that of the tenant", wantID: "earshot-beta/search"},
		{name: "delete from another tenant's stack does nothing", kind: cfn.RequestDelete,
			change: func(e *cfn.Event) { e.StackID = foreign }, wantStatus: cfn.StatusSuccess, wantID: "earshot-beta/search"},
		{name: "no slug", kind: cfn.RequestCreate, change: func(e *cfn.Event) { e.ResourceProperties = nil },
			wantStatus: cfn.StatusFailed, wantReason: "not that of the tenant"},
		{name: "the cell's stack", kind: cfn.RequestCreate,
			change:     func(e *cfn.Event) { e.StackID = strings.Replace(stack, "earshot-acme", "earshotops-cell", 1) },
			wantStatus: cfn.StatusFailed, wantReason: "no tenant's stack", wantID: "earshotops-cell/search"},
		{name: "no stack at all", kind: cfn.RequestCreate, change: func(e *cfn.Event) { e.StackID = "nonsense" },
			wantStatus: cfn.StatusFailed, wantReason: "no tenant's stack", wantID: "unknown/search"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloudFormation(t, 0)
			event := cloud.event(test.kind)
			if test.change != nil {
				test.change(&event)
			}
			calls := 0
			provider := customresource.Provider{Suffix: "search", Apply: func(ctx context.Context, r customresource.Request) error {
				calls++
				if r.Slug != "acme" || r.StackID != stack || r.Type != test.kind {
					t.Errorf("the handler got %+v", r)
				}
				if test.apply != nil {
					return test.apply(ctx, r)
				}
				return nil
			}}
			if err := provider.Serve(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			got := cloud.last(t)
			wantID := test.wantID
			if wantID == "" {
				wantID = "earshot-acme/search"
			}
			if got.Status != test.wantStatus || got.PhysicalResourceID != wantID || !strings.Contains(got.Reason, test.wantReason) {
				t.Errorf("answered %+v", got)
			}
			if got.RequestID != "r-1" || got.StackID != event.StackID || got.LogicalResourceID != "Search" {
				t.Errorf("the answer is about something else: %+v", got)
			}
			if calls != test.wantCalls {
				t.Errorf("the handler was called %d times, want %d", calls, test.wantCalls)
			}
		})
	}
}

func fails(reason string) func(context.Context, customresource.Request) error {
	return func(context.Context, customresource.Request) error { return errors.New(reason) }
}

func TestServeRepeatsAnAnswerThatWasNotTaken(t *testing.T) {
	t.Parallel()
	cloud := newCloudFormation(t, 2)
	provider := customresource.Provider{Suffix: "search", Apply: fails("x")}
	if err := provider.Serve(t.Context(), cloud.event(cfn.RequestCreate)); err != nil {
		t.Fatal(err)
	}
	got := cloud.last(t)
	cloud.mu.Lock()
	defer cloud.mu.Unlock()
	if len(cloud.puts) != 3 || got.Reason != "x" {
		t.Errorf("put %d times, at last %+v", len(cloud.puts), got)
	}
}

func TestServeKeepsTheSignedAddressOutOfErrors(t *testing.T) {
	t.Parallel()
	cloud := newCloudFormation(t, 0)
	event := cloud.event(cfn.RequestCreate)
	cloud.Close()
	err := customresource.Provider{Suffix: "search", Apply: fails("x")}.Serve(t.Context(), event)
	if err == nil || strings.Contains(err.Error(), "signature") {
		t.Errorf("got %v", err)
	}
}

func TestServeLeavesTimeToAnswer(t *testing.T) {
	t.Parallel()
	cloud := newCloudFormation(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second+50*time.Millisecond)
	defer cancel()
	provider := customresource.Provider{Suffix: "search", Apply: func(ctx context.Context, _ customresource.Request) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	if err := provider.Serve(ctx, cloud.event(cfn.RequestCreate)); err != nil {
		t.Fatal(err)
	}
	if got := cloud.last(t); got.Status != cfn.StatusFailed {
		t.Errorf("answered %+v", got)
	}
}

func TestPropertiesRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		extra  map[string]any
		wantOK bool
	}{
		{name: "known", wantOK: true},
		{name: "CloudFormation's own", extra: map[string]any{"ServiceTimeout": "600"}, wantOK: true},
		{name: "unknown", extra: map[string]any{"Plugins": "x"}},
		{name: "of another type", extra: map[string]any{"Endpoint": []string{"x"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloudFormation(t, 0)
			event := cloud.event(cfn.RequestCreate)
			for name, value := range test.extra {
				event.ResourceProperties[name] = value
			}
			var properties struct{ Slug, Endpoint string }
			provider := customresource.Provider{Suffix: "search", Apply: func(_ context.Context, r customresource.Request) error {
				return r.Properties(&properties)
			}}
			if err := provider.Serve(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if got := cloud.last(t); (got.Status == cfn.StatusSuccess) != test.wantOK {
				t.Errorf("answered %+v", got)
			}
		})
	}
}
