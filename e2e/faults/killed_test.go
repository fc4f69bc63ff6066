package faults_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
)

// resumeTime is how long an operation may take after a worker is there again.
const resumeTime = 90 * time.Second

// catchTime is how long may pass until all is as a test needs it; no promise hangs on it.
const catchTime = 5 * time.Minute

var (
	onboarding  = []string{"create_stack", "await_stack", "send_call", "fill_space", "await_call"}
	offboarding = []string{"delete_stack", "await_deletion", "purge", "sweep"}
)

// caught is operations that a worker holds, each at another step: the step has been done, and nothing of it is saved.
type caught struct {
	slugs, operations map[string]string // by step
	gate              *gate
	worker            *worker
	wake              func() // lets the launcher's worker go on, which sleeps
}

// catch begins an onboarding, or an off-boarding, of a tenant per step and has a worker of its own drive each up to there.
func catch(t *testing.T, w *world.World, slugs map[string]string, locked bool, settings ...string) caught {
	t.Helper()
	const name = "caught-worker"
	c := caught{slugs: slugs, operations: map[string]string{}}
	address, _ := databaseSetting(t, w)
	c.wake = stopWorker(t, w)
	c.gate = newGate(t, address, name)
	for step, s := range slugs {
		begin := onboard
		if slices.Contains(offboarding, step) {
			begin = offboard
		}
		id := begin(t, w, s)
		c.operations[step] = id
		c.gate.watch(id, &hold{locked: locked, isNext: func() bool { return isNext(context.WithoutCancel(t.Context()), w, id, step) }})
	}
	c.worker = startWorker(t, w, name, append(settings, through(t, w, c.gate))...)
	world.Eventually(t, catchTime, "each operation is held at its step", func(context.Context) (bool, string) {
		held := c.gate.held()
		return held == len(slugs), fmt.Sprint(held)
	})
	return c
}

// isNext reports whether the operation's next step is the wanted one.
func isNext(ctx context.Context, w *world.World, operation, step string) bool {
	now, err := query(ctx, w, `select step from operations where id = $1::text::uuid`, operation)
	if err != nil || len(now) == 0 {
		return false
	}
	isFirst := step == onboarding[0] || step == offboarding[0]
	return now[0] == step || isFirst && now[0] == ""
}

func (c caught) ids() (ids []string) {
	for _, id := range c.operations {
		ids = append(ids, id)
	}
	return ids
}

// wantDone looks at what became of all of them.
func (c caught) wantDone(t *testing.T, w *world.World) {
	t.Helper()
	for step, id := range c.operations {
		if slices.Contains(onboarding, step) {
			wantOnboarded(t, w, c.slugs[step], id)
		} else {
			wantOffboarded(t, w, c.slugs[step])
		}
		wantToldOnce(t, w, c.slugs[step], id)
	}
}

// The caught worker does not give up by itself while others are still on their way to their step.
var patient = []string{"EARSHOT_LEASE=10m", "EARSHOT_DATABASE_TIMEOUT=5m"}

// A worker is killed in each step of onboarding and off-boarding, when the step's work is done and nothing of it is saved.
// The one that starts in its place goes on, within a minute and a half, and nothing is done twice. Then another is stopped
// in each step; a second worker takes over, and when the first wakes it changes nothing.
func TestWorkerLostInEachStep(t *testing.T) {
	w := setup(t)
	var began []string
	kill, stop := map[string]string{}, map[string]string{}
	for i, step := range onboarding {
		kill[step], stop[step] = fmt.Sprintf("killed%d", i), fmt.Sprintf("stopped%d", i)
	}
	for i, step := range offboarding {
		kill[step], stop[step] = fmt.Sprintf("first%d", i), fmt.Sprintf("killed%d", i)
		began = append(began, onboard(t, w, kill[step]))
	}
	await(t, w, stackTime, "succeeded", began...)
	t.Run("killed", func(t *testing.T) { kills(t, w, kill) })
	t.Run("stopped", func(t *testing.T) { stops(t, w, stop) })
}

