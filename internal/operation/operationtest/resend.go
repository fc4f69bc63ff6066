package operationtest

import (
	"context"
	"strconv"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

const chunk = 2

// isFull uses up one of the chunks that find the queue full.
func (c *Cloud) isFull() bool {
	if c.Full > 0 {
		c.Full--
		return true
	}
	return false
}

// Replay implements operation.Resender.
func (c *Cloud) Replay(
	_ context.Context, _ tenant.Cell, _ slug.Slug, _ operation.Span, _ time.Time, cursor string,
) (operation.Resent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return operation.Resent{}, c.Trouble
	}
	from, _ := strconv.Atoi(cursor)
	if c.isFull() {
		return operation.Resent{Cursor: cursor, Waiting: true}, nil
	}
	to := min(from+chunk, c.Archived)
	for n := from; n < to; n++ {
		c.Resent = append(c.Resent, n)
	}
	return operation.Resent{
		Cursor: strconv.Itoa(to), Share: float64(to) / float64(max(1, c.Archived)), Messages: to - from, Records: 10 * (to - from),
		TooOld: to - from, Done: to == c.Archived,
	}, nil
}

// Redrive implements operation.Resender.
func (c *Cloud) Redrive(context.Context, tenant.Cell, slug.Slug, time.Time) (operation.Resent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return operation.Resent{}, c.Trouble
	}
	if c.isFull() {
		return operation.Resent{Waiting: true}, nil
	}
	if c.Hidden > 0 {
		c.Hidden--
		return operation.Resent{Hidden: c.Hidden + 1}, nil
	}
	n := min(chunk, c.Archived-c.Redriven)
	c.Redriven += n
	return operation.Resent{Messages: n, Newer: 1, Done: n == 0}, nil
}
