package e2e_test

import (
	"flag"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/services/simulator/client"
)

var measuredCall = flag.Duration("measured-call", 0, "how long the call is whose bytes are counted; 0: none is")

// weighing counts what the page posts to the telemetry API, by route, and what the published single-tenant solution would post of the
// same events of Connect's library: JSON as it is, and the configuration of the call with each.
const weighing = `if (window === window.top) {
	window.weighed = {ours: {}, published: {}, posts: {}};
	const add = (to, route, bytes) => { to[route] = (to[route] ?? 0) + bytes; };
	const fetch = window.fetch.bind(window);
	window.fetch = (address, settings) => {
		const route = /\/(softphonemetrics|callreport|apimetrics)$/.exec(address)?.[1];
		if (route !== undefined) {
			add(weighed.ours, route, settings.body.size ?? settings.body.length);
			add(weighed.posts, route, 1);
		}
		return fetch(address, settings);
	};
	const wait = setInterval(() => {
		if (!window.connect?.core?.initialized) return;
		clearInterval(wait);
		const bus = connect.core.getEventBus();
		const publish = (route, body) => { add(weighed.published, route, JSON.stringify({agent: "desk.weighed", ...body}).length); };
		const call = (contactId) => ({
			agentPrivateIp: "4b1d9a52-0c8e-4a7a-9d55-3d1f0b2f7c11.local", agentRoutingProfile: "Retail Voice", contactId, contactQueue: "Orders EMEA",
			callConfigJson: new connect.Contact(contactId).getAgentConnection().getSoftphoneMediaInfo().callConfigJson,
		});
		bus.subscribe(connect.EventType.SOFTPHONE_STATS, ({contactId, stats}) => {
			publish("softphonemetrics", {...call(contactId), softphoneStreamStatistics: stats});
		});
		bus.subscribe(connect.EventType.SOFTPHONE_REPORT, ({contactId, ccpVersion, report}) => {
			publish("callreport", {
				...call(contactId), numberofCpu: 8, localDeviceMemoryLimit: 8, agentBrowserName: "Chrome", agentBrowserversion: "143.0.7312.58", ccpVersion, report,
			});
		});
		let metrics = [];
		bus.subscribe(connect.EventType.API_METRIC, (metric) => { metrics.push({...metric, timestamp: new Date()}); });
		setInterval(() => {
			if (metrics.length > 0) publish("apimetrics", {API_METRIC: metrics.splice(0)});
		}, 30_000);
	}, 20);
}`

// TestBytesOfACall measures, where it is asked to: what a call costs an agent's line, beside what the published solution's JSON of it is.
func TestBytesOfACall(t *testing.T) {
	w := setup(t)
	if *measuredCall == 0 {
		t.Skip("measures a call: -measured-call=4m")
	}
	d, err := sitDown(t.Context(), w, startBrowser(t, ""), w.Tenant(t, string(acme)).Site(), "desk.weighed", true, weighing)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := w.Customers().Impair(t.Context(), d.agent, client.Impairments{ToAgent: client.Impairment{Loss: 0.01, JitterMillis: 10}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.talks(t.Context(), *measuredCall, nil); err != nil {
		t.Fatal(err)
	}
	if err := pass(t.Context(), 35*time.Second); err != nil { // the metrics of its end come with their interval
		t.Fatal(err)
	}
	weighed := map[string]map[string]int{}
	if err := d.Read("weighed", &weighed); err != nil {
		t.Fatal(err)
	}
	ours, published := 0, 0
	for route, bytes := range weighed["published"] {
		t.Logf("%s: %d posts of %d bytes in all, published %d", route, weighed["posts"][route], weighed["ours"][route], bytes)
		ours, published = ours+weighed["ours"][route], published+bytes
	}
	t.Logf("a call of %v: %d bytes, %d a minute, %.3f of %d", *measuredCall, ours, int(float64(ours)/measuredCall.Minutes()), float64(ours)/float64(published), published)
}
