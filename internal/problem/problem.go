// Package problem renders errors for callers over HTTP: problem details (RFC 9457) with a stable code. It is the only
// place that knows which status a fault becomes.
package problem

import (
	"encoding/json"
	"net/http"

	"github.com/earshot-hq/earshot/internal/fault"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// A Problem is what a caller sees of an error.
type Problem struct {
	Type     string        `json:"type"`   // the code as a URN: the same wherever the problem comes from
	Title    string        `json:"title"`  // the status in words
	Status   int           `json:"status"` // repeated from the answer's first line, for logs of clients
	Detail   string        `json:"detail"` // what to do
	Code     string        `json:"code"`   // stable, see docs/errors.md
	Errors   []fault.Field `json:"errors,omitempty"`
	Instance string        `json:"instance,omitempty"` // the request's id, to find its log lines
}

// The faults of a request as such, before anything of the domain is asked.
var (
	ErrMalformed   = fault.New(fault.Malformed, "request.malformed", "Send one JSON document in UTF-8.")
	ErrInvalid     = fault.New(fault.Invalid, "request.invalid", "The request is not what the API describes; see errors.")
	ErrTooLarge    = fault.New(fault.TooLarge, "request.too_large", "The body is larger than this route takes.")
	ErrMedia       = fault.New(fault.UnsupportedMedia, "request.media_unsupported", "Send Content-Type: application/json.")
	ErrNoMatch     = fault.New(fault.NoPrecondition, "precondition.required", "Send If-Match with the ETag under which you have read it.")
	ErrNoRoute     = fault.New(fault.NotFound, "request.no_route", "There is nothing at this path; see /docs.")
	ErrNoMethod    = fault.New(fault.MethodNotAllowed, "request.method_not_allowed", "This path does not take this method; see the Allow header.")
	ErrUnavailable = fault.New(fault.Unavailable, "service.unavailable", "A part that the service needs is not there; try again in a moment.")

	errInternal = fault.New(fault.Internal, "internal", "Something went wrong on our side. Try again; if it stays, tell us the instance.")
)

var statuses = map[fault.Kind]int{
	fault.Internal:         http.StatusInternalServerError,
	fault.Malformed:        http.StatusBadRequest,
	fault.Invalid:          http.StatusUnprocessableEntity,
	fault.Unauthenticated:  http.StatusUnauthorized,
	fault.Forbidden:        http.StatusForbidden,
	fault.NotFound:         http.StatusNotFound,
	fault.Conflict:         http.StatusConflict,
	fault.Precondition:     http.StatusPreconditionFailed,
	fault.NoPrecondition:   http.StatusPreconditionRequired,
	fault.TooLarge:         http.StatusRequestEntityTooLarge,
	fault.UnsupportedMedia: http.StatusUnsupportedMediaType,
	fault.Gone:             http.StatusGone,
	fault.Throttled:        http.StatusTooManyRequests,
	fault.Unavailable:      http.StatusServiceUnavailable,
	fault.MethodNotAllowed: http.StatusMethodNotAllowed,
}

// From returns what the caller sees of err. An error without a fault in its chain, and a fault of kind Internal, become
// status 500 with code "internal": their cause belongs into the log, which is the caller's job.
func From(err error) Problem {
	f, ok := fault.As(err)
	if !ok || f.Kind == fault.Internal {
		f = errInternal
	}
	status := statuses[f.Kind]
	return Problem{
		Type:   "urn:earshot:error:" + f.Code,
		Title:  http.StatusText(status),
		Status: status,
		Detail: f.Detail,
		Code:   f.Code,
		Errors: f.Fields,
	}
}

// JSON returns the problem's body.
func (p Problem) JSON() []byte {
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers only: cannot happen
		return []byte(`{"type":"about:blank","status":500,"code":"internal"}`)
	}
	return body
}

// Write answers w with the problem, which must not be cached.
func (p Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "5")
		}
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.JSON()) // the caller has gone: nobody is left to be told
}
