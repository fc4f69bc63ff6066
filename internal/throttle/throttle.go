// Package throttle bounds how many requests each of many callers may send. Every process counts for itself.
package throttle

import (
	"math"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// A Limit is how many requests one caller may send. The zero value lets any number pass.
type Limit struct {
	PerSecond float64
	Burst     int // at once after a pause
}

// mostCallers bounds the memory: of more callers than these, those who have been away the longest begin anew.
const mostCallers = 10_000

// Callers gives each caller a bucket of tokens. It is safe for concurrent use.
type Callers struct {
	limit   Limit
	buckets *lru.Cache[string, *rate.Limiter]
}

// New makes one in which every caller's bucket is full.
func New(l Limit) *Callers {
	buckets, err := lru.New[string, *rate.Limiter](mostCallers)
	if err != nil {
		panic(err) // only of a size that is not positive
	}
	return &Callers{l, buckets}
}

// Take takes a token of the caller's and returns 0, or takes none and returns how long it lasts until there is one.
func (c *Callers) Take(caller string, now time.Time) (wait time.Duration) {
	if c.limit.PerSecond == 0 {
		return 0
	}
	reserved := c.of(caller).ReserveN(now, 1)
	if wait = reserved.DelayFrom(now); wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// Look returns how long it lasts until there is a token of the caller's, and takes none. A caller who has taken none is not remembered.
func (c *Callers) Look(caller string, now time.Time) (wait time.Duration) {
	bucket, known := c.buckets.Peek(caller)
	if c.limit.PerSecond == 0 || !known {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(0, time.Duration(missing/c.limit.PerSecond*float64(time.Second)))
}

func (c *Callers) of(caller string) *rate.Limiter {
	fresh := rate.NewLimiter(rate.Limit(c.limit.PerSecond), c.limit.Burst)
	if bucket, known, _ := c.buckets.PeekOrAdd(caller, fresh); known {
		c.buckets.Get(caller) // was seen just now
		return bucket
	}
	return fresh
}

// RetryAfter is a wait as the header of that name has it (RFC 9110 §10.2.3), in whole seconds and never too few.
func RetryAfter(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }
