package tenant_test

import (
	"errors"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func goodCell() tenant.Cell {
	return tenant.Cell{
		Name: "eu2", Region: "eu-central-1", StackName: "earshotops-cell", RoleARN: "arn:aws:iam::111122223333:role/earshotops-cell-worker",
		ExternalID: "x1", MaxTenants: 100, MaxShards: 300,
	}
}

func TestCheckOfACell(t *testing.T) {
	t.Parallel()
	if err := goodCell().Check(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for at, spoil := range map[string]func(*tenant.Cell){
		"/name": func(c *tenant.Cell) { c.Name = "EU" }, "/region": func(c *tenant.Cell) { c.Region = "Frankfurt" },
		"/stack_name": func(c *tenant.Cell) { c.StackName = "a stack" }, "/role_arn": func(c *tenant.Cell) { c.RoleARN = "" },
		"/max_tenants": func(c *tenant.Cell) { c.MaxTenants = 101 }, "/max_shards": func(c *tenant.Cell) { c.MaxShards = -1 },
	} {
		c := goodCell()
		spoil(&c)
		if f, ok := fault.As(c.Check()); !ok || len(f.Fields) != 1 || f.Fields[0].Pointer != at {
			t.Errorf("%s: %+v", at, f)
		}
	}
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		cell   tenant.Cell
		shards int
		want   error
	}{
		"room":                     {tenant.Cell{MaxTenants: 2, Tenants: 1}, 16, nil},
		"no limit of shards":       {tenant.Cell{MaxTenants: 2, Shards: 1e6}, 16, nil},
		"the last shards":          {tenant.Cell{MaxTenants: 2, MaxShards: 32, Shards: 16}, 16, nil},
		"one shard too many":       {tenant.Cell{MaxTenants: 2, MaxShards: 32, Shards: 17}, 16, tenant.ErrCellFull},
		"dedicated needs no shard": {tenant.Cell{MaxTenants: 2, MaxShards: 32, Shards: 32}, 0, nil},
		"full":                     {tenant.Cell{MaxTenants: 2, Tenants: 2}, 0, tenant.ErrCellFull},
		"draining":                 {tenant.Cell{MaxTenants: 2, Draining: true}, 0, tenant.ErrCellDraining},
	} {
		if err := row.cell.Admits(row.shards); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", what, err, row.want)
		}
	}
}

func TestShardsOfSettings(t *testing.T) {
	t.Parallel()
	s := tenant.DefaultSettings()
	if got := s.Shards(); got != 16 {
		t.Errorf("the default settings come to %d shards, want 16 as the column's default says", got)
	}
	s.IndexPeriod["apimetric"] = []tenant.PeriodFrom{{Period: tenant.Day}}
	if got := s.Shards(); got != 12+2*91 {
		t.Errorf("a kind by the day: %d", got)
	}
	// What was by the day lasts as long as retention says.
	s.IndexPeriod["apimetric"] = append(s.IndexPeriod["apimetric"], tenant.PeriodFrom{ValidFrom: time.Now(), Period: tenant.Year})
	if got := s.Shards(); got != 12+2*91 {
		t.Errorf("a kind that was by the day: %d", got)
	}
	s = tenant.DefaultSettings()
	s.RetentionDays = 365
	if got := s.Shards(); got != 4*2*6 {
		t.Errorf("a year: %d", got)
	}
}
