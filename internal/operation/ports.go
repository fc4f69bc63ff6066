package operation

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// StackStatus is a stack's state in the terms in which the steps decide.
type StackStatus string

// The statuses, each a group of CloudFormation's.
const (
	StackAbsent      StackStatus = "absent"       // there is none, or DELETE_COMPLETE
	StackCreating    StackStatus = "creating"     // CREATE_IN_PROGRESS
	StackReady       StackStatus = "ready"        // CREATE_COMPLETE, UPDATE_COMPLETE, IMPORT_COMPLETE
	StackReverted    StackStatus = "reverted"     // UPDATE_ROLLBACK_COMPLETE, UPDATE_FAILED, …: stands, without its last update
	StackRollingBack StackStatus = "rolling_back" // ROLLBACK_IN_PROGRESS
	StackRolledBack  StackStatus = "rolled_back"  // ROLLBACK_COMPLETE, ROLLBACK_FAILED, CREATE_FAILED, REVIEW_IN_PROGRESS: may only be deleted
	StackUpdating    StackStatus = "updating"     // UPDATE_…_IN_PROGRESS
	StackStuck       StackStatus = "stuck"        // UPDATE_ROLLBACK_FAILED: must be continued, never deleted for
	StackDeleting    StackStatus = "deleting"     // DELETE_IN_PROGRESS
	StackUndeletable StackStatus = "undeletable"  // DELETE_FAILED
)

// A StackView is a stack as it stands.
type StackView struct {
	ID              string
	Status          StackStatus
	Raw             string // CloudFormation's own word
	ArtifactVersion string
	Parameters      map[string]string // all that its template has; not of a stack in motion
	Outputs         map[string]string
	IndexPeriods    map[string][]tenant.PeriodFrom // as the stack has them: what its indexer goes by; nil: not known
}

// A StackEvent is one change of one resource.
type StackEvent struct {
	ID       string
	At       time.Time
	Resource string // logical id; the stack's name for the stack itself
	Type     string
	Status   string
	Reason   string // with request ids, service and proxy words cut off
	Token    string // client request token of the call that caused it
}

// A StackChange is what an upgrade would do to one resource of a stack.
type StackChange struct {
	Action      string   `json:"action"`      // add, modify, remove, import or dynamic (known only when it runs)
	Resource    string   `json:"resource"`    // logical id
	Type        string   `json:"type"`        // AWS::…
	Replacement string   `json:"replacement"` // of a modification: true, false or conditional
	Properties  []string `json:"properties"`  // what of the resource is modified, as far as CloudFormation says so; sorted
}

// ErrThrottled is AWS's, or our own, request to come again later.
var ErrThrottled = fault.New(fault.Throttled, "stack.throttled", "CloudFormation is busy; the operation goes on, slower.")

// Stacks drives the tenants' CloudFormation stacks of a cell.
// Every method may return ErrThrottled, which only means: later. An error that holds a *Failure will not pass by itself,
// and fails the operation; any other is taken for transient, and the step runs again until its time is over.
type Stacks interface {
	// Describe returns the tenant's stack, StackAbsent when there is none.
	Describe(ctx context.Context, cell tenant.Cell, s slug.Slug) (StackView, error)
	// Create asks for the stack and returns its id and how many resources the template has. The token makes a repeat safe.
	Create(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (id string, resources int, err error)
	// Update asks that the stack be as the tenant, on the template that it was made from. It reports false when there is
	// nothing to do. The token makes a repeat safe.
	Update(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (changed bool, err error)
	// Upgrade asks that the stack be as the tenant, on the template of the artifact version that the tenant has, with what its cell
	// gives now. It reports false when there is nothing to do. The token makes a repeat safe.
	Upgrade(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (changed bool, err error)
	// TakeBack asks that the stack with this id be made of a release that it was made of before, whatever its cell gives now. It
	// reports false when there is nothing to do. The token makes a repeat safe.
	TakeBack(ctx context.Context, cell tenant.Cell, stackID string, to Release, token string) (changed bool, err error)
	// Preview returns what Upgrade would change, in the order of the names of resources. It is not ready at once: ask again with
	// the same token. Nothing is left of it once it has been ready.
	Preview(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (changes []StackChange, ready bool, err error)
	// Continue asks that a rollback go on that is stuck. One that is not stuck is left alone.
	Continue(ctx context.Context, cell tenant.Cell, stackID, token string) error
	// Delete turns termination protection off and asks for the deletion of the stack with this id.
	Delete(ctx context.Context, cell tenant.Cell, stackID, token string) error
	// Events returns the events newer than the one with id after, oldest first, and only those of the call with this token.
	Events(ctx context.Context, cell tenant.Cell, stackID, token, after string) ([]StackEvent, error)
	// FirstFailure returns the failure of the first resource that failed by itself in the call with this token, nil if none did.
	FirstFailure(ctx context.Context, cell tenant.Cell, stackID, token string) (*Failure, error)
}

// Prober proves that a tenant works, from outside.
type Prober interface {
	// Send posts the synthetic call, whose first instant and batch id are given, to the tenant's real telemetry API. The same
	// arguments send the same records. It returns how many documents of each kind must appear.
	Send(ctx context.Context, t tenant.Tenant, callID string, started time.Time) (map[string]int, error)
	// Found asks the tenant's probe function how many of the call's documents of each kind are there.
	Found(ctx context.Context, cell tenant.Cell, s slug.Slug, callID string) (map[string]int, error)
}

// Purger removes what a deleted stack leaves behind. Every method is idempotent.
type Purger interface {
	// Purge deletes the tenant's indices, index templates, space and data bucket, through the cell's provider.
	Purge(ctx context.Context, cell tenant.Cell, s slug.Slug) error
	// Sweep lists what any store of the cell still holds of the tenant, in words for an admin; empty when nothing is left.
	Sweep(ctx context.Context, cell tenant.Cell, s slug.Slug) ([]string, error)
}

// A Deed is what was done to a tenant at once, outside of its stack's life: no operation follows it.
type Deed struct {
	Answer []byte         // to the caller, and to whoever repeats the request; not nil
	Target string         // for the audit: what of the tenant it was done to
	Detail map[string]any // for the audit
}

// Recorder writes down what is no operation.
type Recorder interface {
	// Record runs do on the tenant that holds the slug, once for the write's key, and writes down under the action that the actor
	// did it. It returns the answer, or the first one. When do fails, nothing is written down.
	Record(
		ctx context.Context, actor access.Actor, s slug.Slug, action string, w Write, do func(context.Context, tenant.Tenant) (Deed, error),
	) ([]byte, error)
}
