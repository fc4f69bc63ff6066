package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/services/gateway/managerbrowser"
)

// TestAManagerInABrowser walks in Chromium what a newly invited manager does: opens the tenant's address, is sent to the pool's own
// page, sets a password, sees which queue sounds bad, opens a call of it, reads why, and signs out. With EARSHOT_PICTURES=<folder>
// what is seen is kept.
func TestAManagerInABrowser(t *testing.T) {
	w := setup(t)
	atOnce(t)
	const (
		email    = "ines.falk@example.com"
		password = "Correct-horse-77"
		queue    = "Claims Night"
	)
	tenant := w.Tenant(t, string(acme))
	home := gatewayOf(t, tenant)
	if status, answer := w.Call(t, http.MethodPost, "/v1/tenants/acme/managers", map[string]any{"email": email, "group": "managers"}); status != http.StatusCreated {
		t.Fatalf("the invitation is answered %d: %v", status, answer)
	}
	call := lossyCall(t, w, tenant, queue)

	p := managerbrowser.Open(t, nil)
	p.Goto(home)
	p.Await("the pool's page", `document.querySelector("input[name=username]") && !location.href.startsWith("`+home+`")`)
	p.Picture("walk-sign-in")
	p.Fill("input[name=username]", email)
	p.Fill("input[name=password]", w.Invitation(t, email))
	p.Press("button[type=submit]")
	p.Await("the step for a password of their own", `document.querySelector("input[name=new_password]")`)
	p.Picture("walk-new-password")
	p.Fill("input[name=new_password]", password)
	p.Fill("input[name=confirm_password]", password)
	p.Press("button[type=submit]")

	p.Text("How they sounded")
	p.Text(email)
	if at := managerbrowser.Value[string](p, "location.href"); !strings.HasPrefix(at, home+"/insights") || strings.Contains(at, "code=") {
		t.Errorf("the sign-in ends at %s", at)
	}
	lookAt(p, "walk-overview")

	p.Follow(queue)
	p.Text("Queue: " + queue)
	lookAt(p, "walk-queue")
	p.Press(`main a[href^="/insights/calls/` + call.ContactID() + `"]`)
	p.Text("What to do")
	p.Text("points to the agent's uplink")
	p.PointAt(".timeline svg", 0.5)
	p.Await("a reading", `document.querySelector(".timeline .reading").textContent`)
	lookAt(p, "walk-call")
	p.Press("[data-back]")
	p.Text("Queue: " + queue)

	p.Press(`form[action="/auth/sign-out"] button`)
	p.Text("You are signed out")
	lookAt(p, "walk-signed-out")
	p.Quiet(home)
	p.Goto(home + "/insights")
	p.Await("the pool's page", `document.querySelector("input[name=username]") && !location.href.startsWith("`+home+`")`)
}

// lossyCall is one that a queue's customer did not hear well. It waits until the product says so.
func lossyCall(t *testing.T, w *world.World, tenant world.Tenant, queue string) samplecall.Call {
	t.Helper()
	call := samplecall.New(samplecall.Options{
		Agent: "hears.nothing.wrong", Queue: queue, RoutingProfile: "Claims", Schema: 2, Instance: tenant.Slug(), Scenario: samplecall.LossyUplink,
		Start: time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond), Seed: uint64(time.Now().UnixNano()),
	})
	w.Post(t, tenant, call)
	world.Eventually(t, world.ArriveTime, "the call's summary", func(ctx context.Context) (bool, string) {
		query := map[string]any{"query": map[string]any{"term": map[string]any{"doc.contactId.keyword": call.ContactID()}}}
		_, text := w.Search(ctx, t, http.MethodPost, "/"+tenant.Slug()+"-callsummary-*/_search", query)
		return strings.Contains(string(text), `"likelyCause":"agent_uplink"`), string(text)
	})
	return call
}

func lookAt(p *managerbrowser.Page, name string) {
	for _, view := range managerbrowser.Views {
		p.Look(name, view)
	}
	p.View(managerbrowser.Views[0])
}
