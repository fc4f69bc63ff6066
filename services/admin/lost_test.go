package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A death is an instant at which a worker is lost: its way to the database is cut, and it never comes back from the call that it is in.
// To everybody else that is a process that was killed.
type death struct {
	at   string
	cut  func()
	once sync.Once
	dead chan struct{} // closed when it has happened
	over <-chan struct{}
}

// die is called at every instant that has a name.
func (d *death) die(at string) {
	isDead := at == d.at
	if isDead {
		d.once.Do(func() {
			d.cut()
			close(d.dead)
		})
	}
	select {
	case <-d.dead: // whatever else the worker is about to do, it is dead
		<-d.over
	default:
	}
}

// mortalStacks and mortalProber are a cloud in which a worker dies.
type mortalStacks struct {
	operation.Stacks
	*death
}

func (m mortalStacks) Upgrade(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	m.die("before an upgrade is asked for")
	defer m.die("after an upgrade was asked for")
	return m.Stacks.Upgrade(ctx, cell, t, token)
}

func (m mortalStacks) TakeBack(ctx context.Context, cell tenant.Cell, stackID string, to operation.Release, token string) (bool, error) {
	defer m.die("after a stack was asked to be taken back")
	return m.Stacks.TakeBack(ctx, cell, stackID, to, token)
}

func (m mortalStacks) Events(ctx context.Context, cell tenant.Cell, stackID, token, after string) ([]operation.StackEvent, error) {
	m.die("while a stack is upgraded")
	if strings.Contains(token, "-back-") {
		m.die("while a stack is taken back")
	}
	return m.Stacks.Events(ctx, cell, stackID, token, after)
}

type mortalProber struct {
	operation.Prober
	*death
}

func (m mortalProber) Send(ctx context.Context, t tenant.Tenant, callID string, started time.Time) (map[string]int, error) {
	wanted, err := m.Prober.Send(ctx, t, callID, started)
	m.die("after the call was sent")
	if err == nil {
		m.die("after a call was taken")
	}
	return wanted, err
}

func (m mortalProber) Found(ctx context.Context, cell tenant.Cell, s slug.Slug, callID string) (map[string]int, error) {
	m.die("while the call is looked for")
	return m.Prober.Found(ctx, cell, s, callID)
}

// never is when River takes up a dead worker's jobs in these tests: what goes on was taken over.
const never = 24 * time.Hour

// onboard makes tenants, with a worker that has ended well when it returns.
func (w world) onboard(t *testing.T, names ...slug.Slug) {
	t.Helper()
	worker := w.worker(t)
	require.NoError(t, worker.Run(t.Context()))
	defer func() { assert.NoError(t, worker.Close(context.WithoutCancel(t.Context()))) }() // before the test has ended, however it does
	for n, s := range names {
		body := strings.Replace(onboarding(s), "11111111-2222", fmt.Sprintf("1111111%d-2222", n), 1)
		status, text := w.insist(t, http.MethodPost, "/v1/tenants", body, "Idempotency-Key: onboard-"+s.String())
		require.Equal(t, http.StatusAccepted, status, text)
		await(t, s.String()+" is active", func() bool { return w.state(t, s) == "active" })
	}
}

