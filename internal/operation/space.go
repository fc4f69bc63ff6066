package operation

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Spaces fills the tenants' spaces of Dashboards.
type Spaces interface {
	// Provision writes what the tenant's space lacks of its templates, never over what somebody has edited or deleted, and
	// returns what it found. It is idempotent.
	Provision(ctx context.Context, cell tenant.Cell, s slug.Slug) (SpaceReport, error)
}

// A SpaceReport says how the managed objects of a space stand, by their keys ("dashboard:earshot-overview"). Created, Updated
// and Removed are what was done when this version of the templates was written.
type SpaceReport struct {
	Version   string   `json:"version"` // of the templates
	Managed   int      `json:"managed"`
	Created   []string `json:"created"`
	Updated   []string `json:"updated"`
	Removed   []string `json:"removed"`
	Edited    []string `json:"edited"`    // by somebody, and kept
	Conflicts []string `json:"conflicts"` // edited by somebody and kept, so that the space lacks what the newer template has
	Deleted   []string `json:"deleted"`   // by somebody, and not brought back
}

// fillSpace has the tenant's space filled. Its stack has done so already, when it was made or changed; here is told what came
// of it, and what people have changed since is found. Meanwhile the synthetic call travels, and the function starts that will be
// asked for it.
func (r *run) fillSpace(ctx context.Context) (time.Duration, error) {
	asked := r.startProbe(ctx)
	report, err := r.Spaces.Provision(ctx, r.cell, r.op.Slug)
	asked()
	if err != nil {
		return 0, err
	}
	r.op.Memo.Space = &report
	r.reach(percentFilled)
	r.say(report.told())
	r.enter("await_call")
	return soon, nil
}

// startProbe asks for the synthetic call while something else is done, so that the function has started when its answer is waited
// for. What it answers now is nobody's business. The caller calls what it returns when it is done.
func (r *run) startProbe(ctx context.Context) (end func()) {
	if r.op.Memo.CallID == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	asking.Go(func() { _, _ = r.Prober.Found(ctx, r.cell, r.op.Slug, r.op.Memo.CallID) }) // await_call asks again
	return func() {
		cancel()
		asking.Wait()
	}
}

// told says what an admin should know.
func (s SpaceReport) told() string {
	text := []string{fmt.Sprintf("The space has %d managed objects of templates %s: %d created, %d updated, %d removed.",
		s.Managed, s.Version, len(s.Created), len(s.Updated), len(s.Removed))}
	for _, list := range []struct {
		keys []string
		what string
	}{
		{s.Conflicts, "edited by somebody and kept, though the template is a newer one"},
		{s.Edited, "edited by somebody and kept"},
		{s.Deleted, "deleted by somebody and not brought back"},
	} {
		if len(list.keys) > 0 {
			text = append(text, fmt.Sprintf("%d %s: %s.", len(list.keys), list.what, strings.Join(list.keys, ", ")))
		}
	}
	return strings.Join(text, " ")
}
