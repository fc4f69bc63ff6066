package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/internal/tracing/tracingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

func collector(t *testing.T) *tracingtest.Collector {
	t.Helper()
	c := tracingtest.Start()
	t.Cleanup(c.Close)
	return c
}

func start(t *testing.T, endpoint string) *tracing.Tracing {
	t.Helper()
	traces, err := tracing.Start(t.Context(), tracing.Settings{Endpoint: endpoint}, "test", silent)
	require.NoError(t, err)
	require.NotNil(t, traces)
	return traces
}

// Without an endpoint there is nothing: goleak would find a goroutine of it, and the handler is the one that was given.
func TestNothingIsStartedWithoutAnEndpoint(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]tracing.Settings{
		"nothing is set": {}, "no endpoint": {Exporter: "otlp", Protocol: "http/protobuf"},
		"switched off": {Endpoint: "http://127.0.0.1:1", Disabled: true}, "exporter none": {Endpoint: "http://127.0.0.1:1", Exporter: "none"},
	} {
		traces, err := tracing.Start(t.Context(), s, "test", silent)
		require.NoError(t, err, name)
		assert.Nil(t, traces, name)
		mux := http.NewServeMux()
		assert.Same(t, mux, traces.Handler(mux), name)
		assert.Same(t, silent, traces.Logger(silent), name)
		_, span := traces.Provider().Tracer("test").Start(t.Context(), "none")
		assert.False(t, span.IsRecording(), name)
		traces.Stop(t.Context())
	}
}

func TestSettingsThatCannotBeHonouredAreRefused(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]tracing.Settings{
		"OTEL_TRACES_EXPORTER": {Endpoint: "http://127.0.0.1:1", Exporter: "zipkin"}, "OTEL_EXPORTER_OTLP_PROTOCOL": {Endpoint: "http://127.0.0.1:1", TracesProtocol: "grpc"},
		"http or https URL": {Endpoint: "collector:4318"},
	} {
		_, err := tracing.Start(t.Context(), s, "test", silent)
		assert.ErrorContains(t, err, name)
	}
}

func TestTheEnvironmentIsRead(t *testing.T) {
	c := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL+"/")
	t.Setenv("OTEL_SERVICE_NAME", "renamed")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=here")
	var lines bytes.Buffer
	traces, log, err := tracing.FromEnvironment(t.Context(), "test", slog.New(slog.NewJSONHandler(&lines, nil)))
	require.NoError(t, err)
	ctx, span := traces.Provider().Tracer("test").Start(t.Context(), "work")
	log.With("a", 1).InfoContext(ctx, "within")
	span.End()
	traces.Stop(t.Context())
	spans := c.Spans()
	require.Len(t, spans, 1)
	assert.Equal(t, "renamed", spans[0].Process["service.name"])
	assert.NotEmpty(t, spans[0].Process["service.version"])
	assert.Equal(t, "here", spans[0].Process["deployment.environment.name"])
	assert.Contains(t, lines.String(), `"trace_id":"`+spans[0].Trace+`","span_id":"`+spans[0].ID+`"`)

	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	traces, _, err = tracing.FromEnvironment(t.Context(), "test", silent)
	require.NoError(t, err)
	_, span = traces.Provider().Tracer("test").Start(t.Context(), "work")
	assert.False(t, span.IsRecording())
	traces.Stop(t.Context())
}

// TestAttackSecretsInTraces plants one everywhere where a library might find it.
func TestAttackSecretsInTraces(t *testing.T) {
	t.Parallel()
	const secret = "hush-hush"
	c := collector(t)
	traces := start(t, c.URL)
	server := httptest.NewServer(traces.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		tracing.Name(r.Context(), tracing.Request{ID: "one", Method: r.Method, Route: "/v1/:what", Tenant: "acme"})
		span := trace.SpanFromContext(r.Context())
		span.RecordError(errors.New(secret))
		span.AddEvent(secret)
		span.SetStatus(codes.Error, secret)
		span.SetAttributes(attribute.String("url.full", secret), attribute.String("of.a.library.to.come", secret))
		w.WriteHeader(http.StatusInternalServerError)
	})))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/"+secret+"?token="+secret, strings.NewReader(secret))
	require.NoError(t, err)
	for _, header := range []string{"Authorization", "Cookie", "User-Agent", "X-Forwarded-For", "Referer", "Baggage", "X-Request-Id"} {
		request.Header.Set(header, secret)
	}
	request.Host = secret
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	traces.Stop(t.Context())
	spans := c.Spans()
	require.Len(t, spans, 1)
	assert.Equal(t, "POST /v1/:what", spans[0].Name)
	assert.True(t, spans[0].Failed)
	assert.Equal(t, "acme", spans[0].Attributes["earshot.tenant"])
	assert.Equal(t, "one", spans[0].Attributes["earshot.request_id"])
	assert.Equal(t, "/v1/:what", spans[0].Attributes["http.route"])
	assert.NotContains(t, c.Raw(), secret)
	assert.NotContains(t, c.Raw(), "127.0.0.1", "addresses of people stay here too")
}

// TestAttackATraceOfAStranger has a caller name a trace. It is not written into, and its flag does not decide what is kept.
func TestAttackATraceOfAStranger(t *testing.T) {
	t.Parallel()
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	c := collector(t)
	traces := start(t, c.URL)
	handler := traces.Handler(http.NotFoundHandler())
	for _, flag := range []string{"00", "01"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Header.Set("Traceparent", "00-"+theirs+"-b7ad6b7169203331-"+flag)
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	traces.Stop(t.Context())
	spans := c.Spans()
	require.Len(t, spans, 2, "that of health is none")
	for _, span := range spans {
		assert.NotEqual(t, theirs, span.Trace)
		assert.Empty(t, span.Parent)
		assert.Equal(t, []string{theirs}, span.Linked)
	}
}

// A collector that takes connections and answers nothing, and one that is not there, hold nobody up: neither who makes spans, many
// more than are kept for it, nor who ends. Both would never end here if they waited.
func TestADeadCollectorHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hangs.Close()
	defer close(release)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, endpoint := range []string{hangs.URL, gone.URL} {
		traces := start(t, endpoint)
		tracer := traces.Provider().Tracer("test")
		for range 10_000 {
			_, span := tracer.Start(t.Context(), "work")
			span.End()
		}
		traces.Stop(context.WithoutCancel(t.Context()))
	}
}
