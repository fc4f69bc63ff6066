package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/throttle"
)

var errThrottled = fault.New(fault.Throttled, "request.throttled", "You send more requests than one caller may; wait for as many seconds as Retry-After says.")

// throttled refuses a request for a time.
type throttled struct{ wait time.Duration }

func (t throttled) Error() string { return errThrottled.Error() }

// Unwrap makes it the fault that the caller sees.
func (throttled) Unwrap() error { return errThrottled }

// sayWhen tells the sender of a request that is refused for a time how long that is.
func sayWhen(c *gin.Context, err error) {
	if t, is := errors.AsType[throttled](err); is {
		c.Header("Retry-After", throttle.RetryAfter(t.wait))
	}
}

// isNoise reports refusals that are not written down in the audit: whoever floods the API must not fill the table too.
func isNoise(status int) bool { return status == http.StatusTooManyRequests }
