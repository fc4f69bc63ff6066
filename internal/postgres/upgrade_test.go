package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestUpgradeAndPreview(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	of := active(t, db)
	seen, err := db.StartPreview(t.Context(), owner, of.Slug, "v2", operation.Write{})
	if err != nil || seen.Operation.Kind != operation.Preview || seen.Operation.Artifacts != "v2" || seen.Tenant.State != tenant.Active {
		t.Fatalf("preview: %+v, %v", seen, err)
	}
	if err := ignore(db.StartUpgrade(t.Context(), owner, of.Slug, "v2", operation.Write{})); !errors.Is(err, operation.ErrRunning) {
		t.Errorf("an upgrade beside its preview: %v", err)
	}
	end(t, db, seen.Operation, operation.Succeeded, nil)
	got, err := db.StartUpgrade(t.Context(), owner, of.Slug, "v2", operation.Write{})
	if err != nil || got.Operation.Kind != operation.Upgrade || got.Operation.Artifacts != "v2" || got.Tenant.State != tenant.Updating {
		t.Fatalf("upgrade: %+v, %v", got, err)
	}
	end(t, db, got.Operation, operation.Failed, &operation.TenantChange{State: tenant.Active})
	again, err := db.StartRetry(t.Context(), owner, of.Slug, operation.Write{})
	if err != nil || again.Operation.ID != got.Operation.ID || again.Operation.Artifacts != "v2" || again.Tenant.State != tenant.Updating {
		t.Fatalf("retry: %+v, %v", again, err)
	}
	end(t, db, again.Operation, operation.Succeeded, &operation.TenantChange{
		State: tenant.Active, Stack: &tenant.Stack{Name: "earshot-x", ID: "id", ArtifactVersion: "v2"},
	})
	if after := tenantOf(t, db, of.Slug); after.Stack.ArtifactVersion != "v2" {
		t.Errorf("the tenant has %+v", after.Stack)
	}
}

// A rolloutBench is tenants with a rollout over them.
type rolloutBench struct {
	postgrestest.Database
	tenants []tenant.Tenant
	args    operation.RolloutArgs
}

func startRollout(t *testing.T, tenants, parallel int) rolloutBench {
	t.Helper()
	b := rolloutBench{Database: postgrestest.New(t, testenv.Postgres(t))}
	draft := operation.RolloutDraft{Artifacts: "v2", Parallel: parallel}
	for range tenants {
		of := active(t, b.Database)
		b.tenants, draft.Tenants, b.args.TenantIDs = append(b.tenants, of), append(draft.Tenants, of.Slug), append(b.args.TenantIDs, of.ID)
	}
	started, err := b.StartRollout(t.Context(), owner, draft, operation.Write{})
	if err != nil || started.Rollout.State != operation.RolloutRunning || len(started.Rollout.Tenants) != tenants {
		t.Fatalf("%+v, %v", started.Rollout, err)
	}
	b.args.RolloutID = started.Rollout.ID
	return b
}

// advance looks once and returns the rollout's state and the states of its tenants' operations, "-" for none.
func (b rolloutBench) advance(t *testing.T) (operation.RolloutState, []string) {
	t.Helper()
	over, err := b.AdvanceRollout(t.Context(), b.args)
	if err != nil {
		t.Fatal(err)
	}
	r := b.look(t)
	if ended := r.State == operation.RolloutSucceeded || r.State == operation.RolloutFailed; over != ended || r.FinishedAt.IsZero() == ended {
		t.Errorf("over %v, and it is %+v", over, r)
	}
	var states []string
	for i, one := range r.Tenants {
		if one.Slug != b.tenants[i].Slug {
			t.Errorf("%s has turn %d, want %s", one.Slug, i, b.tenants[i].Slug)
		}
		if one.State == "" {
			one.State = "-"
		}
		states = append(states, string(one.State))
	}
	return r.State, states
}

