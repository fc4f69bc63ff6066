// Package operation holds the long-running changes to a tenant: their steps, what a step needs, and what is saved
// between two of them. A step may run twice: names and tokens derive from the operation's id.
package operation

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Kind is what an operation does.
type Kind string

// The kinds. Rebuild makes an active tenant's stack anew after it was lost; data stays. Update brings changed settings to an
// active tenant's stack. Upgrade brings it to another artifact version; Preview tells what that would change, and changes nothing. Suspend has the tenant's API answer 410 to all that is sent; Resume ends that. Replay writes documents anew from the archive; Redrive sends dead letters back to the queue. These two
// leave the tenant as it is, failed or not.
const (
	Onboard  Kind = "onboard"
	Rebuild  Kind = "rebuild"
	Update   Kind = "update"
	Upgrade  Kind = "upgrade"
	Preview  Kind = "preview"
	Suspend  Kind = "suspend"
	Resume   Kind = "resume"
	Replay   Kind = "replay"
	Redrive  Kind = "redrive"
	Erase    Kind = "erase"
	Offboard Kind = "offboard"
)

// SparesTenant reports whether operations of this kind change nothing of the tenant: its state stays, and an off-boarding
// need not wait for their end.
func (k Kind) SparesTenant() bool { return k == Preview || k == Replay || k == Redrive || k == Erase }

// State is where an operation is.
type State string

// The states. A queued operation waits for the tenant's running one to give way.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// DataPolicy says what an off-boarding does with the tenant's data.
type DataPolicy string

// RetainData keeps indices, space and data bucket, and holds the slug; DeleteData purges and frees it.
const (
	RetainData DataPolicy = "retain"
	DeleteData DataPolicy = "delete"
)

// An Operation is one long-running change to one tenant.
type Operation struct {
	ID              string // UUID
	TenantID        string
	Slug            slug.Slug
	Kind            Kind
	State           State
	Step            string // the step that is next, or running; empty before the first
	Attempt         int    // 1, then one more for each retry
	Percent         int    // 0 to 100, never falling within an attempt
	Data            DataPolicy
	Change          tenant.Change // of an update: becomes the tenant's when the stack has it
	Artifacts       string        // of an upgrade or a preview: the version that the stack shall have
	Rollout         string        // of an upgrade: the id of the rollout that it is part of, if of one
	Span            Span          // of a replay
	Erase           Erasure       // of an erase
	CancelRequested bool
	Memo            Memo
	Failure         *Failure
	Generation      int64 // grows with each claim; a save of an older one changes nothing
	RequestedBy     string
	RequestID       string // of the request that asked for its last attempt; empty: none did
	CreatedAt       time.Time
	UpdatedAt       time.Time
	FinishedAt      time.Time // zero while it runs
}

// Memo is what steps leave for later ones, and for the same step run again.
type Memo struct {
	Attempt     int            `json:"attempt,omitempty"` // the attempt that this is the memo of
	StackID     string         `json:"stack_id,omitempty"`
	Token       string         `json:"token,omitempty"`       // client request token of the present stack call
	LastEvent   string         `json:"last_event,omitempty"`  // newest stack event already told
	Resources   int            `json:"resources,omitempty"`   // how many the template has: what percent counts against
	Completed   int            `json:"completed,omitempty"`   // how many of them are done
	Deletes     int            `json:"deletes,omitempty"`     // how often the stack's deletion was asked for in this attempt
	Continues   int            `json:"continues,omitempty"`   // how often a stuck rollback was continued in this attempt
	Troubles    int            `json:"troubles,omitempty"`    // how often the present step failed in a way that may pass
	CallID      string         `json:"call_id,omitempty"`     // batch id of the synthetic call
	CallStarted time.Time      `json:"call_started,omitzero"` // its first instant, so that a repeat is the same call
	CallWanted  map[string]int `json:"call_wanted,omitempty"` // documents that must appear, by kind
	CallFound   map[string]int `json:"call_found,omitempty"`  // those that were found while the space was filled
	Resend      ResendMemo     `json:"resend,omitzero"`
	Erase       EraseMemo      `json:"erase,omitzero"`
	Space       *SpaceReport   `json:"space,omitempty"`       // nil: not looked at yet
	Changes     []StackChange  `json:"changes,omitempty"`     // of a preview: what the upgrade would change
	Former      *Release       `json:"former,omitempty"`      // of an upgrade: what the stack was made of before; nil: not known, or no other
	Broken      *Failure       `json:"broken,omitempty"`      // why the new release failed its proof; set: the tenant is taken back
	StepStarted time.Time      `json:"step_started,omitzero"` // when the present step began: time-outs count from here
}

