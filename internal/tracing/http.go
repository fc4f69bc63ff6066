package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Handler traces every request, those of health excepted. A trace that a caller names is only linked: strangers neither write into
// traces nor choose which are kept.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request",
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithMeterProvider(noop.NewMeterProvider()), otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/healthz" && r.URL.Path != "/readyz" }),
	)
}

// A Request is what a service knows of a request when it is answered.
type Request struct{ ID, Method, Route, Tenant string }

// Name names the span of a request by its route, and says whose it was. Empty members are left out.
func Name(ctx context.Context, r Request) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(r.Method + " " + r.Route)
	span.SetAttributes(attribute.String("http.route", r.Route))
	Say(span, "request_id", r.ID)
	Say(span, "tenant", r.Tenant)
}

// Say adds an attribute of ours, unless it is empty.
func Say(span trace.Span, name, value string) {
	if value != "" {
		span.SetAttributes(attribute.String(Own+name, value))
	}
}
