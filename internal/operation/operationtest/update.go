package operationtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Update implements operation.Stacks.
func (c *Cloud) Update(_ context.Context, _ tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.stacks[t.Slug]
	switch {
	case c.Trouble != nil:
		return false, c.Trouble
	case st == nil:
		return false, fmt.Errorf("stack %s is not there", t.Slug)
	case c.tokens[token] != "":
		return true, nil
	case st.status != operation.StackReady && st.status != operation.StackReverted:
		return false, fmt.Errorf("stack %s is %s", t.Slug, st.status)
	case suspended(st.of) == suspended(t) &&
		!slices.ContainsFunc(tenant.Changed(st.of, t), func(m tenant.Member) bool { return m.Parameter != "" }):
		return false, nil
	}
	st.begin(t.Slug.StackName(), "UPDATE_IN_PROGRESS", token)
	c.tokens[token] = st.id
	st.status, st.looks, st.becomes, st.next = operation.StackUpdating, looksToSettle, operation.StackReady, t
	if c.FailUpdate != "" {
		c.rollBack(st)
	}
	return true, nil
}

func suspended(t tenant.Tenant) bool { return t.State == tenant.Suspended }

// Suspended reports whether the tenant's stack refuses what is sent.
func (c *Cloud) Suspended(s slug.Slug) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.stacks[s]
	return st != nil && suspended(st.of)
}

// Forget removes the tenant's stack.
func (c *Cloud) Forget(s slug.Slug) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.stacks, s)
}

// Continue implements operation.Stacks.
func (c *Cloud) Continue(_ context.Context, _ tenant.Cell, stackID, token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, st := range c.stacks {
		if st.id == stackID && st.status == operation.StackStuck && c.Trouble == nil {
			st.begin(s.StackName(), "UPDATE_ROLLBACK_IN_PROGRESS", token)
			st.status, st.looks = operation.StackUpdating, looksToSettle
			c.rollBack(st)
		}
	}
	return c.Trouble
}

func (c *Cloud) rollBack(st *stack) {
	st.becomes = operation.StackReverted
	if c.StickRollbacks > 0 {
		c.StickRollbacks--
		st.becomes = operation.StackStuck
	}
}

func (c *Cloud) updated(st *stack) {
	st.tell("Site", "UPDATE_COMPLETE", "")
	st.of, st.next = st.next, tenant.Tenant{}
	c.Updated++
}

// reverted tells what failed by itself, once, and what the rollback stumbled over, each time.
func (c *Cloud) reverted(st *stack) {
	if st.next.Slug != "" {
		st.tell(c.FailUpdate, "UPDATE_FAILED", "It is taken.")
		st.next = tenant.Tenant{}
	}
	if st.status == operation.StackStuck {
		st.tell("Site", "UPDATE_FAILED", "It cannot be put back.")
	}
}
