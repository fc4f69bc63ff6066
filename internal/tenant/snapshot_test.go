package tenant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	queue := func(seconds int64) *tenant.QueueDepth { return &tenant.QueueDepth{Waiting: 1, OldestSeconds: &seconds} }
	letters := func(n int64) *int64 { return &n }
	failed := []tenant.DirectoryRun{{ConnectInstance: "berlin", State: tenant.DirectoryGood}, {ConnectInstance: "leeds", State: tenant.DirectoryFailed, Code: "directory.role_refused"}}
	unread := []tenant.Unreadable{{Part: "queue", Reason: "AWS answered AccessDenied."}}
	for name, row := range map[string]struct {
		state  tenant.State
		health tenant.Health
		want   tenant.Condition
		says   string
	}{
		"all is well":                       {tenant.Active, tenant.Health{Queue: queue(1), DeadLetters: letters(0)}, tenant.Good, "Nothing waits"},
		"an age that nobody keeps":          {tenant.Active, tenant.Health{Queue: &tenant.QueueDepth{Waiting: 3}, Unreadable: []tenant.Unreadable{{Part: "oldest_message"}}}, tenant.Good, "Nothing waits"},
		"dead letters":                      {tenant.Active, tenant.Health{Queue: queue(1), DeadLetters: letters(3)}, tenant.Warning, "Dead letters: 3."},
		"records wait":                      {tenant.Active, tenant.Health{Queue: queue(130), DeadLetters: letters(0)}, tenant.Warning, "2 minutes"},
		"records wait for a quarter hour":   {tenant.Active, tenant.Health{Queue: queue(901), DeadLetters: letters(3)}, tenant.Bad, "15 minutes"},
		"that, while a part cannot be read": {tenant.Active, tenant.Health{Queue: queue(901), Unreadable: unread}, tenant.Bad, "15 minutes"},
		"a directory":                       {tenant.Updating, tenant.Health{Directory: failed}, tenant.Warning, "leeds could not be read (directory.role_refused)"},
		"a part that cannot be read":        {tenant.Active, tenant.Health{DeadLetters: letters(3), Unreadable: unread}, tenant.Unknown, "queue): AWS answered"},
		"a failed operation":                {tenant.Failed, tenant.Health{Unreadable: unread}, tenant.Bad, "operation has failed"},
		"a suspended tenant":                {tenant.Suspended, tenant.Health{}, tenant.Good, "Suspended"},
		"a suspended one with dead letters": {tenant.Suspended, tenant.Health{DeadLetters: letters(1)}, tenant.Warning, "Dead letters"},
	} {
		condition, reason := tenant.Judge(tenant.Tenant{State: row.state}, row.health)
		if condition != row.want || !strings.Contains(reason, row.says) {
			t.Errorf("%s: %s, %s", name, condition, reason)
		}
	}
}

func TestASnapshotGrowsOld(t *testing.T) {
	t.Parallel()
	calls := int64(7)
	s := tenant.Snapshot{At: time.Date(2026, 11, 29, 23, 58, 0, 0, time.UTC), CallsToday: &calls}
	if now := s.At.Add(time.Minute); s.IsStale(now) || s.Calls(now) == nil || *s.Calls(now) != 7 {
		t.Errorf("after a minute: stale %v, calls %v", s.IsStale(now), s.Calls(now))
	}
	if now := s.At.Add(3 * time.Minute); s.IsStale(now) || s.Calls(now) != nil {
		t.Errorf("on the next day: stale %v, calls %v", s.IsStale(now), s.Calls(now))
	}
	if now := s.At.Add(6 * time.Minute); !s.IsStale(now) {
		t.Error("after six minutes it is believed")
	}
	if never := (tenant.Snapshot{}); !never.IsStale(time.Now()) || never.Calls(time.Now()) != nil {
		t.Error("what nobody has looked at is believed")
	}
}
