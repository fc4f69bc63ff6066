package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/verdict"
	"github.com/earshot-hq/earshot/services/simulator/agentbrowser"
	"github.com/earshot-hq/earshot/services/simulator/client"
)

const (
	talk        = 25 * time.Second // loss is judged over ten windows of ten seconds
	beginsWell  = 3 * time.Second  // how long a call is as it should be, before its network is not
	callsAtOnce = 3                // calls: media is played at a real pace, and a machine that lags sounds as a bad network does

	// What takes more than a network: a library that gives sums, and invitations that are answered late.
	bufferedCall, slowCall = "buffered", "slow"
)

// TestCallsOfTheSoftphone has agents take calls on acme's softphone, each over a network of their own: search has exactly the
// seconds that the browser saw, and the verdict names what was wrong with the network and nothing else.
func TestCallsOfTheSoftphone(t *testing.T) {
	w := setup(t)
	browser := startBrowser(t, "")
	lossy := client.Impairment{Loss: 0.15}
	cases := []struct {
		name           string
		before, during client.Impairments // from its ringing on, and once it has begun
		finding        string             // empty: none that is worse than a note
		heardBy        string
	}{
		{name: "good"},
		{name: "lossheard", during: client.Impairments{ToAgent: lossy}, finding: verdict.FindingLoss, heardBy: "agent"},
		{name: "lossspoken", during: client.Impairments{FromAgent: lossy}, finding: verdict.FindingLoss, heardBy: "customer"},
		{
			name: "bursts", during: client.Impairments{FromAgent: client.Impairment{Loss: 0.2, BurstPackets: 6}},
			finding: verdict.FindingLoss, heardBy: "customer",
		},
		{
			name: "late", during: client.Impairments{ToAgent: client.Impairment{DelayMillis: 300}, FromAgent: client.Impairment{DelayMillis: 300}},
			finding: verdict.FindingRoundTrip,
		},
		{
			name: "uneven", during: client.Impairments{FromAgent: client.Impairment{JitterMillis: 250}},
			finding: verdict.FindingJitter, heardBy: "customer",
		},
		{
			name: "oneway", during: client.Impairments{ToAgent: client.Impairment{Silent: true}},
			finding: verdict.FindingNothingReceived, heardBy: "agent",
		},
		{
			name: bufferedCall, during: client.Impairments{ToAgent: client.Impairment{JitterMillis: 400}},
			finding: verdict.FindingJitterBuffer, heardBy: "agent",
		},
		{name: slowCall, before: client.Impairments{AllocateMillis: 6800}, finding: verdict.FindingSlowConnect},
	}
	if err := w.Customers().Fail(t.Context(), client.Faults{
		SlowInvites:       []client.SlowInvites{{Agent: "call." + slowCall, LatencyMillis: 3900}},
		BufferDelayAgents: []string{"call." + bufferedCall},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Customers().Fail(context.WithoutCancel(t.Context()), client.Faults{}) })
	ended := make([]call, len(cases))
	var calls errgroup.Group
	calls.SetLimit(callsAtOnce)
	for i, c := range cases {
		calls.Go(func() (err error) {
			ended[i], err = takeCall(t.Context(), w, browser, "call."+c.name, w.Tenant(t, string(acme)).Site(), c.before, c.during)
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			summary := summarized(t, w, ended[i])
			if c.finding == "" {
				if summary.Verdict != verdict.Good {
					t.Errorf("verdict %s: %s", summary.Verdict, summary.Explanation)
				}
				return
			}
			isNamed := false
			for _, f := range summary.Findings {
				switch {
				case f.ID == c.finding && (f.HeardBy == c.heardBy || c.heardBy == "") && f.Severity != verdict.Note:
					isNamed = true
				case f.Severity == verdict.Severe && f.ID != verdict.FindingPoorMOS:
					t.Errorf("nobody caused %+v", f)
				}
			}
			if !isNamed || summary.Verdict == verdict.Good {
				t.Errorf("no %s heard by %q in %+v, verdict %s: %s", c.finding, c.heardBy, summary.Findings, summary.Verdict, summary.Explanation)
			}
		})
	}
}

// TestTheSoftphoneLosesNothing cuts an agent's telemetry off for two batches of a call. In the cut the page is loaded anew, or
// the whole browser dies. Every second that the page had seen arrives, once.
func TestTheSoftphoneLosesNothing(t *testing.T) {
	const batch = 2 * 30 // the seconds of both directions in one, at most
	w := setup(t)
	atOnce(t)
	for name, isKilled := range map[string]bool{"reload": false, "kill": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, folder := "lasting."+name, t.TempDir()
			tenant := w.Tenant(t, string(acme))
			browser := startBrowser(t, folder)
			page, err := openPhone(browser.Own(), tenant.Site(), agent)
			if err != nil {
				t.Fatal(err)
			}
			if err := page.Cut(tenant.API() + "/*"); err != nil {
				t.Fatal(err)
			}
			contact, err := w.Customers().Place(t.Context(), client.Order{Agent: agent, Queue: "Orders EMEA"})
			if err != nil {
				t.Fatal(err)
			}
			if err := page.PressInPanel("Accept"); err != nil {
				t.Fatal(err)
			}
			for _, more := range []int{0, batch} { // one is half a minute, and Await waits for one
				if err := page.Await("two batches", fmt.Sprintf("published.contacts[%q] > %d", contact, more)); err != nil {
					t.Fatal(err)
				}
			}
			seen, err := page.Published()
			if err != nil {
				t.Fatal(err)
			}
			if n := w.Count(t.Context(), t, string(acme)+"-softphone*", contactIs(contact)); n > 0 {
				t.Fatalf("%d documents came through the cut", n)
			}
			if isKilled {
				if err := browser.Kill(); err != nil {
					t.Fatal(err)
				}
				_, err = startBrowser(t, folder).Own().Open(tenant.Site())
			} else {
				err = errors.Join(page.Reload(), page.Cut())
			}
			if err != nil {
				t.Fatal(err)
			}
			world.Eventually(t, world.ArriveTime, "the seconds that the page had seen", func(ctx context.Context) (bool, string) {
				n := w.Count(ctx, t, string(acme)+"-softphonestreamstats-*", contactIs(contact))
				return n >= seen.Contacts[contact], fmt.Sprintf("%d of %d", n, seen.Contacts[contact])
			})
			onceEach(t, w, contact)
		})
	}
}

