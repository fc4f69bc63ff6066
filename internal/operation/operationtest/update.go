package operationtest

import (
	"cmp"
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
	given := ""
	if st := c.stacks[t.Slug]; st != nil {
		t.Stack.ArtifactVersion, given = st.of.Stack.ArtifactVersion, st.given
	}
	return c.update(t, given, token)
}

// Upgrade implements operation.Stacks.
func (c *Cloud) Upgrade(_ context.Context, _ tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.lacks(t); err != nil {
		return false, err
	}
	return c.update(t, c.Gives, token)
}

// TakeBack implements operation.Stacks.
func (c *Cloud) TakeBack(_ context.Context, _ tenant.Cell, stackID string, to operation.Release, token string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.stacks {
		if st.id == stackID {
			t := st.of
			t.Stack.ArtifactVersion = to.Version
			if err := c.lacks(t); err != nil {
				return false, err
			}
			return c.update(t, to.Parameters["OfTheCell"], token)
		}
	}
	return false, fmt.Errorf("stack %s is not there", stackID)
}

// GivenTo is what the cell has given a tenant's stack.
func (c *Cloud) GivenTo(s slug.Slug) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stacks[s].given
}

// has is the version of a tenant's stack.
func (c *Cloud) has(s slug.Slug) string {
	if st := c.stacks[s]; st != nil {
		return st.of.Stack.ArtifactVersion
	}
	return ""
}

// lacks refuses a version that the cloud has no artifacts of.
func (c *Cloud) lacks(t tenant.Tenant) error {
	if slices.Contains(c.Versions, t.Stack.ArtifactVersion) {
		return nil
	}
	return &operation.Failure{Code: "upgrade.version_unknown", Reason: "There is no version " + t.Stack.ArtifactVersion + "."}
}

// Preview implements operation.Stacks: what is asked for is there the next time.
func (c *Cloud) Preview(_ context.Context, _ tenant.Cell, t tenant.Tenant, token string) ([]operation.StackChange, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.stacks[t.Slug]
	switch {
	case c.Trouble != nil:
		return nil, false, c.Trouble
	case c.lacks(t) != nil:
		return nil, false, c.lacks(t)
	case st == nil:
		return nil, false, fmt.Errorf("stack %s is not there", t.Slug)
	case c.tokens[token] == "":
		c.tokens[token] = st.id
		return nil, false, nil
	}
	delete(c.tokens, token)
	if !c.differs(st, t) && st.given == c.Gives {
		return nil, true, nil
	}
	return []operation.StackChange{{
		Action: "modify", Resource: "Site", Type: "AWS::Some::Thing", Replacement: "false", Properties: []string{"ArtifactVersion"},
	}}, true, nil
}

func (c *Cloud) differs(st *stack, t tenant.Tenant) bool {
	return suspended(st.of) != suspended(t) || st.of.Stack.ArtifactVersion != t.Stack.ArtifactVersion ||
		slices.ContainsFunc(tenant.Changed(st.of, t), func(m tenant.Member) bool { return m.Parameter != "" })
}

func (c *Cloud) update(t tenant.Tenant, given, token string) (bool, error) {
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
	case !c.differs(st, t) && st.given == given:
		return false, nil
	}
	st.begin(t.Slug.StackName(), "UPDATE_IN_PROGRESS", token)
	c.tokens[token] = st.id
	st.status, st.looks, st.becomes, st.next = operation.StackUpdating, looksToSettle, operation.StackReady, t
	st.taking = given
	if c.FailUpdate != "" || c.broken[t.Slug] {
		c.rollBack(st)
	}
	return true, nil
}

// BreakUpdates has the updates of a tenant's stack fail.
func (c *Cloud) BreakUpdates(s slug.Slug) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[s] = true
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
	st.of, st.next, st.given = st.next, tenant.Tenant{}, st.taking
	c.Updated++
}

// reverted tells what failed by itself, once, and what the rollback stumbled over, each time.
func (c *Cloud) reverted(st *stack) {
	if st.next.Slug != "" {
		st.tell(cmp.Or(c.FailUpdate, "Queue"), "UPDATE_FAILED", "It is taken.")
		st.next = tenant.Tenant{}
	}
	if st.status == operation.StackStuck {
		st.tell("Site", "UPDATE_FAILED", "It cannot be put back.")
	}
}
