package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// shelves are one tenant and its indices that are due; they note what is done, in order.
type shelves struct {
	landscape
	tenant   tenant.Tenant
	due      []string
	auditErr error
	story    []string
	within   time.Duration
}

func (s *shelves) Tenant(_ context.Context, actor access.Actor, name slug.Slug) (tenant.Tenant, error) {
	if name != s.tenant.Slug || !slices.Equal(actor.Scope.TenantIDs, []string{s.tenant.ID}) || actor.Scope.All {
		return tenant.Tenant{}, tenant.ErrNotFound
	}
	return s.tenant, nil
}

func (s *shelves) Expire(_ context.Context, cell tenant.Cell, name slug.Slug, days int, indices []string) ([]string, error) {
	if cell.Name != "one" || name != s.tenant.Slug || days != s.tenant.Settings.RetentionDays {
		return nil, errors.New("asked for another tenant")
	}
	if len(indices) > 0 {
		s.story = append(s.story, "deleted "+indices[0])
		s.due = nil
		return indices, nil
	}
	return s.due, nil
}

func (s *shelves) Audit(_ context.Context, actor access.Actor, tenantID, action string, detail map[string]any) error {
	if s.auditErr != nil {
		return s.auditErr
	}
	s.story = append(s.story, "wrote down "+actor.Subject+" "+action+" "+tenantID+" "+detail["indices"].([]string)[0])
	return nil
}

func (s *shelves) ScheduleExpiry(_ context.Context, _ access.Actor, within time.Duration) (int, error) {
	s.within = within
	return 1, nil
}

func TestRetention(t *testing.T) {
	t.Parallel()
	const index = "acme-apimetric-2026.01"
	tests := []struct {
		name     string
		state    tenant.State
		tenantID string
		due      []string
		auditErr error
		want     []string
		fails    bool
	}{
		{"what is due is written down, then deleted", tenant.Active, "id", []string{index}, nil,
			[]string{"wrote down retention tenants.expire id " + index, "deleted " + index}, false},
		{"nothing is due", tenant.Active, "id", nil, nil, nil, false},
		{"a suspended tenant's documents age too", tenant.Suspended, "id", []string{index}, nil,
			[]string{"wrote down retention tenants.expire id " + index, "deleted " + index}, false},
		{"what cannot be written down stays", tenant.Active, "id", []string{index}, errAway, nil, true},
		{"a tenant that is going keeps what its off-boarding says", tenant.Deleting, "id", []string{index}, nil, nil, false},
		{"a tenant that is gone", tenant.Deleted, "id", []string{index}, nil, nil, false},
		{"the slug's next holder", tenant.Active, "former", []string{index}, nil, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &shelves{due: test.due, auditErr: test.auditErr, tenant: tenant.Tenant{ID: "id", Slug: "acme", State: test.state, Cell: "one"}}
			s.tenant.Settings.RetentionDays = 90
			w := &expire{retention: &Retention{Directory: s, Cells: s, Expirer: s, Auditor: s, Log: slog.New(slog.DiscardHandler)}}
			err := w.Work(t.Context(), &river.Job[operation.ExpireArgs]{
				JobRow: &rivertype.JobRow{}, Args: operation.ExpireArgs{TenantID: test.tenantID, Slug: "acme"},
			})
			if (err != nil) != test.fails || !slices.Equal(s.story, test.want) {
				t.Errorf("%q, %v, want %q", s.story, err, test.want)
			}
		})
	}
}

func TestExpiriesAreSpread(t *testing.T) {
	t.Parallel()
	s := &shelves{}
	w := &scheduleExpiry{scheduler: s, within: time.Hour}
	if err := w.Work(t.Context(), &river.Job[scheduleExpiryArgs]{JobRow: &rivertype.JobRow{}}); err != nil || s.within != time.Hour {
		t.Errorf("within %s, %v", s.within, err)
	}
}
