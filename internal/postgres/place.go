package postgres

import (
	"context"
	"slices"

	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// place chooses a cell for a new tenant: the one that is asked for, or else the emptiest with room. It locks the cells
// first and counts afterwards, so that no two onboardings take the same last place.
func (t tx) place(ctx context.Context, wanted string) (string, error) {
	if _, err := t.LockCells(ctx); err != nil {
		return "", err
	}
	cells, err := t.CellsWithTenants(ctx)
	if err != nil {
		return "", err
	}
	if wanted != "" {
		i := slices.IndexFunc(cells, func(c dbsqlc.CellsWithTenantsRow) bool { return c.Name == wanted })
		switch {
		case i < 0:
			return "", tenant.ErrCellUnknown.At("/cell")
		case !hasRoom(cells[i]):
			return "", tenant.ErrCellFull.At("/cell")
		}
		return wanted, nil
	}
	cells = slices.DeleteFunc(cells, func(c dbsqlc.CellsWithTenantsRow) bool { return !hasRoom(c) })
	if len(cells) == 0 {
		return "", tenant.ErrNoCell
	}
	return slices.MinFunc(cells, emptier).Name, nil
}

func hasRoom(c dbsqlc.CellsWithTenantsRow) bool { return c.Tenants < c.MaxTenants }

// emptier compares how full two cells are for their size; of two alike, the first in the order of names is taken.
func emptier(a, b dbsqlc.CellsWithTenantsRow) int {
	return int(int64(a.Tenants)*int64(b.MaxTenants) - int64(b.Tenants)*int64(a.MaxTenants))
}
