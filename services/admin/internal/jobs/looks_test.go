package jobs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// album has tenants that are due, keeps snapshots, and looks itself.
type album struct {
	due     []tenant.Tenant
	dueErr  error
	putErr  map[string]error
	onLook  func(n int)
	since   time.Time
	mu      sync.Mutex
	kept    []string // guarded by mu, like those below
	looking int
	most    int
	looked  int
}

func (a *album) TenantsToLookAt(_ context.Context, actor access.Actor, since time.Time, _ int) ([]tenant.Tenant, error) {
	if !actor.Scope.All {
		return nil, tenant.ErrNotFound
	}
	a.since = since
	return a.due, a.dueErr
}

func (a *album) PutSnapshot(_ context.Context, actor access.Actor, id string, s tenant.Snapshot) error {
	if actor.Scope.All || !slices.Equal(actor.Scope.TenantIDs, []string{id}) || s.Reason != id {
		return tenant.ErrNotFound
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.putErr[id]; err != nil {
		return err
	}
	a.kept = append(a.kept, id)
	return nil
}

func (a *album) Snapshot(_ context.Context, t tenant.Tenant) tenant.Snapshot {
	a.mu.Lock()
	a.looking++
	a.looked++
	n := a.looked
	a.most = max(a.most, a.looking)
	a.mu.Unlock()
	if a.onLook != nil {
		a.onLook(n)
	}
	a.mu.Lock()
	a.looking--
	a.mu.Unlock()
	return tenant.Snapshot{At: time.Now(), Condition: tenant.Good, Reason: t.ID}
}

func looksAt(howMany int) (*album, *Looks) {
	a := &album{putErr: map[string]error{}}
	for n := range howMany {
		a.due = append(a.due, tenant.Tenant{ID: string(rune('a' + n)), Slug: slug.Slug("acme")})
	}
	return a, &Looks{Onlooker: a, Snapshots: a, Every: time.Minute, Time: time.Hour, AtOnce: 3, Log: slog.New(slog.DiscardHandler)}
}

// Each look is kept in its own tenant's name, a few at a time; one that cannot be kept costs nobody else's.
func TestLooksAreKept(t *testing.T) {
	t.Parallel()
	a, l := looksAt(20)
	a.putErr["b"], a.putErr["c"] = errAway, tenant.ErrNotFound
	if err := l.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(a.kept)
	if got := strings.Join(a.kept, ""); got != "adefghijklmnopqrst" || a.most > 3 {
		t.Errorf("kept %s, %d at once", got, a.most)
	}
	if ago := time.Since(a.since); ago < 30*time.Second || ago > time.Minute {
		t.Errorf("asked for those whom nobody has looked at for %s", ago)
	}
}

func TestARoundEndsInTime(t *testing.T) {
	t.Parallel()
	a, l := looksAt(20)
	l.AtOnce, l.Time = 1, 0 // whoever has begun ends, and no other begins
	if err := l.Round(t.Context()); err != nil || len(a.kept) > 1 {
		t.Errorf("kept %v, %v", a.kept, err)
	}
	a, l = looksAt(20)
	ctx, cancel := context.WithCancel(t.Context())
	l.AtOnce = 1
	a.onLook = func(int) { cancel() }
	if err := l.Round(ctx); err != nil || a.looked > 2 {
		t.Errorf("looked at %d after the end, %v", a.looked, err)
	}
	a.dueErr = errAway
	if err := l.Round(t.Context()); err == nil {
		t.Error("a database that is away is no error")
	}
}
