package jobs

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// scales are one tenant, its volume and its cell.
type scales struct {
	tenant    tenant.Tenant
	cell      tenant.Cell
	volumes   map[string]int64
	updateErr error
	started   []tenant.Change
}

func (s *scales) Tenant(_ context.Context, actor access.Actor, name slug.Slug) (tenant.Tenant, error) {
	if name != s.tenant.Slug || !slices.Equal(actor.Scope.TenantIDs, []string{s.tenant.ID}) || actor.Scope.All {
		return tenant.Tenant{}, tenant.ErrNotFound
	}
	return s.tenant, nil
}

func (*scales) Tenants(context.Context, access.Actor, tenant.Page) ([]tenant.Tenant, string, error) {
	return nil, "", errors.New("nobody asks for all")
}

func (s *scales) Cells(context.Context, access.Actor) ([]tenant.Cell, error) {
	return []tenant.Cell{s.cell}, nil
}

func (s *scales) Volumes(_ context.Context, cell tenant.Cell, name slug.Slug) (map[string]int64, error) {
	if cell.Name != s.cell.Name || name != s.tenant.Slug {
		return nil, errors.New("asked for another tenant")
	}
	return s.volumes, nil
}

func (s *scales) StartUpdate(_ context.Context, actor access.Actor, name slug.Slug, c tenant.Change, _ []int64, _ operation.Write) (operation.Started, error) {
	if name != s.tenant.Slug || actor.Scope.All {
		return operation.Started{}, errors.New("an update of another tenant")
	}
	if s.updateErr != nil {
		return operation.Started{}, s.updateErr
	}
	s.started = append(s.started, c)
	return operation.Started{}, nil
}

func TestPeriodsFollowTheVolume(t *testing.T) {
	t.Parallel()
	const gigabyte = 1 << 30
	loud := map[string]int64{"softphonestreamstats": gigabyte, "apimetric": 1}
	weeks := map[string]tenant.Period{"softphonestreamstats": tenant.Day}
	for name, row := range map[string]struct {
		change func(*scales)
		want   map[string]tenant.Period
		fails  bool
	}{
		"a loud kind of a tenant":               {want: weeks},
		"a quiet tenant":                        {change: func(s *scales) { s.volumes = map[string]int64{"apimetric": 1000} }},
		"too little is known":                   {change: func(s *scales) { s.volumes = nil }},
		"a cell without a limit of shards":      {change: func(s *scales) { s.cell.MaxShards = 0 }, want: weeks},
		"a cell that lacks the shards":          {change: func(s *scales) { s.cell.MaxShards = s.cell.Shards + 100 }},
		"a dedicated tenant has its own":        {change: func(s *scales) { s.cell.MaxShards, s.tenant.Isolation = s.cell.Shards, tenant.Dedicated }, want: weeks},
		"a suspended tenant waits":              {change: func(s *scales) { s.tenant.State = tenant.Suspended }},
		"the slug's next holder is left alone":  {change: func(s *scales) { s.tenant.ID = "another" }},
		"an operation of the tenant is running": {change: func(s *scales) { s.updateErr = operation.ErrRunning }},
		"the database is away":                  {change: func(s *scales) { s.updateErr = errAway }, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scales{
				tenant: tenant.Tenant{ID: "id", Slug: "acme", DisplayName: "Acme", State: tenant.Active, Cell: "one", Isolation: tenant.Pooled, Settings: tenant.DefaultSettings()},
				cell:   tenant.Cell{Name: "one", Shards: 500, MaxShards: 1000}, volumes: loud,
			}
			if row.change != nil {
				row.change(s)
			}
			p := &Periods{Directory: s, Cells: s, Gauge: s, Updater: s, Log: slog.New(slog.DiscardHandler), Now: time.Now}
			if err := p.Fit(t.Context(), "id", "acme"); (err != nil) != row.fails {
				t.Errorf("%v", err)
			}
			switch {
			case len(row.want) == 0 && len(s.started) > 0:
				t.Errorf("an update was started: %+v", s.started)
			case len(row.want) > 0 && (len(s.started) != 1 || !s.started[0].ByVolume || !maps.Equal(s.started[0].IndexPeriod, row.want)):
				t.Errorf("started %+v, want %v", s.started, row.want)
			}
		})
	}
}
