package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Settings are OpenTelemetry's own variables that decide whether traces are sent, and where to. All others (samplers, resource
// attributes, headers, certificates, queues) are read by its SDK.
type Settings struct {
	Endpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`        // of a collector, for all that it takes
	TracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"` // for traces, as it stands
	Protocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	TracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	Exporter       string `env:"OTEL_TRACES_EXPORTER"`
	Disabled       bool   `env:"OTEL_SDK_DISABLED"`
}

// FromEnvironment starts what the environment asks for, and returns it with a logger like log whose lines name their trace.
func FromEnvironment(ctx context.Context, service string, log *slog.Logger) (*Tracing, *slog.Logger, error) {
	s, err := env.ParseAs[Settings]()
	if err != nil {
		return nil, log, fmt.Errorf("settings: %w", err)
	}
	t, err := Start(ctx, s, service, log)
	return t, t.Logger(log), err
}

// address returns where traces go, empty when none are sent.
func (s Settings) address() (string, error) {
	if s.Disabled || s.Exporter == "none" || s.Endpoint == "" && s.TracesEndpoint == "" {
		return "", nil
	}
	if s.Exporter != "" && s.Exporter != "otlp" {
		return "", fmt.Errorf("settings: OTEL_TRACES_EXPORTER is %q, want otlp or none", s.Exporter)
	}
	protocol := s.Protocol
	if s.TracesProtocol != "" {
		protocol = s.TracesProtocol
	}
	if protocol != "" && protocol != "http/protobuf" {
		return "", fmt.Errorf("settings: OTEL_EXPORTER_OTLP_PROTOCOL is %q: traces are sent by http/protobuf only", protocol)
	}
	address := s.TracesEndpoint
	if address == "" {
		address = strings.TrimSuffix(s.Endpoint, "/") + "/v1/traces"
	}
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return "", errors.New("settings: the endpoint of OTEL_EXPORTER_OTLP must be an http or https URL")
	}
	return address, nil
}
