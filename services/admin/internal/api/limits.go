package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/throttle"
)

var errThrottled = fault.New(fault.Throttled, "request.throttled", "You send more requests than one caller may; wait for as many seconds as Retry-After says.")

// throttle refuses the request for a time.
func (a *API) throttle(c *gin.Context, wait time.Duration) {
	c.Header("Retry-After", throttle.RetryAfter(wait))
	a.fail(c, errThrottled)
}

// isNoise reports refusals that are not written down in the audit: whoever floods the API must not fill the table too.
func isNoise(status int) bool { return status == http.StatusTooManyRequests }
