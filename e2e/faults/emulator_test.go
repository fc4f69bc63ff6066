package faults_test

import (
	"net/http"
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
	back := within(t, "up again", upTime)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	back()

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
