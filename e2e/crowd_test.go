package e2e_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/slug"
)

// Two tenants that come and go, the names of which begin those of others and are begun by them. Whichever test needs one first
// onboards it.
const (
	acm   = slug.Slug("acm")
	acmee = slug.Slug("acmee")
)

// guest returns a tenant that is active.
func guest(t *testing.T, w *world.World, s slug.Slug) world.Tenant {
	t.Helper()
	if status, answer := w.Call(t, http.MethodGet, "/v1/tenants/"+string(s), nil); status == http.StatusOK && answer["state"] == "active" {
		return w.Tenant(t, string(s))
	}
	return w.Onboard(t, world.Draft(string(s)))
}

// TestManyAtOnceMakeOneTenant sends the same onboarding twenty times at the same moment: with one key all get the first one's
// answer, without keys one wins and nineteen are told that the slug is taken.
func TestManyAtOnceMakeOneTenant(t *testing.T) {
	w := setup(t)
	const many = 20
	withKey := crowd(t, w, acm, many, "Idempotency-Key", "acm-"+time.Now().Format(time.RFC3339Nano))
	if len(withKey) != 1 || len(withKey[http.StatusAccepted]) != many {
		t.Fatalf("with one key: %v", count(withKey))
	}
	for _, answer := range withKey[http.StatusAccepted] {
		if answer != withKey[http.StatusAccepted][0] {
			t.Errorf("with one key, one heard %s, another %s", withKey[http.StatusAccepted][0], answer)
		}
	}
	without := crowd(t, w, acmee, many)
	if len(without[http.StatusAccepted]) != 1 || len(without[http.StatusConflict]) != many-1 {
		t.Fatalf("without keys: %v", count(without))
	}
	for _, answer := range []string{withKey[http.StatusAccepted][0], without[http.StatusAccepted][0]} {
		started := world.Decode(t, []byte(answer))
		w.Follow(t, world.Member(started, "operation", "id").(string), 3*time.Minute)
		_, all := w.Call(t, http.MethodGet, "/v1/operations?tenant="+world.Member(started, "tenant", "slug").(string), nil)
		if list, _ := all["items"].([]any); len(list) != 1 {
			t.Errorf("%d operations were started: %v", len(list), all)
		}
	}
	for _, answer := range without[http.StatusConflict] {
		if code := world.Decode(t, []byte(answer))["code"]; code != "tenant.slug_taken" {
			t.Errorf("the others hear %s", answer)
		}
	}
}

// crowd posts a draft many times at once and returns the answers by status.
func crowd(t *testing.T, w *world.World, s slug.Slug, many int, headers ...string) map[int][]string {
	t.Helper()
	draft, err := json.Marshal(world.Draft(string(s)))
	if err != nil {
		t.Fatal(err)
	}
	headers = append([]string{"Authorization", "Bearer " + w.Token(), "Content-Type", "application/json"}, headers...)
	var mu sync.Mutex
	var posts sync.WaitGroup
	start, answers := make(chan struct{}), map[int][]string{}
	for range many {
		posts.Go(func() {
			<-start
			status, _, answer := world.Ask(t, http.MethodPost, w.AdminAPI+"/v1/tenants", draft, headers...)
			mu.Lock()
			defer mu.Unlock()
			answers[status] = append(answers[status], string(answer))
		})
	}
	close(start)
	posts.Wait()
	return answers
}

func count(answers map[int][]string) map[int]int {
	counts := map[int]int{}
	for status, list := range answers {
		counts[status] = len(list)
	}
	return counts
}
