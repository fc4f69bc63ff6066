package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/logline"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tracing"
)

// statusGone is what the log says of a caller who did not wait for the answer.
const statusGone = 499

// A call is what the hooks know of a request when its handler runs.
type call struct {
	actor  access.Actor
	key    string // Idempotency-Key
	hash   [sha256.Size]byte
	accept string // the media types that the caller takes
}

// takes reports whether the caller asks for a media type by name.
func (c call) takes(media string) bool { return strings.Contains(c.accept, media) }

type callKey struct{}

// callOf returns what the hooks know of the request. Every route that needs it has passed guard.
func callOf(ctx context.Context) call {
	known, _ := ctx.Value(callKey{}).(call)
	return known
}

// write is the request as a write that is done once.
func (c call) write() operation.Write {
	return operation.Write{Key: c.key, Hash: c.hash, Render: renderStarted}
}

// observe gives the request an id, and writes a line and a figure for it when it is answered. Neither holds a query or a
// body: they may hold names of people.
func (a *API) observe(c *gin.Context) {
	began := time.Now()
	id := uuid.NewString()
	c.Set("request", id)
	named, _ := slug.Parse(c.Param("slug")) // of what is no slug nobody knows what it is
	c.Request = c.Request.WithContext(logline.With(c.Request.Context(), slog.String("request_id", id), slog.String("tenant", named.String())))
	h := c.Writer.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	took := time.Since(began)
	a.Observe(c.Request.Method, route, c.Writer.Status(), took)
	tracing.Name(c.Request.Context(), tracing.Request{ID: id, Method: service.Method(c.Request.Method), Route: route, Tenant: named.String()})
	a.Log.InfoContext(c, "request", "method", c.Request.Method, "route", route, "status", c.Writer.Status(),
		"duration_ms", took.Milliseconds(), "bytes", c.Writer.Size(), "subject", callOf(c).actor.Subject)
}

// recover turns a panic into an internal error.
func (a *API) recover(c *gin.Context) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			panic(cause)
		default:
			a.fail(c, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	c.Next()
}

// guard lets a request through to its handler when it is described by the specification and its sender may do it. Whoever
// is unknown learns nothing else about a request.
func (a *API) guard(c *gin.Context) {
	route, described := a.routes[c.Request.Method+" "+c.FullPath()]
	if !described { // NoRoute or NoMethod answers
		return
	}
	known := call{key: c.GetHeader("Idempotency-Key"), accept: c.GetHeader("Accept")}
	if !route.open {
		actor, err := a.admit(c)
		if err != nil {
			a.fail(c, err)
			return
		}
		known.actor = actor
		known.actor.Origin = access.Origin{Address: c.ClientIP(), RequestID: c.GetString("request")}
		remember(c, known) // from here on, what is refused is refused to somebody
		if wait := a.callers.Take(actor.Subject, time.Now()); wait > 0 {
			a.fail(c, throttled{wait, errThrottled})
			return
		}
		if err := known.actor.May(route.action); err != nil {
			a.fail(c, err)
			return
		}
	}
	if err := route.check(c); err != nil {
		a.fail(c, err)
		return
	}
	known.hash = hashOf(c.Request)
	remember(c, known)
}

func remember(c *gin.Context, known call) {
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callKey{}, known))
}

// bearer returns the request's token, empty when there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// hashOf is of everything that makes a write what it is.
func hashOf(r *http.Request) [sha256.Size]byte {
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery))
	if body, ok := r.Body.(*readBody); ok {
		h.Write(body.raw)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// fail answers with the problem of err. Causes that the caller does not see are logged under the request's id.
func (a *API) fail(c *gin.Context, err error) {
	c.Abort()
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		c.Status(statusGone)
		return
	}
	p := problem.From(err)
	p.Instance = "urn:earshot:request:" + c.GetString("request")
	sayWhen(c, err)
	a.noteRefusal(c, p)
	if p.Status >= http.StatusInternalServerError {
		a.Log.ErrorContext(c, "request failed", "code", p.Code, "error", err)
	}
	if !c.Writer.Written() {
		p.Write(c.Writer)
	}
}