func startBrowser(t *testing.T, folder string) *agentbrowser.Browser {
	t.Helper()
	browser, err := agentbrowser.Start(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(browser.Close)
	return browser
}

// openPhone opens a softphone in a profile and signs an agent in.
func openPhone(profile *agentbrowser.Profile, site, agent string) (*agentbrowser.Page, error) {
	if err := profile.Microphone(true); err != nil {
		return nil, err
	}
	page, err := profile.Open(site)
	if err != nil {
		return nil, err
	}
	return page, page.SignIn(agent)
}

// A call is one that an agent has had, and the seconds of both directions that Connect's library published to the page.
type call struct {
	contact string
	seconds int
}

// takeCall has an agent take a call, talk and hang up, over a network that is so before and otherwise once the call has begun, and
// waits until the page has sent all. What loses packets would now and then lose those that set a call up.
func takeCall(
	ctx context.Context, w *world.World, browser *agentbrowser.Browser, agent, site string, before, during client.Impairments,
) (taken call, err error) {
	profile, err := browser.Profile()
	if err != nil {
		return taken, err
	}
	page, err := openPhone(profile, site, agent)
	if err != nil {
		return taken, fmt.Errorf("%s: %w", agent, err)
	}
	defer page.Close()
	customers := w.Customers()
	if err := customers.Impair(ctx, agent, before); err != nil {
		return taken, err
	}
	taken.contact, err = customers.Place(ctx, client.Order{Agent: agent, Queue: "Orders EMEA"})
	if err != nil {
		return taken, err
	}
	if err := page.PressInPanel("Accept"); err != nil {
		return taken, err
	}
	if err := hearsTheAgent(ctx, customers, taken.contact); err != nil {
		return taken, fmt.Errorf("%s: %w", agent, err)
	}
	if err := pass(ctx, beginsWell); err != nil {
		return taken, err
	}
	if during != (client.Impairments{}) {
		if err := customers.Impair(ctx, agent, during); err != nil {
			return taken, err
		}
	}
	if err := pass(ctx, talk-beginsWell); err != nil {
		return taken, err
	}
	if err := page.PressInPanel("Hang up"); err != nil {
		return taken, err
	}
	taken.seconds, err = page.Ended(taken.contact)
	if err == nil && taken.seconds < int(talk.Seconds()) {
		err = fmt.Errorf("%s: the library published %d seconds of both directions in a call of %v", agent, taken.seconds, talk)
	}
	return taken, err
}

// hearsTheAgent waits until the customer hears something of the agent.
func hearsTheAgent(ctx context.Context, customers client.Client, contact string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		heard, err := customers.Heard(ctx, contact)
		if err != nil || heard > 0 {
			return err
		}
		if err := pass(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("no packet of the agent has come: %w", err)
		}
	}
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// summarized waits for the summary of a whole call with one report, of which each instant of a direction is there once.
func summarized(t *testing.T, w *world.World, of call) verdict.Summary {
	t.Helper()
	summary := summaryOf(t, w, string(acme), of)
	if n := w.Count(t.Context(), t, string(acme)+"-softphonecallreport-*", contactIs(of.contact)); n != 1 || summary.ReportsSeen != 1 {
		t.Errorf("%d reports, and a summary of %d", n, summary.ReportsSeen)
	}
	onceEach(t, w, of.contact)
	return summary
}

// onceEach wants no instant of a direction of a call twice, and returns how many documents there are.
func onceEach(t *testing.T, w *world.World, contact string) int {
	t.Helper()
	_, raw := w.Search(t.Context(), t, http.MethodPost, "/"+string(acme)+"-softphonestreamstats-*/_search", map[string]any{
		"size": 10_000, "query": contactIs(contact), "_source": []string{"doc.timestamp", "doc.softphoneStreamType"},
	})
	var found struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Doc struct {
						Timestamp           string `json:"timestamp"`
						SoftphoneStreamType string `json:"softphoneStreamType"`
					}
				} `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatalf("%v: %.300s", err, raw)
	}
	instants := map[string]int{}
	for _, hit := range found.Hits.Hits {
		at := hit.Source.Doc.SoftphoneStreamType + " " + hit.Source.Doc.Timestamp
		if instants[at]++; instants[at] > 1 {
			t.Errorf("%s is there %d times", at, instants[at])
		}
	}
	return len(found.Hits.Hits)
}

func contactIs(id string) map[string]any {
	return map[string]any{"term": map[string]any{"doc.contactId.keyword": id}}
}
