package awscalls_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/earshot-hq/earshot/internal/awscalls"
	"github.com/earshot-hq/earshot/internal/sendonce"
)

func TestEveryCallIsToldOnce(t *testing.T) {
	t.Parallel()
	answers := []string{
		`<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`,
		`<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		if len(answers) == 1 {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(answers[0]))
		answers = answers[1:]
	}))
	defer server.Close()
	var told []string
	config := aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	sendonce.Apply(&config)
	awscalls.Watch(&config, func(service, operation, code string, took time.Duration) {
		told = append(told, fmt.Sprint(service, " ", operation, " ", code, " ", took > 0))
	})
	client := cloudformation.NewFromConfig(config)
	for range 2 {
		_, _ = client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}) // what becomes of it is told
	}
	config.BaseEndpoint = aws.String("http://127.0.0.1:1")
	_, _ = cloudformation.NewFromConfig(config).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
	want := []string{"CloudFormation DescribeStacks ok true", "CloudFormation DescribeStacks Throttling true", "CloudFormation DescribeStacks unanswered true"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestEveryCallIsASpan has a call that succeeds and one that AWS refuses be spans of the trace in which they were made.
func TestEveryCallIsASpan(t *testing.T) {
	t.Parallel()
	answers := []string{
		`<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`,
		`<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "id of aws")
		if len(answers) == 1 {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(answers[0]))
		answers = answers[1:]
	}))
	defer server.Close()
	kept := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept))
	config := aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	sendonce.Apply(&config)
	awscalls.Trace(&config, provider)
	client := cloudformation.NewFromConfig(config)
	ctx, above := provider.Tracer("test").Start(t.Context(), "above")
	for range 2 {
		_, _ = client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{}) // what becomes of it is told
	}
	spans := kept.GetSpans()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for n, want := range []string{"", "Throttling"} {
		s, said := spans[n], map[string]string{}
		for _, a := range s.Attributes {
			said[string(a.Key)] = a.Value.AsString()
		}
		if s.Name != "CloudFormation.DescribeStacks" || s.Parent.SpanID() != above.SpanContext().SpanID() ||
			said["aws.request_id"] != "id of aws" || said["aws.region"] != "eu-central-1" || said["error.type"] != want {
			t.Errorf("span %d is %s with %v", n, s.Name, said)
		}
	}
}
