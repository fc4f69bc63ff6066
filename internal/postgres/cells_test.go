package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func cellNamed(name string, tenants, shards int) tenant.Cell {
	return tenant.Cell{Name: name, Region: "eu-central-1", StackName: "a-cell", RoleARN: "r", ExternalID: "secret of " + name, MaxTenants: tenants, MaxShards: shards}
}

func TestCellsAreAddedChangedAndDrained(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	added, err := db.AddCell(t.Context(), owner, cellNamed("new", 5, 100))
	if err != nil || added.MaxShards != 100 || added.Version != 1 || added.Draining {
		t.Fatalf("%+v, %v", added, err)
	}
	if err := ignore(db.AddCell(t.Context(), owner, cellNamed("new", 5, 100))); !errors.Is(err, tenant.ErrCellTaken) {
		t.Errorf("a second one of the name: %v", err)
	}
	change := tenant.CellChange{MaxTenants: new(7), Draining: new(true)}
	if err := ignore(db.ChangeCell(t.Context(), owner, "new", change, []int64{2})); !errors.Is(err, tenant.ErrCellChanged) {
		t.Errorf("under another version: %v", err)
	}
	changed, err := db.ChangeCell(t.Context(), owner, "new", change, []int64{1})
	if err != nil || changed.MaxTenants != 7 || changed.MaxShards != 100 || !changed.Draining || changed.Version != 2 {
		t.Errorf("%+v, %v", changed, err)
	}
	if again, err := db.ChangeCell(t.Context(), owner, "new", change, nil); err != nil || again.Version != 2 {
		t.Errorf("nothing to change: %+v, %v", again, err)
	}
	if err := ignore(db.ChangeCell(t.Context(), owner, "nowhere", change, nil)); !errors.Is(err, tenant.ErrNoSuchCell) {
		t.Errorf("a cell that is not there: %v", err)
	}
	operator := access.Actor{Subject: "s", Role: access.Operator, Scope: access.Scope{All: true}}
	for what, err := range map[string]error{
		"adds":    ignore(db.AddCell(t.Context(), operator, cellNamed("more", 1, 0))),
		"changes": ignore(db.ChangeCell(t.Context(), operator, "new", tenant.CellChange{Draining: new(false)}, nil)),
	} {
		if !errors.Is(err, access.ErrForbidden) {
			t.Errorf("an operator %s a cell past the route: %v", what, err)
		}
	}
	audited := names(t, db.SuperuserURL, `select action || ' ' || target || ' ' || coalesce(before::text, '') || after::text from audit_events where target like 'cells/%' order by id`)
	if len(audited) != 2 || !strings.HasPrefix(audited[0], "cells.add cells/new ") || !strings.HasPrefix(audited[1], "cells.change cells/new ") || strings.Contains(strings.Join(audited, ""), "secret") {
		t.Errorf("audited %q", audited)
	}
}

func TestPlacementGoesByDrainAndCapacity(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t), cellNamed("drained", 100, 0), cellNamed("narrow", 100, 40), cellNamed("wide", 10, 0))
	if _, err := db.ChangeCell(t.Context(), owner, "drained", tenant.CellChange{Draining: new(true)}, nil); err != nil {
		t.Fatal(err)
	}
	place := func(n int, cell string, isolation tenant.Isolation) (string, error) {
		draft := postgrestest.Draft(t, slug.Slug(fmt.Sprint("place", n)))
		draft.Cell, draft.Isolation = cell, isolation
		got, err := db.StartOnboard(t.Context(), owner, draft, operation.Write{})
		return got.Tenant.Cell, err
	}
	for n, row := range []struct {
		cell      string
		isolation tenant.Isolation
		want      string
		err       error
	}{
		{"drained", tenant.Pooled, "", tenant.ErrCellDraining},
		{"", tenant.Pooled, "narrow", nil}, // both are empty: the first by name; 16 of its 40 shards
		{"", tenant.Pooled, "wide", nil},   // 1 of 10 is less than 16 of 40
		{"narrow", tenant.Pooled, "narrow", nil},
		{"narrow", tenant.Pooled, "", tenant.ErrCellFull}, // 32 of 40 shards
		{"narrow", tenant.Dedicated, "narrow", nil},       // which has a search of its own
		{"nowhere", tenant.Pooled, "", tenant.ErrCellUnknown},
	} {
		if got, err := place(n, row.cell, row.isolation); got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%d: placed in %q, %v; want %q, %v", n, got, err, row.want, row.err)
		}
	}
	cells, err := db.Cells(t.Context(), owner)
	if err != nil || cells[1].Tenants != 3 || cells[1].Shards != 32 || cells[2].Tenants != 1 {
		t.Errorf("%+v, %v", cells, err)
	}
	for _, name := range []string{"narrow", "wide"} {
		if _, err := db.ChangeCell(t.Context(), owner, name, tenant.CellChange{Draining: new(true)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := place(100, "", tenant.Pooled); !errors.Is(err, tenant.ErrNoCell) {
		t.Errorf("with every cell draining: %v", err)
	}
}

// Many onboardings at once never take more shards than there are.
func TestTheLastShardsAreTakenOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t), cellNamed("only", 100, 5*16+15))
	var group errgroup.Group
	group.SetLimit(8)
	for n := range 12 {
		draft := postgrestest.Draft(t, slug.Slug(fmt.Sprint("last", n)))
		group.Go(func() error {
			if err := ignore(db.StartOnboard(t.Context(), owner, draft, operation.Write{})); err != nil && !errors.Is(err, tenant.ErrNoCell) {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	cell, err := db.Cell(t.Context(), owner, "only")
	if err != nil || cell.Tenants != 5 || cell.Shards != 80 {
		t.Errorf("%+v, %v", cell, err)
	}
}

// A change of periods or retention changes what the cell counts.
func TestSettingsCountAsShards(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	of := active(t, db)
	update(t, db, of, tenant.Change{RetentionDays: new(365)})
	if cell, err := db.Cell(t.Context(), owner, of.Cell); err != nil || cell.Shards != 48 {
		t.Errorf("%+v, %v", cell, err)
	}
}