// TestAWorkerKilledInALookAtAnUpgradeOfMany kills the worker's process while it looks at an upgrade of many, before it has begun any. River
// believes for a day that the look goes on. Another worker takes it over when no look can last so long, one of the dead's name at once, and
// each tenant is upgraded once.
func TestAWorkerKilledInALookAtAnUpgradeOfMany(t *testing.T) {
	t.Parallel()
	for name, heirs := range map[string]struct {
		name  string
		looks time.Duration // how long one may last
	}{
		"another worker goes on":         {"other", 10 * time.Second},
		"its successor goes on, by name": {"victim", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, aws := setupAPI(t, nil, nil), newSilentAWS(t)
			w.onboard(t, "acme", "beta", "gamma")
			id := w.askForUpgrade(t, "v2")
			letGo := w.holdUpgrade(t)
			victim := w.process(t, aws.url, "EARSHOT_WORKER_ID=victim", "EARSHOT_DATABASE_TIMEOUT=1h")
			await(t, "the worker looks at the upgrade", func() bool {
				return len(w.ask(t, `select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)) > 0
			})
			require.NoError(t, victim.Process.Kill())
			require.Error(t, victim.Wait())
			letGo()
			const job = `select state::text from river.river_job where kind = 'advance_rollout'`
			require.Equal(t, []string{"running"}, w.ask(t, job), "the queue believes in the dead worker")

			heir := w.worker(t)
			heir.settings.WorkerID, heir.settings.DatabaseTime, heir.rescue = heirs.name, heirs.looks, never
			start(t, heir)
			assert.Equal(t, "succeeded succeeded,succeeded,succeeded", w.endOfUpgrade(t, id))
			await(t, "its job is over", func() bool { return w.ask(t, job)[0] == "completed" })
			assert.Equal(t, []string{"acme 1", "beta 1", "gamma 1"}, w.upgradesBegun(t))
			assert.Equal(t, 3, w.cloud.Updated, "stacks updated")
		})
	}
}

// holdUpgrade keeps everybody else from the row of an upgrade of many until it is let go.
func (w world) holdUpgrade(t *testing.T) (letGo func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.superuserURL)
	require.NoError(t, err)
	letGo = sync.OnceFunc(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	t.Cleanup(letGo)
	_, err = conn.Exec(t.Context(), "begin")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "select id from rollouts for update")
	require.NoError(t, err)
	return letGo
}

// TestAWorkerLostInAnUpgradeOfMany loses the worker at each instant of the first tenant's upgrade. Another goes on: that tenant is
// upgraded once, the second fails, and the third is not begun.
func TestAWorkerLostInAnUpgradeOfMany(t *testing.T) {
	t.Parallel()
	var cases sync.WaitGroup // all at the same time: they do little but wait for what the dead has left
	defer cases.Wait()
	for _, at := range []string{
		"before an upgrade is asked for", "after an upgrade was asked for", "while a stack is upgraded", "after the call was sent", "while the call is looked for",
	} {
		cases.Go(func() {
			t.Run(at, func(t *testing.T) {
				w := setupAPI(t, nil, nil)
				w.onboard(t, "acme", "beta", "gamma")
				w.cloud.BreakUpdates("beta")
				sent := w.cloud.Sent
				assert.Equal(t, "failed succeeded,failed,not_begun", w.endOfUpgrade(t, w.upgradeByTwo(t, at, 0)))
				assert.Equal(t, []string{"acme 1", "beta 1"}, w.upgradesBegun(t))
				assert.Equal(t, 1, w.cloud.Updated, "stacks updated")
				assert.Equal(t, sent+1, w.cloud.Sent, "calls sent")
			})
		})
	}
}

// TestAWorkerLostWhileATenantIsTakenBack loses the worker at each instant from the failed proof of a release on. Another goes on: the
// tenant is taken back once, works, and the upgrade has stopped at it.
func TestAWorkerLostWhileATenantIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, at := range []string{
		"after the call was sent", "after a stack was asked to be taken back", "while a stack is taken back", "after a call was taken",
	} {
		t.Run(at, func(t *testing.T) { // one after the other: many worlds beside each other wait for the database only
			w := setupAPI(t, nil, nil)
			w.onboard(t, "acme", "beta", "gamma")
			w.cloud.Mute = "v2"
			sent := w.cloud.Sent
			assert.Equal(t, "failed failed,not_begun,not_begun", w.endOfUpgrade(t, w.upgradeByTwo(t, at, time.Second)))
			assert.Equal(t, []string{"acme 1"}, w.upgradesBegun(t))
			assert.Equal(t, []string{"upgrade.taken_back"}, w.ask(t, `select failure->>'code' from operations where kind = 'upgrade'`))
			assert.Equal(t, []string{"acme active v1", "beta active v1", "gamma active v1"}, w.ask(t, `select slug || ' ' || state || ' ' || artifact_version from tenants order by slug`))
			assert.Equal(t, 2, w.cloud.Updated, "stacks updated")
			assert.Equal(t, sent+1, w.cloud.Sent, "calls taken")
			assert.Equal(t, []string{"operations.running v1 v2", "operations.running v2 v1"}, w.ask(t, `select action || ' ' || (before->>'artifact_version') || ' ' || (after->>'artifact_version')
				from audit_events where before ? 'artifact_version' and target = 'tenants/acme' and before->>'artifact_version' <> '' order by id`), "audited")
		})
	}
}

// upgradeByTwo upgrades all tenants to v2, one at a time: one worker is lost at an instant, and another goes on. A proof may take so
// long, or as long as usual. It returns the upgrade's id once the first is lost.
func (w world) upgradeByTwo(t *testing.T, at string, proof time.Duration) (id string) {
	t.Helper()
	direct, err := url.Parse(w.appURL)
	require.NoError(t, err)
	straight, err := url.Parse(w.superuserURL)
	require.NoError(t, err)
	direct.Host = straight.Host
	way, proxy := behindProxy(t, direct.String())
	over := make(chan struct{})
	lost := &death{at: at, cut: proxy.Stop, dead: make(chan struct{}), over: over}
	victim := w.worker(t)
	victim.log = slog.New(slog.DiscardHandler) // the dead may outlive the test
	victim.settings.DatabaseURL, victim.settings.Lease = way, 6*time.Second
	victim.cloud.Stacks, victim.cloud.Prober = mortalStacks{w.cloud, lost}, mortalProber{w.cloud, lost}
	heir := w.worker(t)
	heir.settings.Lease, heir.rescue = 6*time.Second, never
	if proof > 0 {
		victim.settings.ProbeTimeout, heir.settings.ProbeTimeout = proof, proof
	}
	require.NoError(t, victim.Run(t.Context()))
	t.Cleanup(func() {
		close(over)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = victim.Close(ctx) // it is dead
	})
	id = w.askForUpgrade(t, "v2")
	<-lost.dead
	start(t, heir)
	return id
}

// upgradesBegun counts the upgrades of each tenant.
func (w world) upgradesBegun(t *testing.T) []string {
	t.Helper()
	return w.ask(t, `select t.slug || ' ' || count(*) from operations o join tenants t on t.id = o.tenant_id where o.kind = 'upgrade' group by t.slug order by t.slug`)
}