func (b rolloutBench) look(t *testing.T) operation.Rollout {
	t.Helper()
	r, err := b.Rollout(t.Context(), owner, b.args.RolloutID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// is advances and compares.
func (b rolloutBench) is(t *testing.T, state operation.RolloutState, want ...string) {
	t.Helper()
	if got, states := b.advance(t); got != state || !slices.Equal(states, want) {
		t.Errorf("%s %v, want %s %v", got, states, state, want)
	}
}

func (b rolloutBench) ends(t *testing.T, turn int, state operation.State) {
	t.Helper()
	op, err := b.Operation(t.Context(), owner, b.look(t).Tenants[turn].Operation)
	if err != nil {
		t.Fatal(err)
	}
	end(t, b.Database, op, state, &operation.TenantChange{State: tenant.Active})
}

// breaks saves that the tenant whose turn it was is taken back: its release has failed the proof.
func (b rolloutBench) breaks(t *testing.T, turn int) {
	t.Helper()
	claimed, err := b.Claim(t.Context(), b.tenants[turn].ID, b.look(t).Tenants[turn].Operation, "worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	op := claimed.Operation
	op.Step, op.Memo.Broken = "take_back", &operation.Failure{Code: "probe.failed"}
	if err := b.Save(t.Context(), operation.Progress{Operation: op}); err != nil {
		t.Fatal(err)
	}
}

func TestARolloutKeepsItsOrderAndItsNumber(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 5, 2)
	b.is(t, "running", "running", "-", "-", "-", "-")
	b.is(t, "running", "running", "-", "-", "-", "-") // looking again begins nothing
	b.ends(t, 0, operation.Succeeded)
	b.is(t, "running", "succeeded", "running", "running", "-", "-")
	b.ends(t, 2, operation.Succeeded)
	b.is(t, "running", "succeeded", "running", "succeeded", "running", "-")
	b.ends(t, 1, operation.Succeeded)
	b.ends(t, 3, operation.Succeeded)
	b.is(t, "running", "succeeded", "succeeded", "succeeded", "succeeded", "running")
	b.ends(t, 4, operation.Succeeded)
	b.is(t, "succeeded", "succeeded", "succeeded", "succeeded", "succeeded", "succeeded")
	if over, err := b.AdvanceRollout(t.Context(), b.args); !over || err != nil {
		t.Errorf("one that is over: %v, %v", over, err)
	}
	op, err := b.Operation(t.Context(), owner, b.look(t).Tenants[0].Operation)
	if err != nil || op.Rollout != b.args.RolloutID || op.RequestedBy != b.look(t).RequestedBy || op.Artifacts != "v2" {
		t.Errorf("the operation is %+v, %v", op, err)
	}
	audited := names(t, b.SuperuserURL, `select actor || ' ' || name from audit_events where action = 'tenants.upgrade'`)
	if want := "upgrade:" + b.args.RolloutID + " " + op.RequestedBy; len(audited) != 5 || audited[0] != want {
		t.Errorf("audited %q, want five of %q", audited, want)
	}
}

func TestARolloutStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 5, 2)
	b.is(t, "running", "running", "-", "-", "-", "-")
	b.ends(t, 0, operation.Succeeded)
	b.is(t, "running", "succeeded", "running", "running", "-", "-")
	b.breaks(t, 1)
	b.ends(t, 2, operation.Succeeded)
	b.is(t, "running", "succeeded", "running", "succeeded", "-", "-") // no other begins while one is taken back
	b.ends(t, 1, operation.Failed)
	b.is(t, "failed", "succeeded", "failed", "succeeded", "-", "-")
	r := b.look(t)
	if f := r.Failure; f == nil || f.Tenant != b.tenants[1].Slug || f.Code == "" || f.Reason == "" {
		t.Errorf("failure %+v", f)
	}
	// A retry of what failed wakes nothing.
	if _, err := b.StartRetry(t.Context(), owner, b.tenants[1].Slug, operation.Write{}); err != nil {
		t.Fatal(err)
	}
	b.is(t, "failed", "succeeded", "running", "succeeded", "-", "-")
}

func TestARolloutMeetsATenantThatIsBusyOrCannot(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 3, 3)
	busy := update(t, b.Database, b.tenants[0], ofStack)
	b.is(t, "running", "-", "running", "-") // so the second goes first, and alone
	b.ends(t, 1, operation.Succeeded)
	b.is(t, "running", "-", "succeeded", "running")
	end(t, b.Database, busy.Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Active})
	b.is(t, "running", "running", "succeeded", "running")

	other := startRollout(t, 3, 1)
	suspended, err := other.StartSuspend(t.Context(), owner, other.tenants[1].Slug, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	end(t, other.Database, suspended.Operation, operation.Succeeded, &operation.TenantChange{State: tenant.Suspended})
	other.is(t, "running", "running", "-", "-")
	other.ends(t, 0, operation.Succeeded)
	other.is(t, "failed", "succeeded", "-", "-")
	if f := other.look(t).Failure; f.Tenant != other.tenants[1].Slug || f.Code != "tenant.not_active" {
		t.Errorf("failure %+v", f)
	}
}

