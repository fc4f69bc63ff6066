package operation

import (
	"context"
	"fmt"
	"strings"
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
// of it, and what people have changed since is found. Meanwhile the synthetic call travels, and is looked for.
func (r *run) fillSpace(ctx context.Context) (time.Duration, error) {
	found := r.lookMeanwhile(ctx)
	report, err := r.Spaces.Provision(ctx, r.cell, r.op.Slug)
	r.op.Memo.CallFound = found()
	if err != nil {
		return 0, err
	}
	r.op.Memo.Space = &report
	r.reach(percentFilled)
	r.say(report.told())
	r.enter("await_call")
	return soon, nil
}

// lookMeanwhile looks for the synthetic call again and again while something else is done. The caller calls what it returns when that
// is over, and gets the last answer, nil if there was none. A look that is under way then may end: its function is busy, and would be
// started a second time for the next one. What cannot be looked at now await_call says.
func (r *run) lookMeanwhile(ctx context.Context) (end func() map[string]int) {
	if r.op.Memo.CallID == "" {
		return func() map[string]int { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	over, answer := make(chan struct{}), make(chan map[string]int, 1)
	go func() {
		var last map[string]int
		defer func() { answer <- last }()
		for {
			if found, err := r.Prober.Found(ctx, r.cell, r.op.Slug, r.op.Memo.CallID); err == nil {
				last = found
			}
			if have, want := r.documentsOf(last); have == want {
				return
			}
			select {
			case <-over:
				return
			case <-time.After(r.quickly()):
			}
		}
	}()
	return func() map[string]int {
		defer cancel()
		close(over)
		select {
		case last := <-answer:
			return last
		case <-time.After(min(r.Poll, time.Second)):
			cancel()
			return <-answer
		}
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
