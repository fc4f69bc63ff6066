package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// StartUpdate implements operation.Starter.
func (db *DB) StartUpdate(
	ctx context.Context, actor access.Actor, s slug.Slug, c tenant.Change, seen []int64, w operation.Write,
) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		if seen != nil && !slices.Contains(seen, found.Version) {
			return starting{}, operation.ErrChanged.At("/header/If-Match")
		}
		if err := c.ConnectInstances.Check(found); err != nil {
			return starting{}, err
		}
		wanted, err := c.Apply(found, time.Now())
		if err != nil {
			return starting{}, err
		}
		changed := tenant.Changed(found, wanted)
		if len(changed) == 0 {
			return starting{tenantID: found.ID}, nil
		}
		var names []string
		ofStack := false
		for _, m := range changed {
			names = append(names, m.Name)
			ofStack = ofStack || m.Parameter != ""
		}
		if err := t.mayChange(ctx, found, ofStack); err != nil {
			return starting{}, err
		}
		detail := map[string]any{"slug": s, "members": names}
		if ofStack {
			if added := c.ConnectInstances.Add; added != nil { // in its normal form
				c.ConnectInstances.Add = &wanted.ConnectInstances[len(wanted.ConnectInstances)-1]
			}
			return t.update(ctx, found, wanted, c, detail)
		}
		err = t.setSettings(ctx, found.ID, wanted.DisplayName, wanted.Settings)
		return starting{tenantID: found.ID, action: "tenants.update", before: &found, detail: detail}, err
	})
}

// mayChange refuses a change while something runs, or in a state that it does not suit. What the database alone holds may
// change in a failed tenant too: delete protection must not outlive the wish for it.
func (t tx) mayChange(ctx context.Context, of tenant.Tenant, ofStack bool) error {
	active, err := t.ActiveOperations(ctx, of.ID)
	switch {
	case err != nil:
		return err
	case len(active) > 0:
		return running(active[0])
	case of.State == tenant.Active, of.State == tenant.Failed && !ofStack:
		return nil
	case of.State == tenant.Suspended:
		return tenant.ErrNotActive.With("The tenant is suspended; resume it first.")
	case of.State == tenant.Failed:
		return tenant.ErrNotActive.With("The tenant's last operation failed; retry it before its stack is changed.")
	}
	return tenant.ErrNotActive
}

// update records an operation that brings the change to the tenant's stack.
func (t tx) update(ctx context.Context, of, wanted tenant.Tenant, c tenant.Change, detail map[string]any) (starting, error) {
	change, err := json.Marshal(c)
	if err != nil {
		return starting{}, fmt.Errorf("write change: %w", err)
	}
	if err := t.SetTenantState(ctx, dbsqlc.SetTenantStateParams{ID: of.ID, State: string(tenant.Updating)}); err != nil {
		return starting{}, err
	}
	if err := t.reserve(ctx, of, c.ConnectInstances); err != nil {
		return starting{}, err
	}
	wanted.State = tenant.Updating
	s, err := t.record(ctx, &of, dbsqlc.AddOperationParams{
		TenantID: of.ID, Kind: string(operation.Update), State: string(operation.Running), Change: change,
	}, detail)
	s.wanted = &wanted
	return s, err
}

func (t tx) setSettings(ctx context.Context, tenantID, displayName string, s tenant.Settings) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return t.SetTenantSettings(ctx, dbsqlc.SetTenantSettingsParams{ID: tenantID, DisplayName: displayName, Settings: settings, Shards: int32(s.Shards())})
}

// reserve holds the instance that a change adds, so that no other tenant takes it while the stack is updated. It is let go
// when the operation fails, and held again by a retry.
func (t tx) reserve(ctx context.Context, of tenant.Tenant, c tenant.InstancesChange) error {
	if c.Add == nil {
		return nil
	}
	if _, err := of.Instance(c.Add.Alias); err == nil { // of an update that failed after it had brought the instance
		return nil
	}
	return t.putInstance(ctx, of.ID, math.MaxInt16, *c.Add, true)
}

func (t tx) putInstance(ctx context.Context, tenantID string, position int, i tenant.ConnectInstance, pending bool) error {
	err := t.PutInstance(ctx, dbsqlc.PutInstanceParams{
		TenantID: tenantID, Alias: i.Alias, Position: int16(position), Arn: i.ARN, Region: i.Region, CcpUrl: i.CCPURL,
		SamlUrl: i.SAMLURL, DirectoryRoleArn: i.DirectoryRoleARN, Pending: pending,
	})
	return at(err, "/arn")
}

// setInstances makes the list the tenant's. What it lacks is given up.
func (t tx) setInstances(ctx context.Context, tenantID string, list []tenant.ConnectInstance) error {
	aliases := make([]string, 0, len(list))
	for _, i := range list {
		aliases = append(aliases, i.Alias)
	}
	if err := t.KeepInstances(ctx, dbsqlc.KeepInstancesParams{TenantID: tenantID, Aliases: aliases}); err != nil {
		return err
	}
	for n, i := range list {
		if err := t.putInstance(ctx, tenantID, n, i, false); err != nil {
			return err
		}
	}
	return nil
}
