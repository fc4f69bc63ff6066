package tracing

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Own begins the names of our own attributes.
const Own = "earshot."

// known are the attributes of instrumentation that leave the process. Libraries add more: paths and queries, which hold names of
// people, addresses, and headers.
var known = []attribute.Key{
	"http.request.method", "http.response.status_code", "http.route", "http.request.body.size", "http.response.body.size", "error.type",
	"rpc.system.name", "rpc.method", "aws.region", "aws.request_id",
	"db.system.name", "pgx.sql_state", "pgx.rows_affected",
	"attempt", "kind", "kinds", "queue", "status", "id", "created_at", "scheduled_at", "snooze", "snooze.duration", "cancel",
}

// discreet lets of each span leave the process what is known to be no secret. Texts of errors are in the log, under the trace's id.
type discreet struct{ sdktrace.SpanExporter }

func (d discreet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	kept := make([]sdktrace.ReadOnlySpan, 0, len(spans))
	for _, s := range spans {
		kept = append(kept, discreetSpan{s})
	}
	return d.SpanExporter.ExportSpans(ctx, kept)
}

type discreetSpan struct{ sdktrace.ReadOnlySpan }

func (s discreetSpan) Attributes() (kept []attribute.KeyValue) {
	for _, a := range s.ReadOnlySpan.Attributes() {
		if slices.Contains(known, a.Key) || strings.HasPrefix(string(a.Key), Own) {
			kept = append(kept, a)
		}
	}
	return kept
}

func (discreetSpan) Events() []sdktrace.Event { return nil }

func (s discreetSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
