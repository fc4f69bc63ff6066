// Package tracing sends traces of a process to an OpenTelemetry collector, where the environment names one. Without one nothing
// is started, and everything that is made here does nothing.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing is the traces of a process. A nil one is off. It is safe for concurrent use.
type Tracing struct{ provider *sdktrace.TracerProvider }

// Start begins to send traces of a service. It returns nil, and starts nothing, where the settings name no endpoint. The collector
// need not be there: what it does not take is dropped.
func Start(ctx context.Context, s Settings, service string, log *slog.Logger) (*Tracing, error) {
	address, err := s.address()
	if err != nil || address == "" {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	version := "(devel)"
	if build, isKnown := debug.ReadBuildInfo(); isKnown && build.Main.Version != "" {
		version = build.Main.Version
	}
	from, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithAttributes(semconv.ServiceName(service), semconv.ServiceVersion(version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// OpenTelemetry keeps these two for the whole process, and says what befalls it in plain text by default.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are lost", "error", err) }))
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	return &Tracing{sdktrace.NewTracerProvider(sdktrace.WithResource(from), sdktrace.WithBatcher(discreet{exporter}))}, nil
}

// Provider makes tracers for instrumentation.
func (t *Tracing) Provider() trace.TracerProvider {
	if t == nil {
		return noop.NewTracerProvider()
	}
	return t.provider
}

// lastFlush is how long a process that ends waits for a collector to take its last spans.
const lastFlush = time.Second

// Stop sends what has not been sent, for a second at most: whoever ends does not wait for a collector that is away.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastFlush)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}
