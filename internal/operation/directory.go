package operation

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Directories has agent directories read outside of their schedule.
type Directories interface {
	// Read asks for a reading of the directory of one of the tenant's Connect instances, and does not wait for it. One that is
	// asked for twice is read twice.
	Read(ctx context.Context, cell tenant.Cell, s slug.Slug, alias string) error
}

// readDirectory asks for the first reading by a role that the customer has just given, so that nobody waits for the schedule to
// see whether it works.
func (r *run) readDirectory(ctx context.Context) (time.Duration, error) {
	if alias := r.op.Change.ConnectInstances.Lets(); alias != "" {
		if err := r.Directories.Read(ctx, r.cell, r.op.Slug, alias); err != nil {
			return 0, err
		}
		r.say("The agent directory of " + alias + " is being read; what comes of it is in the tenant's health.")
	}
	r.enter("send_call")
	return soon, nil
}
