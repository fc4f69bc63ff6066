// Package searchtenant gives a tenant its place in OpenSearch: roles, their mappings, users, index templates, the security
// tenant of its space and the managed objects in it; and takes it away again.
package searchtenant

import (
	"context"
	"time"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Options are the delays and the shape of one search cluster.
type Options struct {
	Replicas int           // of each index; 0 on one node
	HasUsers bool          // the cluster keeps users of its own; false where IAM signs everybody in
	Patience time.Duration // how long a call waits for search to answer and to allow it
	Lease    time.Duration // how long the lock outlives a holder that died
	Pause    time.Duration // before the first repetition; it grows, with jitter
}

// DefaultOptions returns the delays for a function with ten minutes.
func DefaultOptions() Options {
	return Options{Patience: 5 * time.Minute, Lease: time.Minute, Pause: 100 * time.Millisecond}
}

// An Admin administers one search cluster. Its client must sign in as an administrator. Every method is idempotent, may be
// called at the same time from several processes, and repeats what a passing failure stopped.
type Admin struct {
	search  opensearchapi.Transport
	options Options
}

// New returns an Admin of the cluster behind search.
func New(search opensearchapi.Transport, options Options) *Admin {
	return &Admin{search: search, options: options}
}

// A Grant is what one tenant's stack asks for.
type Grant struct {
	Slug    slug.Slug
	StackID string
	Writer  Identity
	Reader  Identity
	Editor  Identity
}

// An Identity is who gets a role: an IAM role, or where the cluster keeps users, the user named like the search role.
type Identity struct {
	Principal string // ARN of an IAM role
	Username  string
	Password  string
}

// Apply makes the tenant's access, templates and space what the grant says, writing only what differs: each write of the
// security configuration empties caches of the whole cluster. What people made or changed in the space stays: see Provision.
func (a *Admin) Apply(ctx context.Context, g Grant) error {
	if err := g.check(a.options.HasUsers); err != nil {
		return err
	}
	err := a.locked(ctx, securityLock, func(ctx context.Context, w *writer) error {
		if err := w.makeSpace(ctx, g.Slug); err != nil {
			return err
		}
		if err := w.grant(ctx, g); err != nil {
			return err
		}
		return w.putTemplates(ctx, g.Slug)
	})
	if err != nil {
		return err
	}
	_, err = a.Provision(ctx, g.Slug, false)
	return err
}

// Revoke removes the tenant's access, and nothing else: indices, templates and the space stay. It does nothing when a newer
// stack than stackID has been granted access since.
func (a *Admin) Revoke(ctx context.Context, s slug.Slug, stackID string) error {
	return a.locked(ctx, securityLock, func(ctx context.Context, w *writer) error {
		owner, err := w.owner(ctx, s)
		if err != nil || owner != "" && owner != stackID {
			return err
		}
		return w.revoke(ctx, s)
	})
}

// Purge removes everything that search holds of the tenant. The caller knows that its stack is gone.
func (a *Admin) Purge(ctx context.Context, s slug.Slug) error {
	err := a.locked(ctx, securityLock, func(ctx context.Context, w *writer) error {
		if err := w.revoke(ctx, s); err != nil {
			return err
		}
		if err := w.dropIndices(ctx, s); err != nil {
			return err
		}
		if err := w.dropTemplates(ctx, s); err != nil {
			return err
		}
		return w.dropIfThere(ctx, security+"tenants/"+s.Space())
	})
	if err != nil {
		return err
	}
	// Whoever fills the space has ended by then, and nobody begins: the tenant has no access any more.
	return a.locked(ctx, spaceLock(s), func(ctx context.Context, w *writer) error {
		names, err := w.spaceIndices(ctx, s)
		if err != nil {
			return err
		}
		if err := w.dropNamed(ctx, names); err != nil {
			return err
		}
		return w.drop(ctx, undoPath(s))
	})
}
