package pusher

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// retryAfterSeconds is when a browser may try again to fill the queue.
const retryAfterSeconds = "5"

// accepted answers a batch that is in the queue.
func accepted(batch telemetry.Batch) events.APIGatewayProxyResponse {
	status := http.StatusAccepted
	if len(batch.Rejected) > 0 {
		status = http.StatusMultiStatus
	}
	return answer(status, "application/json", struct {
		Accepted int                 `json:"accepted"`
		Rejected []telemetry.Refusal `json:"rejected"`
	}{len(batch.Envelope.Records), batch.Rejected})
}

// refuse answers a request of which nothing was taken.
func (h *Handler) refuse(r events.APIGatewayProxyRequest, line *line, err error) events.APIGatewayProxyResponse {
	what := problem.From(err)
	what.Instance = "urn:earshot:request:" + r.RequestContext.RequestID
	line.code = what.Code
	var body any = what
	if what.Status == http.StatusUnprocessableEntity {
		rejected := line.batch.Rejected
		if rejected == nil {
			rejected = []telemetry.Refusal{}
		}
		body = struct {
			problem.Problem
			Rejected []telemetry.Refusal `json:"rejected"`
		}{what, rejected}
	}
	refusal := answer(what.Status, problem.ContentType, body)
	switch what.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		refusal.Headers["retry-after"] = retryAfterSeconds
	case http.StatusMethodNotAllowed:
		refusal.Headers["allow"] = "POST, OPTIONS"
	}
	return refusal
}

// answer never sets IsBase64Encoded: API Gateway would decode by the accept header of the browser.
func answer(status int, contentType string, body any) events.APIGatewayProxyResponse {
	text, err := json.Marshal(body)
	if err != nil {
		panic("pusher: " + err.Error()) // texts and numbers only
	}
	return events.APIGatewayProxyResponse{StatusCode: status, Body: string(text), Headers: map[string]string{
		"content-type":  contentType,
		"cache-control": "no-store",
		"vary":          "origin",
	}}
}

// preflight answers for the method. It is kept for two hours, or each batch would cost a second request.
func preflight() events.APIGatewayProxyResponse {
	return events.APIGatewayProxyResponse{StatusCode: http.StatusNoContent, Headers: map[string]string{
		"access-control-allow-methods": http.MethodPost,
		"access-control-allow-headers": "content-type, content-encoding",
		"access-control-max-age":       "7200",
		"vary":                         "origin",
	}}
}

// allow makes an answer readable for the page of an origin.
func allow(headers map[string]string, origin string) {
	headers["access-control-allow-origin"] = origin
	headers["access-control-expose-headers"] = "retry-after"
}

// line is what the log says about a request: counts and sizes, never anything that the sender wrote.
type line struct {
	batch        telemetry.Batch
	accepted     int
	decodedBytes int
	code         string
	cause        error
}

func (l *line) write(
	ctx context.Context, h *Handler, r events.APIGatewayProxyRequest, status int, took time.Duration,
) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("tenant", string(h.tenant)),
		slog.String("kind", h.kind),
		slog.Int("status", status),
		slog.String("request_id", r.RequestContext.RequestID),
		slog.Int("accepted", l.accepted),
		slog.Int("rejected", len(l.batch.Rejected)),
		slog.Int("dropped_members", l.batch.DroppedMembers),
		slog.Int("without_contact", l.batch.WithoutContact),
		slog.Bool("unknown_agent", l.batch.UnknownAgent),
		slog.Int("body_bytes", len(r.Body)),
		slog.Int("decoded_bytes", l.decodedBytes),
		slog.Float64("millis", float64(took.Microseconds())/1000),
	}
	if l.code != "" {
		attributes = append(attributes, slog.String("code", l.code))
	}
	if l.cause != nil {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", l.cause.Error()))
	}
	attributes = append(attributes, l.count().Attrs(h.now(), string(h.tenant), h.name)...)
	h.log.LogAttrs(ctx, level, "telemetry post", attributes...)
}

// count returns the figures of the request. Those of the synthetic call are none: nobody's call was it.
func (l *line) count() *figures.Counts {
	counts := &figures.Counts{}
	if l.batch.Envelope.Probe {
		return counts
	}
	for _, r := range l.batch.Rejected {
		counts.Reject(r.Code, 1)
	}
	if l.code != "" {
		counts.Refuse(l.code, 1)
	}
	if counts.Add(figures.RecordsIn, l.accepted); l.accepted > 0 {
		counts.Add(figures.SuspectSamples, l.batch.Suspect)
	}
	if l.batch.UnknownAgent {
		counts.Add(figures.UnknownAgents, l.accepted)
	}
	return counts
}
