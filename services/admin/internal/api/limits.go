package api

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/throttle"
)

var (
	errThrottled = fault.New(fault.Throttled, "request.throttled", "You send more requests than one caller may; wait for as many seconds as Retry-After says.")
	errStrangers = fault.New(fault.Throttled, "request.strangers_throttled",
		"Too many requests without a valid sign-in came from your address; wait for as many seconds as Retry-After says.")
)

// throttled refuses a request for a time.
type throttled struct {
	wait  time.Duration
	fault *fault.Fault // errThrottled or errStrangers
}

func (t throttled) Error() string { return t.fault.Error() }

// Unwrap makes it the fault that the caller sees.
func (t throttled) Unwrap() error { return t.fault }

// sayWhen tells the sender of a request that is refused for a time how long that is.
func sayWhen(c *gin.Context, err error) {
	if t, is := errors.AsType[throttled](err); is {
		c.Header("Retry-After", throttle.RetryAfter(t.wait))
	}
}

// isNoise reports refusals that are not written down in the audit: whoever floods the API must not fill the table too.
func isNoise(status int) bool { return status == http.StatusTooManyRequests }

// admit recognises the sender of a request. Tries that fail are counted by the address that they came from, and from an address with
// too many of them nothing is looked at any more for a time: neither signatures are checked nor keys looked up for it.
func (a *API) admit(c *gin.Context) (access.Actor, error) {
	from, now := neighbourhood(c.ClientIP()), time.Now()
	if wait := a.strangers.Look(from, now); wait > 0 {
		return access.Actor{}, throttled{wait, errStrangers}
	}
	actor, err := a.recognise(c)
	if f, is := fault.As(err); is && f.Kind == fault.Unauthenticated {
		a.strangers.Take(from, now)
	}
	return actor, err
}

// neighbourhood is what one sender has of addresses: a single one of IPv4, and of IPv6 a network of 64 bits.
func neighbourhood(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return ip.Unmap().String()
	}
	const network = 64
	prefix, _ := ip.WithZone("").Prefix(network) // only of a length that no address has
	return prefix.String()
}
