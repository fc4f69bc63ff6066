package operation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
)

// What people have made of the space is told, and is no failure.
func TestConflictsOfTheSpaceAreTold(t *testing.T) {
	t.Parallel()
	b := setupUpdate(t)
	b.cloud.Space = operation.SpaceReport{
		Version: "v2", Managed: 3, Updated: []string{"dashboard:a"}, Conflicts: []string{"dashboard:b"}, Deleted: []string{"search:c"},
	}
	op := b.finish(t)
	if op.State != operation.Succeeded || op.Memo.Space == nil || !slices.Equal(op.Memo.Space.Conflicts, []string{"dashboard:b"}) {
		t.Errorf("operation %s: %+v", op.State, op.Memo.Space)
	}
	_, _, events := b.store.Look(opID)
	for _, want := range []string{"templates v2: 0 created, 1 updated", "1 edited by somebody and kept, though the template is a newer one: dashboard:b.", "brought back: search:c."} {
		if !slices.ContainsFunc(events, func(e operation.Event) bool { return e.Step == "fill_space" && strings.Contains(e.Message, want) }) {
			t.Errorf("nothing is told of %q", want)
		}
	}
}
