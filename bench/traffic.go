package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/services/simulator/agentbrowser"
	"github.com/earshot-hq/earshot/services/simulator/client"
)

// weighing counts the bodies that the page posts to the telemetry API, by route, and those that the published single-tenant solution
// would post of the same events of Connect's library: JSON as it is, and the configuration of the call with each. API metrics that
// came after the last that we posted count for neither.
const weighing = `if (window === window.top) {
	const scales = {ours: {}, published: {}, posts: {}};
	const add = (to, route, bytes) => { to[route] = (to[route] ?? 0) + bytes; };
	const publish = (route, body) => { add(scales.published, route, JSON.stringify({agent: "desk.weighed", ...body}).length); };
	let metrics = [];
	let posted = 0;
	const publishMetrics = () => {
		if (metrics.length > 0) publish("apimetrics", {API_METRIC: metrics.splice(0)});
	};
	window.weighed = () => {
		metrics = metrics.filter(({timestamp}) => timestamp <= posted);
		publishMetrics();
		return scales;
	};
	const fetch = window.fetch.bind(window);
	window.fetch = (address, settings) => {
		const route = /\/(softphonemetrics|callreport|apimetrics)$/.exec(address)?.[1];
		if (route !== undefined) {
			add(scales.ours, route, settings.body.size ?? settings.body.length);
			add(scales.posts, route, 1);
			if (route === "apimetrics") posted = new Date();
		}
		return fetch(address, settings);
	};
	const wait = setInterval(() => {
		if (!window.connect?.core?.initialized) return;
		clearInterval(wait);
		const bus = connect.core.getEventBus();
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
		bus.subscribe(connect.EventType.API_METRIC, (metric) => { metrics.push({...metric, timestamp: new Date()}); });
		setInterval(publishMetrics, 30_000);
	}, 20);
}`

// traffic measures what a call costs an agent's line: a softphone in a browser takes a call of the simulator on a line that loses a
// little, and beside every body that it posts the published solution's of the same is made.
func traffic(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const talk = 4 * time.Minute
	var tenant rig.Tenant
	if err := b.admin.Call(ctx, http.MethodGet, "/v1/tenants/"+demo.String(), nil, &tenant); err != nil {
		return nil, err
	}
	weighed, err := b.weighCall(ctx, tenant.URLs.Softphone, talk)
	if err != nil {
		return nil, err
	}
	var figures []sheet.Figure
	ours, published := 0, 0
	for _, route := range []string{"softphonemetrics", "apimetrics", "callreport"} {
		sent, theirs := weighed["ours"][route], weighed["published"][route]
		if sent == 0 || theirs == 0 {
			return nil, fmt.Errorf("%d bytes were posted to %s, and the published solution posts %d", sent, route, theirs)
		}
		figures = append(figures, sheet.Figure{
			ID: "call_bytes_over_published_" + route, Value: float64(sent) / float64(theirs), Unit: "x", Runs: 1,
			What: fmt.Sprintf("of it %d posts to %s, %d B over %d B", weighed["posts"][route], route, sent, theirs),
		})
		ours, published = ours+sent, published+theirs
	}
	return append([]sheet.Figure{
		{
			ID: "call_bytes_over_published", Value: float64(ours) / float64(published), Unit: "x", Direction: sheet.AtMost, Aim: 1.0 / 8, Runs: 1,
			What: fmt.Sprintf("bodies of a call of %v as the softphone posts them, gzipped, over the published solution's JSON of the same events: %d B over %d B", talk, ours, published),
		},
		{ID: "call_bytes_per_minute", Value: float64(ours) / talk.Minutes(), Unit: "B", Runs: 1, What: "bodies that the softphone posts, per minute of the call"},
	}, figures...), nil
}

// weighCall has an agent take a call and hang up, and returns bytes and posts by route.
func (b *bench) weighCall(ctx context.Context, site string, talk time.Duration) (weighed map[string]map[string]int, err error) {
	const agent, loss, jitter = "desk.weighed", 0.01, 10
	browser, err := agentbrowser.Start(ctx, "")
	if err != nil {
		return nil, err
	}
	defer browser.Close()
	profile, err := browser.Profile()
	if err != nil {
		return nil, err
	}
	if err := profile.Microphone(true); err != nil {
		return nil, err
	}
	page, err := profile.Open(site, weighing)
	if err != nil {
		return nil, err
	}
	if err := page.SignIn(agent); err != nil {
		return nil, err
	}
	customers := client.Client{Base: b.stack.Simulator}
	if err := customers.Impair(ctx, agent, client.Impairments{ToAgent: client.Impairment{Loss: loss, JitterMillis: jitter}}); err != nil {
		return nil, err
	}
	contact, err := customers.Place(ctx, client.Order{Agent: agent, Queue: "Billing"})
	if err != nil {
		return nil, err
	}
	if err := page.PressInPanel("Accept"); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(talk):
	}
	if err := page.PressInPanel("Hang up"); err != nil {
		return nil, err
	}
	seconds, err := page.Ended(contact)
	if err != nil {
		return nil, err
	}
	if least := int(talk.Seconds()); seconds < least { // of two directions: a call without media weighs nothing
		return nil, fmt.Errorf("the call of %v had %d seconds of both directions", talk, seconds)
	}
	return weighed, page.Read("weighed()", &weighed)
}