// Several workers look at once, as they do when a job is rescued from one that is only slow.
func TestARolloutIsAdvancedOnceByManyWorkers(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 6, 3)
	b.is(t, "running", "running", "-", "-", "-", "-", "-")
	b.ends(t, 0, operation.Succeeded)
	group, ctx := errgroup.WithContext(t.Context())
	for range 8 {
		group.Go(func() error { return ignore(b.AdvanceRollout(ctx, b.args)) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	b.is(t, "running", "succeeded", "running", "running", "running", "-", "-")
	if n := names(t, b.SuperuserURL, `select id::text from operations where kind = 'upgrade'`); len(n) != 4 {
		t.Errorf("%d upgrades were begun", len(n))
	}
}

func TestARolloutOfTenantsThatAreNotThere(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 2, 1)
	one, two := b.tenants[0], b.tenants[1]
	scoped := access.Actor{Subject: "s", Role: access.Operator, Scope: access.Scope{TenantIDs: []string{one.ID}}}
	for what, row := range map[string]struct {
		actor   access.Actor
		tenants []slug.Slug
		at      string
	}{
		"nobody's":       {owner, []slug.Slug{one.Slug, "nobody"}, "/tenants/1"},
		"twice":          {owner, []slug.Slug{one.Slug, two.Slug, one.Slug}, "/tenants/2"},
		"out of reach":   {scoped, []slug.Slug{one.Slug, two.Slug}, "/tenants/1"},
		"no slug at all": {owner, []slug.Slug{"'; drop table tenants --"}, "/tenants/0"},
	} {
		_, err := b.StartRollout(t.Context(), row.actor, operation.RolloutDraft{Artifacts: "v2", Tenants: row.tenants, Parallel: 1}, operation.Write{})
		f, ok := fault.As(err)
		if !ok || f.Code != operation.ErrRolloutTenants.Code || len(f.Fields) != 1 || f.Fields[0].Pointer != row.at {
			t.Errorf("%s: %v %+v", what, err, f)
		}
	}
	// What reaches further than its reader is not seen, and what does not is.
	if list, _, err := b.Rollouts(t.Context(), scoped, 0, ""); len(list) > 0 || err != nil {
		t.Errorf("a rollout over another tenant is shown: %+v, %v", list, err)
	}
	own, err := b.StartRollout(t.Context(), scoped, operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{one.Slug}, Parallel: 1}, operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	if list, _, err := b.Rollouts(t.Context(), scoped, 0, ""); len(list) != 1 || list[0].ID != own.Rollout.ID || err != nil {
		t.Errorf("one's own rollout: %+v, %v", list, err)
	}
	// A job reaches its rollout's tenants only, whatever it names.
	foreign := operation.RolloutArgs{RolloutID: b.args.RolloutID, TenantIDs: []string{uuid.NewString()}}
	if over, err := b.AdvanceRollout(t.Context(), foreign); !over || err != nil {
		t.Errorf("a job of another scope: %v, %v", over, err)
	}
	if r := b.look(t); r.Tenants[0].Operation != "" {
		t.Error("a job of another scope began an upgrade")
	}
}

func TestRolloutsPageByPage(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 1, 1)
	want := []string{b.args.RolloutID}
	for range 4 {
		started, err := b.StartRollout(t.Context(), owner, operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{b.tenants[0].Slug}, Parallel: 1}, operation.Write{})
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{started.Rollout.ID}, want...)
	}
	var got []string
	for cursor := ""; ; {
		list, next, err := b.Rollouts(t.Context(), owner, 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			got = append(got, r.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	if _, _, err := b.Rollouts(t.Context(), owner, 2, "AAAA"); !errors.Is(err, tenant.ErrCursor) {
		t.Errorf("an invented cursor: %v", err)
	}
}

// Somebody has emptied the queue: a rollout gets a new job, once.
func TestALostRolloutJobIsMadeAgain(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 1, 1)
	everything := access.Actor{Subject: "worker", Role: access.System, Scope: access.Scope{All: true}}
	requeue := func() int {
		n, err := b.Requeue(t.Context(), everything, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := requeue(); n != 0 {
		t.Errorf("%d were given a job that have one", n)
	}
	asSuperuser(t, b.Database, "delete from river.river_job where kind = 'advance_rollout'")
	if n := requeue(); n != 1 {
		t.Errorf("%d got a new job, want one", n)
	}
	if n := requeue(); n != 0 {
		t.Errorf("%d got another", n)
	}
}

func TestARolloutIsStartedOnceForItsKey(t *testing.T) {
	t.Parallel()
	b := startRollout(t, 1, 1)
	w := operation.Write{Key: "one", Hash: [32]byte{1}, Render: func(s operation.Started) ([]byte, error) { return []byte(s.Rollout.ID), nil }}
	draft := operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{b.tenants[0].Slug}, Parallel: 1}
	one, err := b.StartRollout(t.Context(), owner, draft, w)
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.StartRollout(t.Context(), owner, draft, w)
	if err != nil || string(two.Replay) != one.Rollout.ID || two.Rollout.ID != "" {
		t.Errorf("again: %q %+v, %v; want %s", two.Replay, two.Rollout, err, one.Rollout.ID)
	}
}

// rolloutOf makes a rollout of the tenant, for a stranger to look at.
func rolloutOf(ctx context.Context, db postgrestest.Database, of operation.Started) (operation.Rollout, error) {
	started, err := db.StartRollout(ctx, owner, operation.RolloutDraft{Artifacts: "v2", Tenants: []slug.Slug{of.Tenant.Slug}, Parallel: 1}, operation.Write{})
	if err == nil && started.Rollout.ID == "" {
		err = fmt.Errorf("no rollout of %s", of.Tenant.Slug)
	}
	return started.Rollout, err
}
