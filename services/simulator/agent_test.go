package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/services/simulator/agentbrowser"
	"github.com/earshot-hq/earshot/services/simulator/client"
)

// An agent of agentbrowser works in a private window, where a panel of another site would stay silent: the names are of one.
func TestAnAgentIsPlayedInAPrivateWindow(t *testing.T) {
	w := newWorld(t, nil)
	panel := strings.Replace(w.ccp, "ccp.localhost", "ccp.cloudfront.localhost", 1)
	host := strings.Replace(w.host, "acme.localhost", "acme.cloudfront.localhost", 1)
	browser, err := agentbrowser.Start(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(browser.Close)
	profile, err := browser.Profile()
	require.NoError(t, err)
	require.NoError(t, profile.Microphone(true))
	require.NoError(t, profile.Enter(strings.TrimSuffix(panel, "/"), "mira.holm"))
	page, err := profile.Open(host + "/host.html?" + url.Values{"ccp": {panel}, "then": {"ignore"}}.Encode())
	require.NoError(t, err)
	t.Cleanup(page.Close)
	w.await("agent")

	simulator := client.Client{Base: w.simulator}
	require.NoError(t, simulator.Impair(t.Context(), "mira.holm", client.Impairments{ToAgent: client.Impairment{Loss: 0.3}}))
	contact, err := simulator.Place(t.Context(), client.Order{Agent: "mira.holm", LengthSeconds: 6})
	require.NoError(t, err)
	require.NoError(t, page.PressInPanel("Accept"))
	require.Eventually(t, func() bool {
		heard, err := simulator.Heard(t.Context(), contact)
		return err == nil && heard > 0
	}, 30*time.Second, 50*time.Millisecond, "Connect's library mutes nothing of a call that has no media yet")
	require.NoError(t, page.PressInPanel("Mute"))
	require.NoError(t, page.PressInPanel("Unmute"), "the panel shows that the microphone is muted")
	require.NoError(t, page.PressInPanel("Mute"), "and that it no longer is")
	require.NoError(t, page.Await("the report", "published.reports > 0"))
	w.await("softphone_stats")
	input, _ := w.samples()
	lost, _ := total(input)
	assert.Positive(t, lost, "the network of this agent loses packets")
	now, err := page.Published()
	require.NoError(t, err)
	assert.GreaterOrEqual(t, now.Contacts[contact], 8, "seconds of both directions")

	require.NoError(t, page.Reload())
	now, err = page.Published()
	require.NoError(t, err)
	assert.Zero(t, now.Seconds, "a page that was loaded anew has seen nothing")
}
