// Package tenanttest stands in for what keeps parts of a tenant elsewhere. Imported by tests only.
package tenanttest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// People keeps the managers of tenants in memory. It leaves out the pool: internal/managers is tried against one.
type People struct {
	mu    sync.Mutex
	byKey map[string]tenant.Manager // by slug and address; guarded by mu
	made  int                       // guarded by mu
	err   error                     // guarded by mu
}

// NewPeople knows nobody.
func NewPeople() *People { return &People{byKey: map[string]tenant.Manager{}} }

// Fail answers what lists and invites with err from now on; nil ends it.
func (p *People) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// Count returns how many were ever invited, and how many there are.
func (p *People) Count() (made, left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made, len(p.byKey)
}

func keyOf(t tenant.Tenant, address string) string { return t.Slug.String() + " " + address }

// Managers lists a tenant's.
func (p *People) Managers(_ context.Context, t tenant.Tenant) (list []tenant.Manager, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, m := range p.byKey {
		if strings.HasPrefix(key, keyOf(t, "")) {
			list = append(list, m)
		}
	}
	return list, p.err
}

// Invite adds one.
func (p *People) Invite(_ context.Context, t tenant.Tenant, i tenant.Invitation) (tenant.Manager, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(t, i.Address.Key)
	if _, exists := p.byKey[key]; exists || p.err != nil {
		return tenant.Manager{}, cmp.Or(p.err, error(tenant.ErrManagerExists))
	}
	p.made++
	p.byKey[key] = tenant.Manager{
		ID: fmt.Sprintf("subject-%d", p.made), Email: i.Address.Written, Group: i.Group, Enabled: true, Status: tenant.ManagerInvited, InvitedAt: time.Now(),
	}
	return p.byKey[key], nil
}

// ChangeManager changes what c names.
func (p *People) ChangeManager(_ context.Context, t tenant.Tenant, address string, c tenant.ManagerChange) (tenant.Manager, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, exists := p.byKey[keyOf(t, address)]
	if !exists {
		return m, tenant.ErrManagerUnknown
	}
	if c.Enabled != nil {
		m.Enabled = *c.Enabled
	}
	if c.Group != nil {
		m.Group = *c.Group
	}
	p.byKey[keyOf(t, address)] = m
	return m, nil
}

// RemoveManager removes one.
func (p *People) RemoveManager(_ context.Context, t tenant.Tenant, address string) (tenant.Manager, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, exists := p.byKey[keyOf(t, address)]
	if !exists {
		return m, tenant.ErrManagerUnknown
	}
	delete(p.byKey, keyOf(t, address))
	return m, nil
}
