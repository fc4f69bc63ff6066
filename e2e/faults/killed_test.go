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

// steps are those of onboarding and off-boarding, in their order.
var steps = map[string][]string{
	"onboard":  {"create_stack", "await_stack", "send_call", "await_call"},
	"offboard": {"delete_stack", "await_deletion", "purge", "sweep"},
}

// caught is operations of which each is held at another step: done by a worker, and not saved.
type caught struct {
	byStep map[string][2]string // slug and operation
	gate   *gate
	worker *worker
	wake   func() // the launcher's worker
}

func (c caught) operations() (ids []string) {
	for _, at := range c.byStep {
		ids = append(ids, at[1])
	}
	return ids
}

// catch begins an onboarding per step under the prefix and an off-boarding per step of the given tenants, and has a worker
// of its own work on them until each is held at its step. The launcher's worker sleeps from then on.
func catch(t *testing.T, w *world.World, prefix string, going []string, locked bool, settings ...string) caught {
	t.Helper()
	c := caught{byStep: map[string][2]string{}}
	address, _ := databaseSetting(t, w)
	c.wake = stopWorker(t, w)
	c.gate = newGate(t, address, "caught-worker")
	for i, step := range steps["onboard"] {
		s := fmt.Sprintf("%s%d", prefix, i)
		c.byStep[step] = [2]string{s, onboard(t, w, s)}
	}
	for i, step := range steps["offboard"] {
		c.byStep[step] = [2]string{going[i], offboard(t, w, going[i])}
	}
	for step, at := range c.byStep {
		c.gate.watch(at[1], &hold{locked: locked, isNext: func() bool {
			now, err := query(context.WithoutCancel(t.Context()), w, `select step || coalesce(memo ->> 'call_id', '') from operations where id = $1::text::uuid`, at[1])
			if err != nil || len(now) == 0 {
				return false
			}
			if step == "send_call" { // the first time it only notes which call it will send
				return strings.HasPrefix(now[0], step) && now[0] != step
			}
			return strings.HasPrefix(now[0], step) || now[0] == "" && slices.Contains([]string{"create_stack", "delete_stack"}, step)
		}})
	}
	c.worker = startWorker(t, w, "caught-worker", append(settings, through(t, w, c.gate))...)
	world.Eventually(t, 2*time.Minute, "each operation is held at its step", func(context.Context) (bool, string) {
		held := c.gate.held()
		return held == len(c.byStep), fmt.Sprint(held)
	})
	return c
}

// wantDone looks at what became of all of them.
func (c caught) wantDone(t *testing.T, w *world.World) {
	t.Helper()
	for _, step := range steps["onboard"] {
		wantOnboarded(t, w, c.byStep[step][0], c.byStep[step][1])
	}
	for _, step := range steps["offboard"] {
		wantOffboarded(t, w, c.byStep[step][0])
		wantToldOnce(t, w, c.byStep[step][0], c.byStep[step][1])
	}
}

// A worker is killed in each step of onboarding and off-boarding, when the step's work is done and nothing of it is saved.
// The one that starts in its place goes on, within a minute and a half, and nothing is done twice. Then another is stopped
// in each step, in the middle of a transaction; a second worker takes over, and when the first wakes it changes nothing.
func TestWorkerLostInEachStep(t *testing.T) {
	w := setup(t)
	var going, onboarded []string
	for i := range steps["offboard"] {
		s := fmt.Sprintf("first%d", i)
		going, onboarded = append(going, s), append(onboarded, onboard(t, w, s))
	}
	await(t, w, 3*time.Minute, "succeeded", onboarded...)

	t.Run("killed", func(t *testing.T) { killInEachStep(t, w, "killed", going) })
	for i := range steps["onboard"] {
		going[i] = fmt.Sprintf("killed%d", i)
	}
	t.Run("stopped", func(t *testing.T) { stopInEachStep(t, w, "stopped", going) })
}

func killInEachStep(t *testing.T, w *world.World, prefix string, going []string) {
	t.Helper()
	c := catch(t, w, prefix, going, false)
	c.worker.signal(syscall.SIGKILL)
	began := time.Now()
	startWorker(t, w, "caught-worker") // as whoever supervises it would
	await(t, w, resumeTime, "succeeded", c.operations()...)
	t.Logf("all ended %s after the restart", time.Since(began).Round(time.Second))
	c.wake()
	c.wantDone(t, w)
}

func stopInEachStep(t *testing.T, w *world.World, prefix string, going []string) {
	t.Helper()
	c := catch(t, w, prefix, going, true, "EARSHOT_LEASE=15s")
	c.worker.signal(syscall.SIGSTOP)
	began := time.Now()
	c.wake()
	await(t, w, resumeTime, "succeeded", c.operations()...)
	t.Logf("all ended %s after the stop, under a lease of 15 s", time.Since(began).Round(time.Second))
	c.wantDone(t, w)

	before := everything(t, w, c.operations())
	c.gate.open()
	c.worker.signal(syscall.SIGCONT)
	c.worker.signal(syscall.SIGTERM) // it lets what it has in hand end
	if err := c.worker.Wait(); err != nil {
		t.Errorf("the worker that woke ended with %v", err)
	}
	if after := everything(t, w, c.operations()); !slices.Equal(before, after) {
		t.Errorf("the worker that woke changed\n%q\nto\n%q", before, after)
	}
	c.wantDone(t, w)
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
