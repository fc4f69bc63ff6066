package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// place chooses a cell for a new tenant of so many shards: the one that is asked for, or else the emptiest that takes it. It locks
// the cells first and counts afterwards, so that no two onboardings take the same last place.
func (t tx) place(ctx context.Context, wanted string, shards int) (string, error) {
	if _, err := t.LockCells(ctx); err != nil {
		return "", err
	}
	cells, err := t.cells(ctx)
	if err != nil {
		return "", err
	}
	if wanted != "" {
		i := slices.IndexFunc(cells, func(c tenant.Cell) bool { return c.Name == wanted })
		if i < 0 {
			return "", tenant.ErrCellUnknown.At("/cell")
		}
		return wanted, at(cells[i].Admits(shards), "/cell")
	}
	cells = slices.DeleteFunc(cells, func(c tenant.Cell) bool { return c.Admits(shards) != nil })
	if len(cells) == 0 {
		return "", tenant.ErrNoCell
	}
	// Of two alike, the first in the order of names is taken.
	return slices.MinFunc(cells, func(a, b tenant.Cell) int { return cmp.Compare(a.Fullness(), b.Fullness()) }).Name, nil
}
