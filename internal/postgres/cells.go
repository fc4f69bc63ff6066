package postgres

import (
	"context"
	"slices"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Cells implements tenant.Cells: every cell, with what of it the tenants take up that the actor's scope reaches.
func (db *DB) Cells(ctx context.Context, actor access.Actor) (cells []tenant.Cell, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		cells, err = t.cells(ctx)
		return err
	})
	return cells, err
}

// Cell implements tenant.Cells.
func (db *DB) Cell(ctx context.Context, actor access.Actor, name string) (cell tenant.Cell, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		cell, err = t.cell(ctx, name)
		return err
	})
	return cell, err
}

func (t tx) cells(ctx context.Context) ([]tenant.Cell, error) {
	rows, err := t.CellsWithTenants(ctx)
	cells := make([]tenant.Cell, 0, len(rows))
	for _, row := range rows {
		cell := cellFrom(row.Cell)
		cell.Tenants, cell.Shards = int(row.Tenants), int(row.Shards)
		cells = append(cells, cell)
	}
	return cells, err
}

func (t tx) cell(ctx context.Context, name string) (tenant.Cell, error) {
	cells, err := t.cells(ctx)
	if err != nil {
		return tenant.Cell{}, err
	}
	i := slices.IndexFunc(cells, func(c tenant.Cell) bool { return c.Name == name })
	if i < 0 {
		return tenant.Cell{}, tenant.ErrNoSuchCell
	}
	return cells[i], nil
}

func cellFrom(row dbsqlc.Cell) tenant.Cell {
	return tenant.Cell{
		Name: row.Name, Region: row.Region, StackName: row.StackName, RoleARN: row.RoleArn, ExternalID: row.ExternalID,
		MaxTenants: int(row.MaxTenants), MaxShards: int(row.MaxShards), Draining: row.Draining, Version: row.Version,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}

// AddCell implements tenant.Cells.
func (db *DB) AddCell(ctx context.Context, actor access.Actor, c tenant.Cell) (added tenant.Cell, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.AddCell(ctx, dbsqlc.AddCellParams{
			Name: c.Name, Region: c.Region, StackName: c.StackName, RoleArn: c.RoleARN, ExternalID: c.ExternalID,
			MaxTenants: int32(c.MaxTenants), MaxShards: int32(c.MaxShards),
		})
		if err != nil {
			return err
		}
		if rows == 0 {
			return tenant.ErrCellTaken.At("/name")
		}
		if added, err = t.cell(ctx, c.Name); err != nil {
			return err
		}
		return t.audit(ctx, audited{target: "cells/" + c.Name, action: "cells.add", after: shownOfCell(added)})
	})
	return added, err
}

// ChangeCell implements tenant.Cells.
func (db *DB) ChangeCell(ctx context.Context, actor access.Actor, name string, c tenant.CellChange, seen []int64) (changed tenant.Cell, err error) {
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		if _, err := t.LockCell(ctx, name); err != nil {
			return orNotFound(err, tenant.ErrNoSuchCell)
		}
		before, err := t.cell(ctx, name)
		if err != nil {
			return err
		}
		if seen != nil && !slices.Contains(seen, before.Version) {
			return tenant.ErrCellChanged.At("/header/If-Match")
		}
		wanted, err := c.Apply(before)
		if err != nil || wanted == before {
			changed = before
			return err
		}
		if err := t.ChangeCell(ctx, dbsqlc.ChangeCellParams{
			Name: name, MaxTenants: int32(wanted.MaxTenants), MaxShards: int32(wanted.MaxShards), Draining: wanted.Draining,
		}); err != nil {
			return err
		}
		if changed, err = t.cell(ctx, name); err != nil {
			return err
		}
		return t.audit(ctx, audited{target: "cells/" + name, action: "cells.change", before: shownOfCell(before), after: shownOfCell(changed)})
	})
	return changed, err
}

// shownOfCell is what the audit shows of a cell: no external id.
func shownOfCell(c tenant.Cell) map[string]any {
	return map[string]any{
		"region": c.Region, "stack_name": c.StackName, "role_arn": c.RoleARN, "max_tenants": c.MaxTenants, "max_shards": c.MaxShards,
		"draining": c.Draining,
	}
}
