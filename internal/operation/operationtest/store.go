// Package operationtest has a store in memory for tests of the steps, and the suite that holds it and the real store to
// the same contract.
package operationtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Memory is an operation.Store in memory.
type Memory struct {
	mu         sync.Mutex
	now        func() time.Time
	tenants    map[string]tenant.Tenant
	operations map[string]held
	events     map[string][]operation.Event
}

type held struct {
	operation.Operation
	holder string
	until  time.Time
}

// NewMemory returns an empty store that reads the time from now.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{
		now:        now,
		tenants:    map[string]tenant.Tenant{},
		operations: map[string]held{},
		events:     map[string][]operation.Event{},
	}
}

// Put adds or replaces an operation and its tenant.
func (m *Memory) Put(t tenant.Tenant, op operation.Operation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tenants[t.ID], m.operations[op.ID] = t, held{Operation: op}
}

// Look returns an operation, its tenant and its events as they are saved.
func (m *Memory) Look(id string) (operation.Operation, tenant.Tenant, []operation.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	op := m.operations[id].Operation
	return op, m.tenants[op.TenantID], slices.Clone(m.events[id])
}

// Cancel asks for the operation's cancellation.
func (m *Memory) Cancel(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.operations[id]
	h.CancelRequested = true
	m.operations[id] = h
}

// Claim implements operation.Store.
func (m *Memory) Claim(_ context.Context, tenantID, id, holder string, lease time.Duration) (operation.Claimed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, known := m.operations[id]
	switch {
	case !known || h.TenantID != tenantID:
		return operation.Claimed{}, operation.ErrNotFound
	case h.State != operation.Queued && h.State != operation.Running:
		return operation.Claimed{}, operation.ErrFinished
	case h.holder != "" && h.holder != holder && m.now().Before(h.until):
		return operation.Claimed{}, operation.ErrHeld
	case h.State == operation.Queued && m.isBusy(tenantID):
		return operation.Claimed{}, operation.ErrHeld
	}
	h.State, h.holder, h.until = operation.Running, holder, m.now().Add(lease)
	h.Generation++
	m.operations[id] = h
	return operation.Claimed{Operation: copied(h.Operation), Tenant: m.tenants[tenantID], Cell: tenant.Cell{Name: "local"}}, nil
}

func (m *Memory) isBusy(tenantID string) bool {
	for _, h := range m.operations {
		if h.TenantID == tenantID && h.State == operation.Running {
			return true
		}
	}
	return false
}

// Save implements operation.Store.
func (m *Memory) Save(_ context.Context, p operation.Progress) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.operations[p.Operation.ID]
	if h.Generation != p.Operation.Generation || h.State != operation.Running {
		return operation.ErrLost
	}
	cancel := h.CancelRequested // only a caller asks for this, never a step
	h.Operation = copied(p.Operation)
	h.CancelRequested = cancel
	if h.State != operation.Running {
		h.holder, h.until = "", time.Time{}
	}
	if h.State == operation.Succeeded || h.State == operation.Cancelled {
		h.Erase.Agent = ""
	}
	m.operations[h.ID] = h
	for _, e := range p.Events {
		e.Sequence, e.At = int64(len(m.events[h.ID])+1), m.now()
		m.events[h.ID] = append(m.events[h.ID], e)
	}
	if p.Tenant != nil {
		m.tenants[h.TenantID] = changed(m.tenants[h.TenantID], *p.Tenant)
	}
	return nil
}

// Release implements operation.Store.
func (m *Memory) Release(_ context.Context, op operation.Operation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.operations[op.ID]
	if h.Generation != op.Generation {
		return operation.ErrLost
	}
	h.holder, h.until = "", time.Time{}
	m.operations[op.ID] = h
	return nil
}

func changed(t tenant.Tenant, c operation.TenantChange) tenant.Tenant {
	t.State, t.DataRetained = c.State, c.DataRetained
	if c.Settings != nil {
		t.DisplayName, t.Settings, t.ConnectInstances = c.DisplayName, *c.Settings, c.Instances
	}
	if c.Stack != nil {
		t.Stack = *c.Stack
	}
	if c.URLs != nil {
		t.URLs = *c.URLs
	}
	return t
}

func copied(op operation.Operation) operation.Operation {
	op.Memo.CallWanted, op.Memo.CallFound = maps.Clone(op.Memo.CallWanted), maps.Clone(op.Memo.CallFound)
	return op
}
