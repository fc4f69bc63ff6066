package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/internal/tracing/tracingtest"
)

// asking asks AWS who it is before each look at a stack.
type asking struct {
	operation.Stacks
	aws *sts.Client
}

func (a asking) Describe(ctx context.Context, cell tenant.Cell, s slug.Slug) (operation.StackView, error) {
	if _, err := a.aws.GetCallerIdentity(ctx, nil); err != nil {
		return operation.StackView{}, err
	}
	return a.Stacks.Describe(ctx, cell, s)
}

// TestATraceReachesFromTheRequestToAWS follows an onboarding in its trace: the request, what it wrote, every run of its job, and the
// calls of AWS in them.
func TestATraceReachesFromTheRequestToAWS(t *testing.T) {
	t.Parallel()
	collector := tracingtest.Start()
	t.Cleanup(collector.Close)
	traces, err := tracing.Start(t.Context(), tracing.Settings{Endpoint: collector.URL}, "admin", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "of-aws")
		_, _ = w.Write([]byte(`<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>`))
	}))
	t.Cleanup(server.Close)
	config := aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	watchAWS(&config, prometheus.NewRegistry(), traces)
	w := setupAPI(t, traces, func(s operation.Stacks) operation.Stacks { return asking{s, sts.NewFromConfig(config)} })
	w.work(t)

	response := w.open(t, http.MethodPost, w.url+"/v1/tenants", onboarding("acme"), "application/json")
	require.Equal(t, http.StatusAccepted, response.StatusCode)
	request, operation := response.Header.Get("X-Request-Id"), strings.TrimPrefix(response.Header.Get("Location"), "/v1/operations/")
	require.NoError(t, response.Body.Close())
	require.Equal(t, "succeeded", w.end(t, operation))
	traces.Stop(context.WithoutCancel(t.Context())) // what is under way still is not awaited: the onboarding is over

	var root tracingtest.Span
	for _, s := range collector.Spans() {
		if s.Name == "POST /v1/tenants" {
			root = s
		}
	}
	assert.Equal(t, map[string]string{"tenant": "acme", "operation": operation, "request_id": request, "operation_kind": "onboard"}, ours(root))
	within := collector.Of(root.Trace)
	byID := map[string]tracingtest.Span{}
	for _, s := range within {
		byID[s.ID] = s
	}
	seen := map[string]int{}
	for _, s := range within {
		seen[s.Name]++
		if s.ID != root.ID {
			assert.Contains(t, byID, s.Parent, "the parent of %s is of another trace", s.Name)
		}
		switch s.Name {
		case "river.work/advance_operation":
			assert.Equal(t, map[string]string{"tenant": "acme", "operation": operation, "request_id": request, "operation_kind": "onboard"}, ours(s))
		case "STS.GetCallerIdentity":
			assert.Equal(t, "river.work/advance_operation", byID[s.Parent].Name)
			assert.Equal(t, "of-aws", s.Attributes["aws.request_id"])
		}
	}
	for _, name := range []string{"river.insert_many", "AddOperation", "river.work/advance_operation", "ClaimOperation", "STS.GetCallerIdentity"} {
		assert.Positive(t, seen[name], "%s, of %v", name, seen)
	}
	assert.NotContains(t, collector.Raw(), w.token)
	assert.NotContains(t, collector.Raw(), "my.connect.aws", "what was sent stays here")
}

// ours are a span's attributes of our own, without their prefix.
func ours(s tracingtest.Span) map[string]string {
	own := map[string]string{}
	for name, value := range s.Attributes {
		if short, isOurs := strings.CutPrefix(name, tracing.Own); isOurs {
			own[short] = value
		}
	}
	return own
}