// A Release is what a stack was made of: enough to ask for the same again.
type Release struct {
	Version    string            `json:"version"` // of its artifacts
	Parameters map[string]string `json:"parameters"`
}

// A Failure says why an operation failed, in terms of an admin.
type Failure struct {
	Code     string `json:"code"`
	Reason   string `json:"reason"`             // CloudFormation's, for the first resource that failed
	Resource string `json:"resource,omitempty"` // logical id
	Type     string `json:"type,omitempty"`     // AWS::…
	Advice   string `json:"advice,omitempty"`
}

// Error lets an adapter return a failure that will not pass by itself: the operation fails with it.
func (f *Failure) Error() string { return f.Code + ": " + f.Reason }

// An Event is one line of an operation's story. Sequence numbers grow by one within an operation.
type Event struct {
	Sequence int64
	At       time.Time
	Step     string
	Level    string // "info" or "error"
	Message  string
	Resource string // logical id of a stack resource, if it is about one
	Status   string // CloudFormation's status of that resource
	Percent  int
}

// A Progress is what one step changed, saved at once.
type Progress struct {
	Operation Operation
	Events    []Event       // Sequence and At are filled by the store
	Tenant    *TenantChange // nil: the tenant stays as it is
}

// A TenantChange is what an operation changes of its tenant.
type TenantChange struct {
	State        tenant.State
	DisplayName  string                   // with Settings
	Settings     *tenant.Settings         // nil: all three stay
	Instances    []tenant.ConnectInstance // with Settings
	Stack        *tenant.Stack
	URLs         *tenant.URLs
	DataRetained bool // with Deleted: whether the slug stays held
}

// Filter asks for part of the operations.
type Filter struct {
	Tenant slug.Slug // empty: all in scope
	Kind   Kind
	State  State
	Limit  int
	Cursor string
}

// A Write is what a caller asked to be done once. The zero value asks for no idempotency.
type Write struct {
	Key    string                        // Idempotency-Key
	Hash   [32]byte                      // of method, path and body
	Render func(Started) ([]byte, error) // the answer to remember, made inside the transaction
}

// Started is an operation that is recorded and will run. Its Operation is the zero value where none was needed.
type Started struct {
	Tenant    tenant.Tenant
	Operation Operation
	Rollout   Rollout // the zero value unless it was asked for one
	Replay    []byte  // the remembered first answer, when the key was used before with the same body
}

// Starter records operations. Each method writes tenant, operation, audit event and job in one transaction:
// when it returns nil, the work will be done, whatever is killed. The actor's role has been checked by the caller.
type Starter interface {
	// StartOnboard makes the tenant, places it in a cell and queues its onboarding. The draft was checked.
	// It returns tenant.ErrSlugTaken, ErrARNTaken, ErrCellUnknown, ErrCellFull or ErrNoCell.
	StartOnboard(ctx context.Context, actor access.Actor, draft tenant.Draft, w Write) (Started, error)
	// StartUpdate changes a tenant. What the tenant's stack carries is changed by an update, and is the tenant's when that has
	// succeeded; what the database alone holds is changed at once, in a failed tenant too; nothing to change is a success.
	// ErrChanged: the tenant's version is none of those that the caller has seen (nil: any). ErrRunning, tenant.ErrNotActive,
	// or what tenant.Change.Apply finds wrong.
	StartUpdate(ctx context.Context, actor access.Actor, s slug.Slug, c tenant.Change, seen []int64, w Write) (Started, error)
	// StartSuspend queues the suspension of an active tenant; ErrRunning, tenant.ErrNotActive.
	StartSuspend(ctx context.Context, actor access.Actor, s slug.Slug, w Write) (Started, error)
	// StartResume queues the resumption of a suspended tenant; ErrRunning, tenant.ErrNotSuspended.
	StartResume(ctx context.Context, actor access.Actor, s slug.Slug, w Write) (Started, error)
	// StartUpgrade queues the upgrade of an active tenant to a version that CheckArtifacts takes; ErrRunning, tenant.ErrNotActive.
	StartUpgrade(ctx context.Context, actor access.Actor, s slug.Slug, artifacts string, w Write) (Started, error)
	// StartPreview queues a look at what such an upgrade would change; ErrRunning, tenant.ErrNotActive.
	StartPreview(ctx context.Context, actor access.Actor, s slug.Slug, artifacts string, w Write) (Started, error)
	// StartReplay queues a replay of a checked span for an active tenant; ErrRunning, tenant.ErrNotActive.
	StartReplay(ctx context.Context, actor access.Actor, s slug.Slug, span Span, w Write) (Started, error)
	// StartRedrive queues a redrive for an active tenant; ErrRunning, tenant.ErrNotActive.
	StartRedrive(ctx context.Context, actor access.Actor, s slug.Slug, w Write) (Started, error)
	// StartErase queues the erasure of an agent from all that an active tenant has; ErrRunning, tenant.ErrNotActive, or what
	// NewErasure finds wrong.
	StartErase(ctx context.Context, actor access.Actor, s slug.Slug, agent string, w Write) (Started, error)
	// StartOffboard queues an off-boarding, cancelling a running onboard, rebuild, preview, replay, redrive or erase at its next
	// step.
	// ErrRunning names any other running operation. A deleted tenant with retained data may be started again with DeleteData.
	// Delete protection is checked here, in the transaction.
	StartOffboard(ctx context.Context, actor access.Actor, s slug.Slug, data DataPolicy, w Write) (Started, error)
	// StartRetry makes a new attempt of the tenant's failed operation; ErrNothingToRetry when the last one did not fail.
	StartRetry(ctx context.Context, actor access.Actor, s slug.Slug, w Write) (Started, error)
	// StartRebuild queues a rebuild of an active tenant; ErrRunning when something runs.
	StartRebuild(ctx context.Context, actor access.Actor, s slug.Slug) (Started, error)
}

