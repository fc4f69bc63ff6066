package api

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// GetTenantHealth shows how a tenant does. Whether the caller may see the tenant is asked first: nothing is read for others.
func (a *API) GetTenantHealth(ctx context.Context, r apigen.GetTenantHealthRequestObject) (apigen.GetTenantHealthResponseObject, error) {
	t, err := a.tenantAt(ctx, r.Slug)
	if err != nil {
		return nil, err
	}
	return apigen.GetTenantHealth200JSONResponse(healthTo(t, a.Gauges.Health(ctx, t))), nil
}

func healthTo(t tenant.Tenant, h tenant.Health) apigen.TenantHealth {
	out := apigen.TenantHealth{
		Tenant: t.Slug.String(), State: apigen.TenantState(t.State), At: h.At, WindowSeconds: int(tenant.HealthWindow.Seconds()),
		DeadLetters: h.DeadLetters, Unreadable: []apigen.UnreadablePart{},
	}
	if f := h.Figures; f != nil {
		out.Figures = &apigen.HealthFigures{
			Calls: f.Calls, RecordsIn: f.RecordsIn, Indexed: f.Indexed, Retried: f.Retried, Rejected: f.Rejected, Refused: f.Refused,
			SuspectSamples: f.SuspectSamples, UnknownAgents: f.UnknownAgents, LagP95Millis: f.LagP95Millis,
			Summaries: apigen.SummaryFigures{
				Written: f.Summaries.Written, Again: f.Summaries.Again, WithoutReport: f.Summaries.WithoutReport,
				Dropped: f.Summaries.Dropped, LagP95Millis: f.Summaries.LagP95Millis,
			},
		}
	}
	if q := h.Queue; q != nil {
		out.Queue = &apigen.QueueDepth{Waiting: q.Waiting, InFlight: q.InFlight, Delayed: q.Delayed, OldestSeconds: q.OldestSeconds}
	}
	if h.Directory != nil {
		runs := make([]apigen.DirectoryRun, 0, len(h.Directory))
		for _, run := range h.Directory {
			runs = append(runs, apigen.DirectoryRun{
				ConnectInstance: run.ConnectInstance, State: apigen.DirectoryRunState(run.State), EndedAt: orNil(run.EndedAt),
				Agents: run.Agents, Code: orNil(run.Code), Detail: orNil(run.Detail),
			})
		}
		out.Directory = &runs
	}
	for _, u := range h.Unreadable {
		out.Unreadable = append(out.Unreadable, apigen.UnreadablePart{Part: apigen.UnreadablePartPart(u.Part), Reason: u.Reason})
	}
	return out
}

// snapshotTo shows what is known of a tenant without asking anybody.
func snapshotTo(s *tenant.Snapshot, now time.Time) (*apigen.HealthSnapshot, *int64) {
	if s == nil {
		return nil, nil
	}
	return &apigen.HealthSnapshot{
		State: apigen.Condition(s.Condition), Reason: s.Reason, At: orNil(s.At), Stale: s.IsStale(now),
	}, s.Calls(now)
}
