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
	Title    string        `json:"title"`  // the kind in a few words, for people: the same for all codes of a kind
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

	errInternal = fault.New(fault.Internal, "internal", "Try again. If it happens again, tell us the instance.")
)

// shown is how each kind looks over HTTP.
var shown = map[fault.Kind]struct {
	status int
	title  string
}{
	fault.Internal:         {http.StatusInternalServerError, "Something went wrong on our side"},
	fault.Malformed:        {http.StatusBadRequest, "The request cannot be read"},
	fault.Invalid:          {http.StatusUnprocessableEntity, "Something in the request is wrong"},
	fault.Unauthenticated:  {http.StatusUnauthorized, "Not signed in"},
	fault.Forbidden:        {http.StatusForbidden, "Not allowed"},
	fault.NotFound:         {http.StatusNotFound, "Not found"},
	fault.Conflict:         {http.StatusConflict, "Not possible as things stand"},
	fault.Precondition:     {http.StatusPreconditionFailed, "Changed since you read it"},
	fault.NoPrecondition:   {http.StatusPreconditionRequired, "If-Match is missing"},
	fault.TooLarge:         {http.StatusRequestEntityTooLarge, "Too large"},
	fault.UnsupportedMedia: {http.StatusUnsupportedMediaType, "Type or encoding not supported"},
	fault.Gone:             {http.StatusGone, "No longer available"},
	fault.Throttled:        {http.StatusTooManyRequests, "Too many requests"},
	fault.Unavailable:      {http.StatusServiceUnavailable, "Not available at the moment"},
	fault.MethodNotAllowed: {http.StatusMethodNotAllowed, "Method not allowed"},
}

// From returns what the caller sees of err. An error without a fault in its chain, and a fault of kind Internal, become
// status 500 with code "internal": their cause belongs in the log, which is the caller's job.
func From(err error) Problem {
	f, ok := fault.As(err)
	if !ok || f.Kind == fault.Internal {
		f = errInternal
	}
	kind := shown[f.Kind]
	return Problem{
		Type:   "urn:earshot:error:" + f.Code,
		Title:  kind.title,
		Status: kind.status,
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
