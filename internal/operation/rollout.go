package operation

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
)

// RolloutState is where a rollout is.
type RolloutState string

// The states. A stopping rollout has seen a failure: it begins no more upgrades, and waits for those under way.
const (
	RolloutRunning   RolloutState = "running"
	RolloutStopping  RolloutState = "stopping"
	RolloutSucceeded RolloutState = "succeeded"
	RolloutFailed    RolloutState = "failed"
)

// A Rollout upgrades many tenants in their order: the first alone until it is proved, then Parallel at a time. It stops at the first
// failure; what went before stays.
type Rollout struct {
	ID          string // UUID
	Artifacts   string
	Parallel    int
	State       RolloutState
	Failure     *RolloutFailure
	RequestedBy string
	RequestID   string // of the request that asked for it
	Tenants     []RolloutTenant
	CreatedAt   time.Time
	UpdatedAt   time.Time
	FinishedAt  time.Time // zero while it runs
}

// A RolloutTenant is one tenant of a rollout.
type RolloutTenant struct {
	Slug      slug.Slug
	Operation string // id; empty: its turn has not come
	State     State  // of the operation
	Broken    bool   // the release failed its proof, and the tenant is taken back
}

// A RolloutFailure says at which tenant a rollout stopped, and why.
type RolloutFailure struct {
	Tenant slug.Slug `json:"tenant"`
	Code   string    `json:"code"`
	Reason string    `json:"reason"`
}

// A RolloutDraft is what somebody asks for.
type RolloutDraft struct {
	Artifacts string
	Tenants   []slug.Slug
	Parallel  int // 0: 3
}

// MostParallel and MostTenants bound a rollout.
const (
	MostParallel  = 20
	MostTenants   = 200
	usualParallel = 3
)

// The faults of rollouts.
var (
	ErrNoRollout      = fault.New(fault.NotFound, "upgrade.not_found", "There is no such upgrade.")
	ErrRolloutTenants = fault.New(fault.Invalid, "upgrade.tenant_unknown", "Name tenants that you reach, each once, by their slugs.")
)

// Check returns the draft in its normal form.
func (d RolloutDraft) Check() (RolloutDraft, error) {
	if d.Parallel == 0 {
		d.Parallel = usualParallel
	}
	return d, CheckArtifacts(d.Artifacts)
}

// Rollouts keeps rollouts. An actor sees those whose tenants are all within its scope.
type Rollouts interface {
	// StartRollout records a rollout and has it driven. The draft was checked. ErrRolloutTenants.
	StartRollout(ctx context.Context, actor access.Actor, d RolloutDraft, w Write) (Started, error)
	Rollout(ctx context.Context, actor access.Actor, id string) (Rollout, error)
	// Rollouts returns a page, newest first, and the cursor of the next.
	Rollouts(ctx context.Context, actor access.Actor, limit int, cursor string) ([]Rollout, string, error)
}

// RolloutArgs are the arguments of the job that drives a rollout. The ids are those of its tenants, which are all that it reaches.
type RolloutArgs struct {
	RolloutID string   `json:"rollout_id"`
	TenantIDs []string `json:"tenant_ids"`
}

// Kind names the job.
func (RolloutArgs) Kind() string { return "advance_rollout" }

// A Tally is how far a rollout has come.
type Tally struct {
	UnderWay  int            // upgrades that have begun and are not over
	Succeeded int            // upgrades
	Broken    bool           // a tenant is taken back: its upgrade will fail
	Failed    *RolloutTenant // the first whose upgrade did not succeed; nil: none
}

// Count returns how far the rollout has come.
func (r Rollout) Count() (t Tally) {
	for i, one := range r.Tenants {
		switch one.State {
		case Queued, Running:
			t.UnderWay++
			t.Broken = t.Broken || one.Broken
		case Succeeded:
			t.Succeeded++
		case Failed, Cancelled:
			if t.Failed == nil {
				t.Failed = &r.Tenants[i]
			}
		case "":
		}
	}
	return t
}

// Turns returns how many upgrades may begin now. The first goes alone until it is over, proof included, so that a release that works
// nowhere reaches one tenant.
func (r Rollout) Turns(t Tally) int {
	switch {
	case t.Failed != nil || t.Broken:
		return 0
	case t.Succeeded == 0:
		return max(0, 1-t.UnderWay)
	}
	return max(0, r.Parallel-t.UnderWay)
}
