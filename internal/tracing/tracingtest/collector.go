// Package tracingtest is a collector of traces for tests.
package tracingtest

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// most is how many spans are kept: those that come first.
const most = 50_000

// A Collector takes traces by OTLP over HTTP and keeps them. Make one with Start.
type Collector struct {
	URL string // its base: OTEL_EXPORTER_OTLP_ENDPOINT

	server *httptest.Server
	mu     sync.Mutex
	spans  []Span       // guarded by mu
	bodies bytes.Buffer // guarded by mu
}

// A Span is one as it came.
type Span struct {
	Trace, ID, Parent, Name string
	Kind                    otlp.Span_SpanKind
	Failed                  bool
	Linked                  []string          // ids of traces
	Attributes              map[string]string // its own
	Process                 map[string]string // those of the process that has sent it
}

// Start starts a collector on a free port.
func Start() *Collector {
	c := &Collector{}
	c.server = httptest.NewServer(c)
	c.URL = c.server.URL
	return c
}

// Close stops it.
func (c *Collector) Close() { c.server.Close() }

// ServeHTTP takes spans.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	if len(c.spans) > most {
		return
	}
	c.bodies.Write(body)
	for _, from := range sent.ResourceSpans {
		process := textsOf(from.Resource.Attributes)
		for _, scope := range from.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, spanOf(s, process))
			}
		}
	}
}

func spanOf(s *otlp.Span, process map[string]string) Span {
	made := Span{
		Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId), Name: s.Name,
		Kind: s.Kind, Failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR, Attributes: textsOf(s.Attributes), Process: process,
	}
	for _, l := range s.Links {
		made.Linked = append(made.Linked, hex.EncodeToString(l.TraceId))
	}
	return made
}

func textsOf(list []*common.KeyValue) map[string]string {
	texts := map[string]string{}
	for _, one := range list {
		texts[one.Key] = one.Value.GetStringValue()
	}
	return texts
}

// Spans returns all that have come.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Of returns those of one trace that have come.
func (c *Collector) Of(trace string) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.Trace != trace })
}

// Raw returns all bytes that have come.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bodies.String()
}