func kills(t *testing.T, w *world.World, slugs map[string]string) {
	t.Helper()
	c := catch(t, w, slugs, false, patient...)
	c.worker.signal(syscall.SIGKILL)
	startWorker(t, w, "caught-worker") // as whoever supervises it would
	await(t, w, resumeTime, "succeeded", c.ids()...)
	c.wake()
	c.wantDone(t, w)
}

func stops(t *testing.T, w *world.World, slugs map[string]string) {
	t.Helper()
	c := catch(t, w, slugs, false, patient...)
	c.worker.signal(syscall.SIGSTOP)
	c.wake()
	c.wantHeld(t, w)
	endLeases(t, w, c.ids())
	await(t, w, resumeTime, "succeeded", c.ids()...)
	c.wantDone(t, w)

	c.wantUnchangedByWaking(t, w)
	if n := strings.Count(c.worker.said(), "another worker has taken the operation over"); n != len(slugs) {
		t.Errorf("%d saves of the worker that woke were refused, want %d", n, len(slugs))
	}
}

// wantHeld offers the jobs of the stopped worker to the other one, as a rescue that comes too early would. The leases last, so
// it leaves the operations alone.
func (c caught) wantHeld(t *testing.T, w *world.World) {
	t.Helper()
	offered := ask(t, w, `update river.river_job set state = 'available', attempted_at = null
		where state = 'running' and args ->> 'operation_id' = any($1) returning id::text`, c.ids())
	if len(offered) != len(c.slugs) {
		t.Errorf("%d jobs were in the stopped worker's hand, want %d", len(offered), len(c.slugs))
	}
	world.Eventually(t, catchTime, "the other worker has tried each", func(ctx context.Context) (bool, string) {
		waiting, err := query(ctx, w, `select id::text from river.river_job
			where id::text = any($1) and (attempted_at is null or state = 'running')`, offered)
		return err == nil && len(waiting) == 0, fmt.Sprint(waiting, err)
	})
	for _, taken := range ask(t, w, `select t.slug || ' is held by ' || o.holder from operations o join tenants t on t.id = o.tenant_id
		where o.id = any($1::uuid[]) and o.holder <> 'caught-worker'`, c.ids()) {
		t.Error(taken)
	}
}

// endLeases lets the time pass that the operations are held.
func endLeases(t *testing.T, w *world.World, operations []string) {
	t.Helper()
	ask(t, w, `update operations set lease_until = clock_timestamp() where id = any($1::uuid[]) returning id::text`, operations)
}

// wantUnchangedByWaking wakes the worker, lets it end, and compares.
func (c caught) wantUnchangedByWaking(t *testing.T, w *world.World) {
	t.Helper()
	before := everything(t, w, c.ids())
	c.gate.open()
	c.worker.signal(syscall.SIGCONT)
	c.worker.signal(syscall.SIGTERM) // it lets what it has in hand end
	if err := c.worker.Wait(); err != nil {
		t.Errorf("the worker that woke ended with %v", err)
	}
	if after := everything(t, w, c.ids()); !slices.Equal(before, after) {
		t.Errorf("the worker that woke changed\n%q\nto\n%q", before, after)
	}
	c.wantDone(t, w)
}

// A worker is stopped in the middle of a transaction that has the tenant's row locked. Postgres ends the transaction, and
// another worker goes on.
func TestWorkerStoppedInATransaction(t *testing.T) {
	w := setup(t)
	c := catch(t, w, map[string]string{onboarding[0]: "locked"}, true)
	c.worker.signal(syscall.SIGSTOP)
	c.wake()
	endLeases(t, w, c.ids())
	await(t, w, resumeTime, "succeeded", c.ids()...)
	c.wantUnchangedByWaking(t, w)
}

// everything is all that Postgres knows of the operations, their events and their tenants.
func everything(t *testing.T, w *world.World, operations []string) []string {
	t.Helper()
	return ask(t, w, `
		select 'o' || o::text from operations o where o.id = any($1::uuid[])
		union all select 'e' || e::text from operation_events e where e.operation_id = any($1::uuid[])
		union all select 't' || t::text from tenants t where t.id in (select o.tenant_id from operations o where o.id = any($1::uuid[]))
		order by 1`, operations)
}