// History reads operations within the actor's scope.
type History interface {
	Operation(ctx context.Context, actor access.Actor, id string) (Operation, error)
	// Operations returns a page, newest first, and the cursor of the next.
	Operations(ctx context.Context, actor access.Actor, f Filter) ([]Operation, string, error)
	// Events returns up to limit events with a sequence above after, oldest first.
	Events(ctx context.Context, actor access.Actor, id string, after int64, limit int) ([]Event, error)
}

// Store is what the runner keeps operations in.
type Store interface {
	// Claim takes the operation for holder until now + lease and returns it with a new generation, together with its
	// tenant and cell. A queued operation becomes running when the tenant has no running one.
	// ErrHeld: another holder's lease lasts, or another operation of the tenant runs: try later. ErrFinished: it is over.
	Claim(ctx context.Context, tenantID, id, holder string, lease time.Duration) (Claimed, error)
	// Save writes one step's outcome if p.Operation.Generation is still the operation's, else ErrLost and nothing changes.
	// A finished operation's State is Succeeded, Failed or Cancelled; the lease ends with it.
	Save(ctx context.Context, p Progress) error
	// Release ends the lease after a step that left the operation running, if the generation is still the operation's.
	Release(ctx context.Context, op Operation) error
}

// Claimed is an operation in hand.
type Claimed struct {
	Operation Operation
	Tenant    tenant.Tenant
	Cell      tenant.Cell
}

// The faults of operations.
var (
	ErrNotFound       = fault.New(fault.NotFound, "operation.not_found", "There is no such operation.")
	ErrRunning        = fault.New(fault.Conflict, "operation.running", "Another operation of this tenant runs; wait for it to end.")
	ErrNothingToRetry = fault.New(fault.Conflict, "operation.nothing_to_retry", "The tenant's last operation did not fail.")
	ErrChanged        = fault.New(fault.Precondition, "precondition.failed", "The tenant has changed since you read it. Read it again, and send its new ETag as If-Match.")
	ErrKeyReused      = fault.New(fault.Invalid, "idempotency.key_reused", "This Idempotency-Key was used with another request; make a new key.")
	ErrHeld           = fault.New(fault.Conflict, "operation.held", "Another worker has this operation.")
	ErrFinished       = fault.New(fault.Conflict, "operation.finished", "The operation has ended.")
	ErrLost           = fault.New(fault.Conflict, "operation.lost", "Another worker has taken this operation over.")
)

// AdvanceArgs are the arguments of the job that drives an operation.
type AdvanceArgs struct {
	TenantID    string `json:"tenant_id"`
	OperationID string `json:"operation_id"`
}

// Kind names the job.
func (AdvanceArgs) Kind() string { return "advance_operation" }

// ExpireArgs are the arguments of the job that deletes a tenant's expired indices.
type ExpireArgs struct {
	TenantID string    `json:"tenant_id"`
	Slug     slug.Slug `json:"slug"`
}

// Kind names the job.
func (ExpireArgs) Kind() string { return "expire_tenant" }
