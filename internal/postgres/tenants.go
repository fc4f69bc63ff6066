package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// maxPage is the longest page of any list.
const maxPage = 200

// Tenant implements tenant.Directory.
func (db *DB) Tenant(ctx context.Context, actor access.Actor, s slug.Slug) (found tenant.Tenant, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		row, err := t.TenantHolding(ctx, s.String())
		if err != nil {
			return orNotFound(err, tenant.ErrNotFound)
		}
		found, err = t.withInstances(ctx, row.Tenant, row.ActiveOperation)
		return err
	})
	return found, err
}

// Tenants implements tenant.Directory.
func (db *DB) Tenants(ctx context.Context, actor access.Actor, page tenant.Page) (list []tenant.Tenant, next string, err error) {
	filter := []string{"tenants", page.Query, string(page.State), page.Cell, page.Artifacts, string(page.Condition)}
	after, err := readCursor(page.Cursor, filter, tenantPlace{ID: nilID})
	if err != nil || !isUUID(after.ID) {
		return nil, "", tenant.ErrCursor
	}
	limit := pageSize(page.Limit)
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		among, err := t.candidates(ctx, page.Query)
		if err != nil {
			return err
		}
		rows, err := t.TenantsAfter(ctx, dbsqlc.TenantsAfterParams{
			AfterSlug: after.Slug, AfterID: after.ID, Among: among, Query: page.Query, State: string(page.State), Cell: page.Cell,
			ArtifactVersion: page.Artifacts, Condition: string(page.Condition), Keeping: keeping(), AtMost: limit + 1,
		})
		if err != nil {
			return err
		}
		next = ""
		if len(rows) > int(limit) {
			rows = rows[:limit]
			last := rows[limit-1].Tenant
			next = writeCursor(filter, tenantPlace{Slug: last.Slug, ID: last.ID})
		}
		list, err = t.listed(ctx, rows)
		return err
	})
	return list, next, err
}

// candidates returns ids outside of which a search finds no tenant, or nil: all are to be looked at. So it is when more than the longest
// page have such a name, since a page is soon full then.
func (t tx) candidates(ctx context.Context, part string) ([]string, error) {
	if !t.actor.Scope.All || part == "" {
		return t.actor.Scope.TenantIDs, nil
	}
	named, err := t.TenantsNamed(ctx, dbsqlc.TenantsNamedParams{Part: part, AtMost: maxPage + 1})
	if err != nil || len(named) > maxPage {
		return nil, err
	}
	return append([]string{}, named...), nil // not nil when there are none
}

// tenantPlace is where a page of tenants ends.
type tenantPlace struct {
	Slug string `json:"s"`
	ID   string `json:"i"`
}

// listed converts rows with one query for the instances of all.
func (t tx) listed(ctx context.Context, rows []dbsqlc.TenantsAfterRow) ([]tenant.Tenant, error) {
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.Tenant.ID)
	}
	instances, err := t.InstancesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]tenant.Tenant, 0, len(rows))
	for _, row := range rows {
		one, err := tenantFrom(row.Tenant, row.ActiveOperation, instances)
		if err != nil {
			return nil, err
		}
		if one.State.KeepsDocuments() {
			one.Snapshot = &tenant.Snapshot{Condition: tenant.Condition(row.Condition), Reason: row.Reason, CallsToday: row.CallsToday}
			if row.LookedAt != nil {
				one.Snapshot.At = row.LookedAt.UTC()
			}
		}
		list = append(list, one)
	}
	return list, nil
}

func (t tx) tenantByID(ctx context.Context, id string) (tenant.Tenant, error) {
	row, err := t.TenantByID(ctx, id)
	if err != nil {
		return tenant.Tenant{}, orNotFound(err, tenant.ErrNotFound)
	}
	return t.withInstances(ctx, row.Tenant, row.ActiveOperation)
}

func (t tx) withInstances(ctx context.Context, row dbsqlc.Tenant, activeOperation string) (tenant.Tenant, error) {
	instances, err := t.InstancesOf(ctx, []string{row.ID})
	if err != nil {
		return tenant.Tenant{}, err
	}
	return tenantFrom(row, activeOperation, instances)
}

// orNotFound replaces "no rows", which may also mean: not within the scope.
func orNotFound(err, notFound error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return notFound
	}
	return err
}

// pageSize bounds what a caller asks for.
func pageSize(limit int) int32 {
	const usual = 50
	if limit <= 0 {
		limit = usual
	}
	return int32(min(limit, maxPage, math.MaxInt32-1))
}
