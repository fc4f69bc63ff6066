package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/earshot-hq/earshot/internal/fault"
)

// Limits are how many requests one caller may send, an admin or an API key. Each process of the service counts for itself.
type Limits struct {
	Rate  float64 // requests a second; 0: no limit
	Burst int     // at once after a pause
}

// mostCallers bounds the memory: of more callers than these, those who have been away the longest begin anew.
const mostCallers = 10_000

var errThrottled = fault.New(fault.Throttled, "request.throttled", "You send more requests than one caller may; wait for as many seconds as Retry-After says.")

// limiter gives each of many callers a bucket of tokens.
type limiter struct {
	rate    rate.Limit
	burst   int
	buckets *lru.Cache[string, *rate.Limiter]
}

func newLimiter(perSecond float64, burst int) (*limiter, error) {
	buckets, err := lru.New[string, *rate.Limiter](mostCallers)
	return &limiter{rate.Limit(perSecond), burst, buckets}, err
}

func (l *limiter) of(caller string) *rate.Limiter {
	fresh := rate.NewLimiter(l.rate, l.burst)
	if bucket, known, _ := l.buckets.PeekOrAdd(caller, fresh); known {
		l.buckets.Get(caller) // was seen just now
		return bucket
	}
	return fresh
}

// take takes a token of the caller's, or returns how long it lasts until there is one.
func (l *limiter) take(caller string, now time.Time) (wait time.Duration) {
	if l.rate == 0 {
		return 0
	}
	reserved := l.of(caller).ReserveN(now, 1)
	if wait = reserved.DelayFrom(now); wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// throttle refuses the request for a time.
func (a *API) throttle(c *gin.Context, wait time.Duration) {
	c.Writer.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	a.fail(c, errThrottled)
}

// isNoise reports refusals that are not written down in the audit: whoever floods the API must not fill the table too.
func isNoise(status int) bool { return status == http.StatusTooManyRequests }
