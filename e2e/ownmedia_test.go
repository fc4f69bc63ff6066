package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/verdict"
)

const takesNone = "Earshot takes no statistics of this contact centre at present"

// TestASoftphoneThatOwnsTheMedia publishes the softphone of a tenant whose pages carry the audio, with the library that the cell
// pins: an agent takes a call on it. Then the tenant is suspended while the page is open, and resumed.
func TestASoftphoneThatOwnsTheMedia(t *testing.T) {
	w := setup(t)
	draft := world.Draft("ownmedia")
	of := w.Tenant(t, string(acme)) // the simulator's panel is acme's, and anybody's who names it
	draft["settings"] = map[string]any{"media_owner": "page", "ccp_hosts": world.Member(of, "settings", "ccp_hosts")}
	instance := draft["connect_instances"].([]any)[0].(map[string]any)
	instance["ccp_url"] = of["connect_instances"].([]any)[0].(map[string]any)["ccp_url"]
	tenant := w.Onboard(t, draft)
	defer w.Offboard(t, tenant.Slug(), "delete")

	d, err := sitDown(t.Context(), w, startBrowser(t, ""), tenant.Site(), "desk.ownmedia", true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	t.Run("a call is the page's", func(t *testing.T) {
		ended, err := d.talks(t.Context(), 12*time.Second, func() error {
			return d.Await("the customer's voice in the page", `document.querySelector("#remote-audio").srcObject?.active`)
		})
		if err != nil {
			t.Fatal(err)
		}
		if ended.seconds < 20 {
			t.Errorf("the page saw %d seconds of both directions", ended.seconds)
		}
		if s := summaryOf(t, w, tenant.Slug(), ended); s.Verdict != verdict.Good {
			t.Errorf("verdict %s: %s", s.Verdict, s.Explanation)
		}
	})
	t.Run("a suspended tenant", func(t *testing.T) { suspendAtADesk(t, w, tenant, d) })
}

// suspendAtADesk suspends the tenant of a page that is open, which says so and sends nothing more; calls go on. Resumed, it takes
// what the page sends once it has been loaded again.
func suspendAtADesk(t *testing.T, w *world.World, tenant world.Tenant, d desk) {
	t.Helper()
	act := func(name string) {
		status, answer := w.Call(t, http.MethodPost, "/v1/tenants/"+tenant.Slug()+"/actions/"+name, nil)
		if status != http.StatusAccepted {
			t.Fatalf("%s answered %d: %v", name, status, answer)
		}
		w.Follow(t, world.Member(answer, "operation", "id").(string), updateTime)
	}
	unheard := func() {
		contact, err := d.takes(t.Context(), "Billing")
		if err == nil {
			err = errors.Join(hearsTheAgent(t.Context(), d.customers, contact), d.PressInPanel("Hang up"))
		}
		if err == nil {
			err = d.Await("the report of "+contact, fmt.Sprintf("published.ended[%q]", contact))
		}
		if err == nil {
			err = errors.Join(d.Text(takesNone), d.PressInPanel("Clear"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := w.Count(t.Context(), t, tenant.Slug()+"-*", contactIs(contact)); n != 0 {
			t.Errorf("%d documents of a call while the tenant was suspended", n)
		}
	}
	asked := fmt.Sprintf(`performance.getEntriesByType("resource").filter((it) => it.name.startsWith(%q)).length`, tenant.API())

	act("suspend")
	unheard()
	keepPicture(t, d.Page, "suspended")
	if err := d.Await("a count of what was asked", "(window.asked = "+asked+") > 0"); err != nil {
		t.Fatal(err)
	}
	unheard()
	if err := d.Await("nothing more asked of the telemetry API", "window.asked === "+asked); err != nil {
		t.Error(err)
	}

	act("resume")
	if err := d.Text(takesNone); err != nil {
		t.Errorf("a page that is not loaded again: %v", err)
	}
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := d.Ready(); err != nil {
		t.Fatal(err)
	}
	ended, err := d.talks(t.Context(), 4*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	world.Eventually(t, world.ArriveTime, "the seconds of a call after it was resumed", func(ctx context.Context) (bool, string) {
		n := w.Count(ctx, t, tenant.Slug()+"-softphonestreamstats-*", contactIs(ended.contact))
		return n == ended.seconds && n > 0, fmt.Sprintf("%d of %d", n, ended.seconds)
	})
}
