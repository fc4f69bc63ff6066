package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
)

// upTime is how long the launcher may take to have all back after parts and it were killed.
const upTime = time.Minute

// The emulator is killed, and with it all that it had not saved, and then the launcher. `up` brings acme back, with its
// documents and indices, and it takes calls again.
func TestEmulatorAndLauncherKilled(t *testing.T) {
	w := setup(t)
	const agent = "killed.launcher"
	sent := call(agent, time.Minute)
	w.Post(t, w.Tenant(t, "acme"), sent)
	w.FindExactly(t, "acme", agent, sent)
	before := indicesOf(t, w, "acme")

	w.Signal(t, "aws", syscall.SIGKILL)
	w.Kill()
	began := time.Now()
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	took, limit := time.Since(began), onThisMachine(t, upTime)
	t.Logf("up again after %s; the limit now is %s", took.Round(time.Second), limit)
	if took > limit {
		t.Errorf("up took %s, want at most %s", took, limit)
	}

	acme := w.Tenant(t, "acme")
	if acme["state"] != "active" {
		t.Errorf("acme is %v", acme["state"])
	}
	for _, index := range before {
		if after := indicesOf(t, w, "acme"); !slices.Contains(after, index) {
			t.Errorf("%s is another, or gone: %v", index, after)
		}
	}
	w.FindExactly(t, "acme", agent, sent)
	const another = "after.launcher"
	later := call(another, 30*time.Second)
	w.Post(t, acme, later)
	w.FindExactly(t, "acme", another, later)
}

// indicesOf names the tenant's indices, each with the id that a new one of its name would not have.
func indicesOf(t *testing.T, w *world.World, s string) []string {
	t.Helper()
	_, raw := w.Search(t.Context(), t, http.MethodGet, "/_cat/indices/"+s+"-*?h=index,uuid", nil)
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// onThisMachine stretches a limit, up to four times, by how many processes want each processor just now: most often those
// of other packages' tests.
func onThisMachine(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	var load float64
	if _, err := fmt.Sscan(string(raw), &load); err != nil {
		t.Fatal(err)
	}
	return time.Duration(float64(limit) * min(4, max(1, load/float64(runtime.NumCPU()))))
}
