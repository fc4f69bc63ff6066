package operation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// version is what the stack in the cloud has.
func (b *bench) version(t *testing.T) string {
	t.Helper()
	view, err := b.cloud.Describe(t.Context(), tenant.Cell{}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	return view.ArtifactVersion
}

func setupUpgrade(t *testing.T, kind operation.Kind) *bench {
	t.Helper()
	b := setup(t, kind)
	b.install(t)
	return b
}

func TestUpgradeEndsActive(t *testing.T) {
	t.Parallel()
	b := setupUpgrade(t, operation.Upgrade)
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || tn.Stack.ArtifactVersion != "v2" || tn.Stack.Name != "earshot-acme" || b.version(t) != "v2" || b.cloud.Sent != 1 {
		t.Errorf("operation %s, tenant %+v, the stack has %s, %d calls", op.State, tn, b.version(t), b.cloud.Sent)
	}
	if op.Memo.Former != nil {
		t.Errorf("the operation still has what the stack was made of: %+v", op.Memo.Former)
	}
	if tn.URLs.TelemetryAPI != "https://api" {
		t.Errorf("the tenant's addresses are %+v", tn.URLs)
	}
	if !slices.ContainsFunc(events, func(e operation.Event) bool { return strings.Contains(e.Message, "from version v1 to v2") }) {
		t.Errorf("nothing is told of the versions: %+v", events)
	}
	isUnchanged(t, tn)
}

func TestAnUpgradeToTheSameVersionProvesIt(t *testing.T) {
	t.Parallel()
	b := setupUpgrade(t, operation.Upgrade)
	op, tn, _ := b.store.Look(opID)
	op.Artifacts = "v1"
	b.store.Put(tn, op)
	if op := b.finish(t); op.State != operation.Succeeded || b.cloud.Updated != 0 || b.cloud.Sent != 1 {
		t.Errorf("operation %s, %d updates, %d calls", op.State, b.cloud.Updated, b.cloud.Sent)
	}
}

func TestAFailedUpgradeLeavesTheVersion(t *testing.T) {
	t.Parallel()
	b := setupUpgrade(t, operation.Upgrade)
	b.cloud.FailUpdate, b.cloud.StickRollbacks = "SoftphoneSite", 2
	op := b.finish(t)
	_, tn, _ := b.store.Look(opID)
	if op.State != operation.Failed || op.Failure.Resource != "SoftphoneSite" || tn.State != tenant.Active || b.version(t) != "v1" || tn.Stack.ArtifactVersion == "v2" {
		t.Errorf("operation %s: %+v, tenant %s of %s", op.State, op.Failure, tn.State, tn.Stack.ArtifactVersion)
	}
	if b.cloud.Deleted != 0 {
		t.Error("a stuck rollback was answered by a deletion")
	}
	b.cloud.FailUpdate = ""
	b.retry()
	if op = b.finish(t); op.State != operation.Succeeded || b.version(t) != "v2" {
		t.Errorf("retry: %s: %+v, the stack has %s", op.State, op.Failure, b.version(t))
	}
}

func TestAVersionThatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, kind := range []operation.Kind{operation.Upgrade, operation.Preview} {
		b := setupUpgrade(t, kind)
		b.cloud.Versions = []string{"v1"}
		op := b.finish(t)
		_, tn, _ := b.store.Look(opID)
		if op.State != operation.Failed || op.Failure.Code != "upgrade.version_unknown" || tn.State != tenant.Active {
			t.Errorf("%s: %s: %+v, tenant %s", kind, op.State, op.Failure, tn.State)
		}
	}
}

func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	b := setupUpgrade(t, operation.Preview)
	op := b.finish(t)
	_, tn, events := b.store.Look(opID)
	if op.State != operation.Succeeded || tn.State != tenant.Active || b.version(t) != "v1" || b.cloud.Updated != 0 || b.cloud.Sent != 0 {
		t.Errorf("operation %s: %+v, tenant %s, the stack has %s", op.State, op.Failure, tn.State, b.version(t))
	}
	if len(op.Memo.Changes) != 1 || op.Memo.Changes[0].Resource != "Site" {
		t.Errorf("changes %+v", op.Memo.Changes)
	}
	if last := events[len(events)-1].Message; !strings.Contains(last, "v1 to v2: 0 resources would be added, 1 modified (0 of them replaced), 0 removed") {
		t.Errorf("told %q", last)
	}
}

func TestCheckArtifacts(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{
		"410ce6a5e9c3e03d": true, "v1.2.3-rc_1": true, "": false, ".": false, "..": false, "../v1": false, "v 1": false, "v1\n": false,
		strings.Repeat("a", 65): false,
	} {
		if err := operation.CheckArtifacts(version); (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
	}
}

func TestCountOfARollout(t *testing.T) {
	t.Parallel()
	r := operation.Rollout{}
	for n, one := range []operation.RolloutTenant{
		{State: operation.Succeeded}, {State: operation.Running}, {State: operation.Running, Broken: true},
		{State: operation.Cancelled}, {State: operation.Failed, Broken: true}, {State: operation.Queued}, {},
	} {
		one.Slug = slug.Slug(rune('a' + n))
		r.Tenants = append(r.Tenants, one)
	}
	got := r.Count()
	if got.Failed == nil || got.Failed.Slug != "d" {
		t.Errorf("the first failure is %+v, want that of d", got.Failed)
	}
	got.Failed = nil
	if want := (operation.Tally{UnderWay: 3, Succeeded: 1, Broken: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTurnsOfARollout(t *testing.T) {
	t.Parallel()
	failed := &operation.RolloutTenant{State: operation.Failed}
	for what, row := range map[string]struct {
		parallel int
		now      operation.Tally
		want     int
	}{
		"the first goes alone":                   {3, operation.Tally{}, 1},
		"until it is over":                       {3, operation.Tally{UnderWay: 1}, 0},
		"then as many as may":                    {3, operation.Tally{Succeeded: 1}, 3},
		"beside those under way":                 {3, operation.Tally{Succeeded: 1, UnderWay: 2}, 1},
		"and no more":                            {3, operation.Tally{Succeeded: 1, UnderWay: 3}, 0},
		"one at a time":                          {1, operation.Tally{Succeeded: 1}, 1},
		"after a failure none":                   {3, operation.Tally{Succeeded: 1, Failed: failed}, 0},
		"nor while a tenant is being taken back": {3, operation.Tally{Succeeded: 1, UnderWay: 1, Broken: true}, 0},
	} {
		if got := (operation.Rollout{Parallel: row.parallel}).Turns(row.now); got != row.want {
			t.Errorf("%s: %d may begin, want %d", what, got, row.want)
		}
	}
}
