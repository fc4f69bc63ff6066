package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
)

// TestATenantOfTwoInstances opens the softphone of a tenant with two Connect instances: the agent chooses.
func TestATenantOfTwoInstances(t *testing.T) {
	w := setup(t)
	atOnce(t)
	browser := startBrowser(t, "")
	tenant := w.Onboard(t, ofTwoInstances(t, w, house))
	defer w.Offboard(t, house, "delete")
	profile, err := browser.Profile()
	if err != nil {
		t.Fatal(err)
	}
	if err := profile.Microphone(true); err != nil {
		t.Fatal(err)
	}
	page, err := profile.Open(tenant.Site())
	if err != nil {
		t.Fatal(err)
	}
	d := desk{Page: page, profile: profile, customers: w.Customers(), agent: "desk.twohouse"}
	chooses(t, w, tenant, d)
}

const (
	house = "twohouse"
	north = house + "-north"
	south = house + "-south"
)

// chooses wants the choice to be asked for, remembered, overruled by the address, and told with what is sent.
func chooses(t *testing.T, w *world.World, tenant world.Tenant, d desk) {
	t.Helper()
	if err := errors.Join(d.Text("Choose your contact centre"), d.Text(north)); err != nil {
		t.Fatal(err)
	}
	keepPicture(t, d.Page, "chooser")
	const choose = `(() => {
		const link = document.querySelector("a[href*='instance=%s']");
		link?.click();
		return link !== null;
	})()`
	if err := errors.Join(d.Await("the instance's link", fmt.Sprintf(choose, south)), d.SignIn(d.agent)); err != nil {
		t.Fatal(err)
	}
	ended, err := d.talks(t.Context(), 6*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	summaryOf(t, w, house, ended)
	_, raw := w.Search(t.Context(), t, http.MethodPost, "/"+house+"-softphonestreamstats-*/_search", map[string]any{
		"size": 100, "query": contactIs(ended.contact), "_source": []string{"connectInstance"},
	})
	if n := strings.Count(string(raw), `"connectInstance":"`+south+`"`); n != ended.seconds {
		t.Errorf("%d of %d seconds name the instance that was chosen", n, ended.seconds)
	}
	for _, opened := range []struct{ query, alias string }{{"", south}, {"?instance=" + north, north}} {
		again, err := d.profile.Open(tenant.Site() + opened.query)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(again.Text(opened.alias), again.Ready()); err != nil {
			t.Errorf("%q: %v", opened.query, err)
		}
		again.Close()
	}
}

// ofTwoInstances is a draft of a tenant with two instances, both behind the panel that there is.
func ofTwoInstances(t *testing.T, w *world.World, slug string) map[string]any {
	t.Helper()
	panel := w.Tenant(t, string(acme))["connect_instances"].([]any)[0].(map[string]any)["ccp_url"].(string)
	host, err := url.Parse(panel)
	if err != nil {
		t.Fatal(err)
	}
	instance := func(alias, id string) map[string]any {
		return map[string]any{
			"alias": alias, "arn": "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-" + id, "region": "eu-west-2", "ccp_url": panel,
		}
	}
	return map[string]any{
		"slug": slug, "display_name": "Two Houses", "settings": map[string]any{"ccp_hosts": []string{host.Hostname()}},
		"connect_instances": []any{instance(north, "0000000000a1"), instance(south, "0000000000a2")},
	}
}
