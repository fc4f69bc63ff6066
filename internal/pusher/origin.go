package pusher

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// originOf returns the request's origin, and whether it is one of the tenant's: equal to it to the byte, as browsers send
// it (RFC 6454 §4 and §6.1: scheme and host in lower case). A request without an origin, or with two, is nobody's.
func (h *Handler) originOf(r events.APIGatewayProxyRequest) (string, bool) {
	values := header(r, "origin")
	if len(values) != 1 {
		return "", false
	}
	return values[0], h.origins[values[0]]
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
