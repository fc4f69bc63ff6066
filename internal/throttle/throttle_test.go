package throttle_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/earshot-hq/earshot/internal/throttle"
)

func TestACallerIsHeldToTheLimitAlone(t *testing.T) {
	t.Parallel()
	callers, now := throttle.New(throttle.Limit{PerSecond: 2, Burst: 3}), time.Now()
	for range 3 {
		assert.Zero(t, callers.Take("a", now))
	}
	assert.Equal(t, 500*time.Millisecond, callers.Take("a", now))
	assert.Equal(t, 500*time.Millisecond, callers.Take("a", now), "who was refused has spent nothing")
	assert.Zero(t, callers.Take("b", now))
	assert.Zero(t, callers.Take("a", now.Add(500*time.Millisecond)))
	assert.Equal(t, 500*time.Millisecond, callers.Take("a", now.Add(500*time.Millisecond)))
}

// A flood of names pushes out who has been quiet, and nobody who is still asking.
func TestAttackAFloodOfNames(t *testing.T) {
	t.Parallel()
	callers, now := throttle.New(throttle.Limit{PerSecond: 0.001, Burst: 1}), time.Now()
	assert.Zero(t, callers.Take("loud", now))
	for n := range 30_000 {
		callers.Take(strconv.Itoa(n), now)
		if n%1000 == 0 {
			assert.Positive(t, callers.Take("loud", now), "after %d others", n)
		}
	}
	assert.Zero(t, callers.Take("0", now), "the memory is bounded")
}

func TestALookTakesNothing(t *testing.T) {
	t.Parallel()
	callers, now := throttle.New(throttle.Limit{PerSecond: 2, Burst: 1}), time.Now()
	for range 3 {
		assert.Zero(t, callers.Look("a", now))
	}
	assert.Zero(t, callers.Take("a", now))
	assert.Equal(t, 500*time.Millisecond, callers.Look("a", now))
	assert.Equal(t, 500*time.Millisecond, callers.Take("a", now))
	assert.Zero(t, callers.Look("a", now.Add(500*time.Millisecond)))
	assert.Zero(t, throttle.New(throttle.Limit{}).Look("a", now))
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	callers := throttle.New(throttle.Limit{})
	for range 1000 {
		assert.Zero(t, callers.Take("a", time.Time{}))
	}
}

func TestRetryAfterIsNeverTooEarly(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2"} {
		assert.Equal(t, want, throttle.RetryAfter(wait), wait)
	}
}
