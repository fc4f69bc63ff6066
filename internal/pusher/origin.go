package pusher

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// originOf returns the request's origin, and whether it is one of the tenant's: equal to it to the byte, but for the case
// of ASCII letters. A request without an origin, or with two, is nobody's.
func (h *Handler) originOf(r events.APIGatewayProxyRequest) (string, bool) {
	values := header(r, "origin")
	if len(values) != 1 {
		return "", false
	}
	origin := strings.Map(lower, values[0])
	return origin, h.origins[origin]
}

// lower knows ASCII only: the Kelvin sign is not a k.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// header returns the values of a header, whose name is in lower case.
func header(r events.APIGatewayProxyRequest, name string) []string {
	for key, values := range r.MultiValueHeaders {
		if strings.EqualFold(key, name) {
			return values
		}
	}
	for key, value := range r.Headers {
		if strings.EqualFold(key, name) {
			return []string{value}
		}
	}
	return nil
}
