// Package pusher is the HTTP side of a tenant's telemetry: it takes events of API Gateway's Lambda proxy, lets package
// telemetry read the body, puts the envelope into the tenant's queue and answers. It holds no key to search.
package pusher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// The faults of a request, besides those of its body.
var (
	ErrOrigin = fault.New(fault.Forbidden, "telemetry.origin_refused",
		"This origin may not send telemetry here. Add it to the tenant's softphone_origins, if it is the tenant's.")
	ErrSuspended = fault.New(fault.Gone, "telemetry.suspended",
		"The tenant is suspended. Stop sending, and tell the agent so.")
	ErrMethod   = fault.New(fault.MethodNotAllowed, "telemetry.method_not_allowed", "Send telemetry with POST.")
	ErrEncoding = fault.New(fault.UnsupportedMedia, "telemetry.encoding_unsupported",
		"Send the body as it is or with content-encoding: gzip.")
	ErrUnpack = fault.New(fault.Malformed, "telemetry.body_unreadable",
		"The body cannot be unpacked: its base64 or gzip is broken or ends too early.")
	ErrQueue = fault.New(fault.Unavailable, "telemetry.queue_unavailable",
		"The queue did not take the records. Keep them and send them again.")
)

// Queue takes envelopes.
type Queue interface {
	// Send returns only when the queue has each record of the envelope, durably. It retries transient errors itself: an
	// error means that some are not known to be kept, and that the sender should send all again.
	Send(ctx context.Context, e telemetry.Envelope) error
}

// Agents knows who the tenant's agents are.
type Agents interface {
	// Book returns what is known now. It never waits long, and never fails: who is not known then is not marked.
	Book(ctx context.Context) agents.Book
}

// Settings are a pusher's part of the environment.
type Settings struct {
	Tenant    string           `env:"TENANT,required,notEmpty"`
	Origins   []string         `env:"ORIGINS,required,notEmpty"` // the softphone's own first
	QueueURL  string           `env:"QUEUE_URL,required,notEmpty"`
	IPPrivacy tenant.IPPrivacy `env:"IP_PRIVACY,required,notEmpty"`
	Suspended bool             `env:"SUSPENDED"`
}

// Handler answers the requests of one route. Use New.
type Handler struct {
	kind      string
	name      string
	tenant    slug.Slug
	origins   map[string]bool // in the browser's form
	privacy   tenant.IPPrivacy
	suspended bool
	queue     Queue
	agents    Agents
	log       *slog.Logger
	now       func() time.Time
}

// New returns the handler of one kind of telemetry, or an error that names every wrong setting. The name is the
// function's within the tenant.
func New(kind, name string, s Settings, queue Queue, known Agents, log *slog.Logger) (*Handler, error) {
	h := &Handler{
		kind: kind, name: name, origins: map[string]bool{}, privacy: s.IPPrivacy, suspended: s.Suspended,
		queue: queue, agents: known, log: log, now: time.Now,
	}
	owner, err := slug.Parse(s.Tenant)
	wrong := []error{err}
	h.tenant = owner
	for _, origin := range s.Origins {
		if origin = strings.TrimSpace(origin); origin == "" {
			continue
		}
		normal, err := tenant.NormalOrigin(origin)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("origin %q: %w", origin, err))
		}
		h.origins[normal] = true
	}
	switch s.IPPrivacy {
	case tenant.IPFull, tenant.IPTruncated, tenant.IPNone:
	default:
		wrong = append(wrong, fmt.Errorf("ip privacy %q is not full, truncated or none", s.IPPrivacy))
	}
	return h, errors.Join(wrong...)
}

// Handle answers one request. Its error is always nil: API Gateway would make of it an answer that no page can read.
func (h *Handler) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	started := h.now()
	line := &line{}
	var answer events.APIGatewayProxyResponse
	if origin, allowed := h.originOf(r); allowed {
		answer = h.respond(ctx, r, line)
		allow(answer.Headers, origin)
	} else {
		answer = h.refuse(r, line, ErrOrigin)
	}
	line.write(ctx, h, r, answer.StatusCode, h.now().Sub(started))
	return answer, nil
}

// respond answers a request whose origin is the tenant's.
func (h *Handler) respond(ctx context.Context, r events.APIGatewayProxyRequest, line *line) events.APIGatewayProxyResponse {
	switch {
	case r.HTTPMethod == http.MethodOptions:
		return preflight()
	case r.HTTPMethod != http.MethodPost:
		return h.refuse(r, line, ErrMethod)
	case h.suspended:
		return h.refuse(r, line, ErrSuspended)
	}
	body, err := unpack(r, telemetry.MaxBytes(h.kind))
	if err != nil {
		return h.refuse(r, line, err)
	}
	line.decodedBytes = len(body)
	batch, err := telemetry.Decode(h.kind, body, telemetry.Arrival{
		Tenant: h.tenant, Pusher: h.name, ReceivedAt: h.now(), Privacy: h.privacy,
		SourceIP: r.RequestContext.Identity.SourceIP, // X-Forwarded-For can be forged
		Agents:   h.agents.Book(ctx),
	})
	line.batch = batch
	if err != nil {
		return h.refuse(r, line, err)
	}
	if err := h.send(ctx, batch.Envelope); err != nil {
		line.cause = err
		return h.refuse(r, line, ErrQueue)
	}
	line.accepted = len(batch.Envelope.Records)
	return accepted(batch)
}

// send leaves time for an answer that says the queue was too slow.
func (h *Handler) send(ctx context.Context, e telemetry.Envelope) error {
	if deadline, limited := ctx.Deadline(); limited {
		const answerTime = 500 * time.Millisecond
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer cancel()
	}
	return h.queue.Send(ctx, e)
}
