package launch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/simulator/agentbrowser"
	"github.com/earshot-hq/earshot/services/simulator/client"
)

const (
	browserAgent = "mira.holm"
	browserTalk  = 25 * time.Second // loss is judged over windows of ten seconds
	browserLoss  = 0.03
)

// DemoBrowserCall has an agent take a call in a headless Chromium, on the tenant's softphone, over a network that loses packets
// in both directions, and prints how it sounded when it has settled.
func (l *Launcher) DemoBrowserCall(ctx context.Context, name string) (err error) {
	e, tenant, err := l.demoTenant(ctx, name)
	if err != nil {
		return err
	}
	isSimulated := func(c adminapi.ConnectInstance) bool { return strings.HasPrefix(c.CCPURL, "http://"+part.CCPHost+":") }
	if e.Simulator == nil || !slices.ContainsFunc(tenant.ConnectInstances, isSimulated) {
		return fmt.Errorf("tenant %s has no Connect instance of the simulator's: only the simulator's customers can be made to call", tenant.Slug)
	}
	simulator := client.Client{Base: *e.Simulator}
	lossy := client.Impairment{Loss: browserLoss}
	if err := simulator.Impair(ctx, browserAgent, client.Impairments{ToAgent: lossy, FromAgent: lossy}); err != nil {
		return err
	}
	call, err := l.takeCall(ctx, tenant, simulator)
	if mended := simulator.Impair(context.WithoutCancel(ctx), browserAgent, client.Impairments{}); err == nil {
		err = mended
	}
	if err != nil {
		return err
	}
	return l.awaitVerdicts(ctx, e.searchOf(tenant), slug.Slug(tenant.Slug), []sentCall{call})
}

// takeCall plays the agent: signs in, accepts, talks, hangs up, and stays until all has been sent.
func (l *Launcher) takeCall(ctx context.Context, tenant adminapi.Tenant, simulator client.Client) (sentCall, error) {
	browser, err := agentbrowser.Start(ctx, "")
	if err != nil {
		return sentCall{}, err
	}
	defer browser.Close()
	profile, err := browser.Profile()
	if err != nil {
		return sentCall{}, err
	}
	if err := profile.Microphone(true); err != nil {
		return sentCall{}, err
	}
	page, err := profile.Open(tenant.URLs.Softphone)
	if err != nil {
		return sentCall{}, err
	}
	defer page.Close()
	if err := page.SignIn(browserAgent); err != nil {
		return sentCall{}, err
	}
	l.Console.Text(browserAgent + " has signed in at " + tenant.URLs.Softphone)
	contact, err := simulator.Place(ctx, client.Order{Agent: browserAgent, Queue: "Orders EMEA"})
	if err != nil {
		return sentCall{}, err
	}
	if err := page.PressInPanel("Accept"); err != nil {
		return sentCall{}, err
	}
	l.Console.Text(fmt.Sprintf("takes call %s, and talks for %v while %v %% of the packets are lost both ways", contact, browserTalk, 100*browserLoss))
	select {
	case <-ctx.Done():
		return sentCall{}, ctx.Err()
	case <-time.After(browserTalk):
	}
	if err := page.PressInPanel("Hang up"); err != nil {
		return sentCall{}, err
	}
	seconds, err := page.Ended(contact)
	if err != nil {
		return sentCall{}, err
	}
	l.Console.Text(fmt.Sprintf("hung up; the browser saw %d seconds of both directions", seconds))
	return sentCall{contact, seconds}, nil
}
