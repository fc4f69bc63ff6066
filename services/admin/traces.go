package main

import (
	"context"
	"encoding/json"
	"regexp"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/riverqueue/rivercontrib/otelriver"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/tracing"
)

// traceStatements has each statement within a trace be a span of it, by the name of its query; nil where traces are off. Neither
// its text nor its parameters leave the process.
func traceStatements(traces *tracing.Tracing) pgx.QueryTracer {
	if traces == nil {
		return nil
	}
	return otelpgx.NewTracer(
		otelpgx.WithTracerProvider(traces.Provider()), otelpgx.WithMeterProvider(noop.NewMeterProvider()), otelpgx.WithSpanNameFunc(statementName),
		otelpgx.WithDisableSQLStatementInAttributes(), otelpgx.WithDisableConnectionDetailsInAttributes(),
	)
}

var queryName = regexp.MustCompile(`^-- name: (\w+)`)

// statementName is the name that sqlc's queries begin with, of ours and of River's, or the first word.
func statementName(sql string) string {
	if named := queryName.FindStringSubmatch(sql); named != nil {
		return named[1]
	}
	return otelpgx.SQLOperationName(context.Background(), sql)
}

// traceJobs has a job carry the trace in which it was added, and go on in it each time that it runs; none where traces are off.
func traceJobs(traces *tracing.Tracing) []rivertype.Middleware {
	if traces == nil {
		return nil
	}
	return []rivertype.Middleware{
		river.WorkerMiddlewareFunc(goOn),
		otelriver.NewMiddleware(&otelriver.MiddlewareConfig{
			TracerProvider: traces.Provider(), MeterProvider: noop.NewMeterProvider(), EnableTracePropagation: true, EnableWorkSpanJobKindSuffix: true,
		}),
		river.WorkerMiddlewareFunc(sayCause),
	}
}

// goOn makes what otelriver only links a part of the trace: an operation is one trace, from the request to its end.
func goOn(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	var carried struct {
		Parent string `json:"traceparent"`
		State  string `json:"tracestate"`
	}
	if json.Unmarshal(job.Metadata, &carried) == nil { // who added the job may have had no trace
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": carried.Parent, "tracestate": carried.State})
	}
	return work(ctx)
}

// sayCause names the request that the job is of.
func sayCause(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	var cause postgres.Cause
	if json.Unmarshal(job.Metadata, &cause) == nil {
		tracing.Say(trace.SpanFromContext(ctx), "request_id", cause.RequestID)
	}
	return work(ctx)
}
