package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/slug"
)

// What a tenant has while it is served, and what stays of it when its data is retained.
var (
	everything = []string{
		"alarm", "api", "bucket", "event source", "function", "index", "index of the space", "index template", "log group", "pool", "queue", "role",
		"role mapping", "search role", "search user", "secret", "site", "space", "stack", "tagged",
	}
	retained = []string{"bucket", "index", "index of the space", "index template", "space"}
)

// furnish gives a tenant something in each store that only use fills, and returns the agent whose call it has.
func furnish(t *testing.T, w *world.World, s slug.Slug) (agent string) {
	t.Helper()
	agent = fmt.Sprintf("%s.before.%d", s, time.Now().UnixNano())
	send(t, w, guest(t, w, s), agent)
	w.Settle(t, s)
	outputs := w.Outputs(t, s.StackName())
	if err := put(t.Context(), w.AWS(), outputs["DataBucket"], shelf); err != nil {
		t.Fatal(err)
	}
	hash := int32(0) // Java's, by which the security plugin names the index of a space
	for _, c := range []byte(s.Space()) {
		hash = 31*hash + int32(c)
	}
	path := fmt.Sprintf("/.kibana_%d_%s_1/_doc/dashboard:1?refresh=true", hash, s.Space())
	if status, answer := w.Search(t.Context(), t, http.MethodPut, path, map[string]any{"type": "dashboard"}); status >= http.StatusMultipleChoices {
		t.Fatal(status, string(answer))
	}
	if kinds := slices.Sorted(maps.Keys(w.Traces(t, s))); !slices.Equal(kinds, everything) {
		t.Fatalf("the stores name %v of %s, want %v", kinds, s, everything)
	}
	return agent
}

// TestOffboardingLeavesNothing looks into every store after an off-boarding with data=delete, sees that the neighbours have
// what they had, and takes the slug again.
func TestOffboardingLeavesNothing(t *testing.T) {
	w, _ := neighbours(t)
	agent := furnish(t, w, acm)
	others := stillLifes(t, w)
	w.Offboard(t, string(acm), "delete")
	if left := w.Traces(t, acm); len(left) > 0 {
		t.Errorf("of %s is left: %v", acm, left)
	}
	others.check(t, w)
	w.Onboard(t, world.Draft(string(acm)))
	if n := w.Count(t.Context(), t, acm.IndexPattern(), world.AgentIs(agent)); n != 0 {
		t.Errorf("the new tenant has %d documents of the old", n)
	}
}

// TestRetainedDataIsHeldUntilPurged off-boards with data=retain: what was promised stays, to the last document, and holds the slug;
// a second DELETE with data=delete purges it and frees the slug.
func TestRetainedDataIsHeldUntilPurged(t *testing.T) {
	w, _ := neighbours(t)
	furnish(t, w, acmee)
	others := stillLifes(t, w)
	documents, before := w.Digest(t, acmee.IndexPattern()), w.Traces(t, acmee)
	w.Offboard(t, string(acmee), "retain")

	left := w.Traces(t, acmee)
	if kinds := slices.Sorted(maps.Keys(left)); !slices.Equal(kinds, retained) {
		t.Errorf("the stores name %v, want %v: %v", kinds, retained, left)
	}
	for _, kind := range retained {
		want := before[kind]
		if kind == "bucket" { // the site's goes
			want = slices.DeleteFunc(slices.Clone(want), func(name string) bool { return !strings.Contains(name, "databucket") })
		}
		if !slices.Equal(left[kind], want) {
			t.Errorf("%s: %v, want %v", kind, left[kind], want)
		}
	}
	if after := w.Digest(t, acmee.IndexPattern()); after != documents {
		t.Errorf("retained are %s, there were %s", after, documents)
	}
	if status, answer := w.Call(t, http.MethodPost, "/v1/tenants", world.Draft(string(acmee))); status != http.StatusConflict || answer["code"] != "tenant.slug_taken" {
		t.Errorf("the slug is not held: %d %v", status, answer)
	}

	w.Offboard(t, string(acmee), "delete")
	if left := w.Traces(t, acmee); len(left) > 0 {
		t.Errorf("the purge left %v", left)
	}
	others.check(t, w)
	w.Onboard(t, world.Draft(string(acmee)))
}

// A stillLife is what the other tenants had at a moment.
type stillLife map[slug.Slug]struct {
	documents string
	traces    string
}

func stillLifes(t *testing.T, w *world.World) stillLife {
	t.Helper()
	all := stillLife{}
	for _, s := range []slug.Slug{acme, acmeeu} {
		w.Settle(t, s)
		one := all[s]
		one.documents, one.traces = w.Digest(t, s.IndexPattern()), fmt.Sprint(w.Traces(t, s))
		all[s] = one
	}
	return all
}

// check wants every document and every thing of the others to be there as before.
func (before stillLife) check(t *testing.T, w *world.World) {
	t.Helper()
	for s, now := range stillLifes(t, w) {
		if now != before[s] {
			t.Errorf("%s had %v, now it has %v", s, before[s], now)
		}
	}
}
