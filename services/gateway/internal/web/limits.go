package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limit is how many requests a second, and how many at once. Zero: any number.
type Limit struct {
	PerSecond float64
	Burst     int
}

// Limits are of all people of a tenant together, and of one of them.
type Limits struct{ Tenant, Person Limit }

// mostLimiters bounds what is remembered; beyond it, who has been quiet longest is forgotten.
const mostLimiters = 10_000

// limiter counts requests of tenants and people.
type limiter struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]*counted // guarded by mu
}

type counted struct {
	rate *rate.Limiter
	last time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, known: map[string]*counted{}}
}

// allow reports whether one more request may be answered.
func (l *limiter) allow(who string, limit Limit) bool {
	if limit.PerSecond == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	one := l.known[who]
	if one == nil {
		if len(l.known) >= mostLimiters {
			l.forget(now)
		}
		one = &counted{rate: rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)}
		l.known[who] = one
	}
	one.last = now
	return one.rate.AllowN(now, 1)
}

// forget drops who has been quiet for a minute, and then everybody: a flood of names makes nobody's limit smaller.
func (l *limiter) forget(now time.Time) {
	for who, one := range l.known {
		if now.Sub(one.last) > time.Minute {
			delete(l.known, who)
		}
	}
	if len(l.known) >= mostLimiters {
		clear(l.known)
	}
}
