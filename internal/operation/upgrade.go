package operation

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
)

var previewing = []step{{name: "preview_changes", limit: probeTime, do: (*run).previewChanges}}

// previewChanges tells what an upgrade would change.
func (r *run) previewChanges(ctx context.Context) (time.Duration, error) {
	view, err := r.Stacks.Describe(ctx, r.cell, r.op.Slug)
	if err != nil {
		return 0, err
	}
	if view.Status != StackReady && view.Status != StackReverted {
		return r.Poll, waiting("the stack is in " + view.Raw)
	}
	wanted, err := r.wanted(view)
	if err != nil {
		return 0, asFailure(err)
	}
	changes, ready, err := r.Stacks.Preview(ctx, r.cell, wanted, r.token("preview"))
	if err != nil {
		return 0, err
	}
	if !ready {
		return r.Poll, waiting("CloudFormation compares the versions")
	}
	r.op.Memo.Changes = changes
	r.reach(100)
	r.say(fmt.Sprintf("From version %s to %s: %s.", view.ArtifactVersion, r.op.Artifacts, counted(changes)))
	r.finish(Succeeded)
	return 0, nil
}

func counted(changes []StackChange) string {
	count := map[string]int{}
	for _, c := range changes {
		count[c.Action]++
		if c.Replacement == "true" {
			count["replaced"]++
		}
	}
	if len(changes) == 0 {
		return "nothing would change"
	}
	return fmt.Sprintf("%d resources would be added, %d modified (%d of them replaced), %d removed",
		count["add"], count["modify"], count["replaced"], count["remove"])
}

var artifactsForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

var errArtifacts = fault.New(fault.Invalid, "upgrade.version_invalid",
	"Send a version that was made by `make artifacts`: 1 to 64 letters, digits, points, hyphens and underscores.")

// CheckArtifacts refuses what cannot be an artifact version. Whether a cell has it, the operation finds out.
func CheckArtifacts(version string) error {
	if !artifactsForm.MatchString(version) || version == "." || version == ".." {
		return errArtifacts.At("/artifact_version")
	}
	return nil
}
