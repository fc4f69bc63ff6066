package stacks

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
)

// span is what a pace counts over.
const span = 10 * time.Second

// A pace keeps calls below a rate that CloudFormation counts over the whole account, and steps back when it is refused.
type pace struct {
	maxWait time.Duration

	mu      sync.Mutex
	turns   []time.Time   // when the latest calls had or have their turn, oldest first; guarded by mu
	notTill time.Time     // no turn is given before; guarded by mu
	back    time.Duration // how far the next refusal steps back; guarded by mu
}

const (
	firstBack = time.Second
	mostBack  = 8 * time.Second
)

// newPace allows so many calls in any ten seconds.
func newPace(calls int, maxWait time.Duration) *pace {
	return &pace{maxWait: maxWait, turns: make([]time.Time, calls), back: firstBack}
}

// wait returns when it is the caller's turn. It is ErrThrottled at once when that is too far away.
func (p *pace) wait(ctx context.Context) error {
	delay, ok := p.take(time.Now())
	if !ok {
		return operation.ErrThrottled
	}
	if delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take gives the next turn and says how far away it is.
func (p *pace) take(now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := latest(now, p.notTill, p.turns[len(p.turns)-1], p.turns[0].Add(span))
	if turn.After(now) { // those who wait do not come at once
		turn = turn.Add(time.Duration(rand.Int64N(int64(span) / int64(2*len(p.turns))))) //nolint:gosec // jitter
	}
	if turn.Sub(now) > p.maxWait {
		return 0, false
	}
	p.turns = append(p.turns[1:], turn)
	return turn.Sub(now), true
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// slower gives no turn for a while, longer with each refusal in a row.
func (p *pace) slower() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notTill = time.Now().Add(p.back/2 + time.Duration(rand.Int64N(int64(p.back/2)))) //nolint:gosec // jitter
	p.back = min(2*p.back, mostBack)
}

// faster forgets earlier refusals.
func (p *pace) faster() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back = firstBack
}
