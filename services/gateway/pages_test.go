package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// staged answers what a test wants to see.
type staged struct {
	overview, calls, detail error
	empty                   bool
	now                     time.Time
}

func known[T any](value T) *T { return &value }

func (s staged) Overview(_ context.Context, f insights.Filter) (insights.Overview, error) {
	o := insights.Overview{From: f.From, To: f.To}
	if s.empty || s.overview != nil {
		return o, s.overview
	}
	verdicts := func(n int64) map[string]int64 {
		return map[string]int64{"good": n * 8 / 10, "degraded": n / 10, "bad": n - n*8/10 - n/10}
	}
	o.Now = insights.Figures{Calls: 1240, Verdicts: verdicts(1240), Findings: map[string]int64{"loss": 180, "jitter": 95, "silent_microphone": 12},
		Causes: map[string]int64{"agent_network": 140, "agent_uplink": 60, "unknown": 48}, MarkedBad: 7, MOSAgent: known(4.12), MOSCustomer: known(3.98)}
	o.Before = insights.Figures{Calls: 1190, Verdicts: verdicts(1100), MarkedBad: 9, MOSAgent: known(4.2), MOSCustomer: known(3.91)}
	step := insights.Step(f.From, f.To)
	for at, i := f.From.Truncate(step), 0; at.Before(f.To); at, i = at.Add(step), i+1 {
		n := int64(40 + 35*math.Sin(float64(i)/3))
		if n < 8 {
			continue
		}
		o.Hours = append(o.Hours, insights.Bucket{At: telemetry.InstantOf(at), Calls: n, Verdicts: verdicts(n), MOSAgent: known(4.1 + math.Sin(float64(i))/5), MOSCustomer: known(3.9 + math.Cos(float64(i))/4)})
		o.Past = append(o.Past, insights.Bucket{At: telemetry.InstantOf(at.AddDate(0, 0, -7)), Calls: n * 9 / 10})
	}
	for i, name := range []string{"Claims", "Claims Night", "Sales <b>DE</b>", "A queue with a very long name that somebody typed in full, twice"} {
		o.Queues = append(o.Queues, insights.Group{Name: name, Calls: int64(600 - 150*i), Verdicts: verdicts(int64(600 - 150*i))})
		o.Agents = append(o.Agents, insights.Group{Name: fmt.Sprintf("agent.%d@example.com", i), Calls: int64(60 - 10*i), Verdicts: verdicts(int64(60 - 10*i))})
	}
	return o, nil
}

func (s staged) summary(i int) verdict.Summary {
	began := telemetry.InstantOf(s.now.Add(-time.Duration(i*17+9) * time.Minute))
	v := verdict.Summary{
		About:     verdict.About{Agent: "nora.lind", ContactID: fmt.Sprintf("0f6c2a1e-7d11-4a3f-9c55-%012d", i), ContactQueue: "Claims Night", RoutingProfile: "Claims", MediaRegion: "eu-central-1"},
		StartedAt: began, EndedAt: began + 240_000, TalkingSeconds: 240, Verdict: insights.Verdicts[i%4], Ended: verdict.EndedReport, RecordsExpected: 480, RecordsSeen: 480,
		HeardByAgent: verdict.Direction{MOSMean: known(4.3), MOSP10: known(4.1), LossPercent: known(0.2), RTTP95Millis: known(180.0)}, HeardByCustomer: verdict.Direction{MOSMean: known(3.1), MOSP10: known(1.9), LossPercent: known(6.5), SecondsBad: 31},
		Explanation: "The call was bad: for 31 seconds more than 5 % of what the customer should hear was lost (28 % at its worst); only what the agent sends was lost, which points to the agent's uplink.",
		Findings: []verdict.Finding{
			{ID: "loss", Severity: "severe", HeardBy: "customer", FromSecond: known(int64(60)), Seconds: 31, Value: "28"},
			{ID: "poor_mos", Severity: "degraded", HeardBy: "customer", FromSecond: known(int64(150)), Seconds: 12, Value: "2.4"},
		},
		LikelyCause: verdict.CauseUplink, CauseEvidence: []string{"loss"},
	}
	if i%4 == 0 {
		v.Explanation, v.LikelyCause, v.CauseEvidence, v.Findings = "The call was good: its network path was rated 4.3 of 4.5 for the agent and 4.2 for the customer.", "", nil, nil
	}
	if i%5 == 2 {
		v.RecordsSeen, v.Ended = 300, verdict.EndedLost
	}
	if i%3 == 1 {
		v.MarkedBad, v.MarkedBadAt = true, []telemetry.Instant{began + 95_000}
	}
	return v
}

func (s staged) Calls(_ context.Context, f insights.Filter) (insights.Page, error) {
	page := insights.Page{Calls: []verdict.Summary{}}
	if s.empty || s.calls != nil {
		return page, s.calls
	}
	for i := range 12 {
		page.Calls = append(page.Calls, s.summary(i))
	}
	page.Next = "a-cursor"
	return page, nil
}

func (s staged) Detail(_ context.Context, contactID, _ string) (insights.Detail, error) {
	if s.detail != nil {
		return insights.Detail{}, s.detail
	}
	i := 1
	if contactID == "partial" {
		i = 2
	}
	d := insights.Detail{Summary: s.summary(i), Agents: []string{"nora.lind", "omar.haddad"}}
	d.WhatToDo = insights.WhatToDo(d.Summary)
	for second := range 240 {
		if i == 2 && second > 120 && second < 170 {
			continue
		}
		at := d.Summary.StartedAt + telemetry.Instant(second*1000)
		heard := insights.Second{At: at, Packets: known(int64(50)), Lost: known(int64(second % 17 / 16)), Level: known(int64(3000 + 2500*(second%7))), Jitter: known(4 + 3*math.Sin(float64(second)/5)), RoundTrip: known(90 + 20*math.Sin(float64(second)/9)), MOS: known(4.35)}
		spoken := insights.Second{At: at, Packets: known(int64(50)), Lost: known(int64(0)), Level: known(int64(1000 + 900*(second%5))), RoundTrip: known(95.0), MOS: known(4.3), Muted: known(second > 200 && second < 212), OnHold: known(second > 100 && second < 118)}
		if second >= 60 && second < 91 {
			spoken.Lost, spoken.MOS = known(int64(6+second%9)), known(2.2+float64(second%4)/10)
		}
		d.Heard, d.Spoken = append(d.Heard, heard), append(d.Spoken, spoken)
	}
	d.APIErrors = []insights.APIError{{At: d.Summary.StartedAt - 5000, Name: "acceptContact", Status: known(int64(503)), Millis: known(int64(1200))}, {At: d.Summary.StartedAt + 62_000, Name: "getAgentSnapshot"}}
	return d, nil
}

func stage(t *testing.T, s staged) *house {
	t.Helper()
	s.now = time.Now()
	return newHouse(t, func(c *web.Config, _ *dashboards.Config) {
		c.Calls = func(context.Context, roster.Tenant) (insights.Reader, error) { return s, nil }
	})
}

func page(t *testing.T, h *house, path string) answer {
	t.Helper()
	return h.ask(t, http.MethodGet, at(acme), path, h.in(t, acme, false), "Accept: text/html")
}

func TestTheStatesOfThePages(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		staged
		path   string
		status int
		wants  []string
		not    string
	}{
		"the front": {staged{}, "/insights", 200, []string{"1240", "a week before: 1190", "Claims Night", "Sales &lt;b&gt;DE&lt;/b&gt;", "Impaired", "<polyline", "partial data", "marked bad", "Older calls", "<time datetime="}, "A part of this page is missing"},
		"filtered": {staged{}, "/insights?verdict=bad&queue=Claims+Night", 200, []string{
			`<option value="bad" selected>`, `value="Claims Night"`, `Verdict: Bad <span aria-hidden="true">×`, `href="/insights?queue=Claims`,
		}, ""},
		"another page":         {staged{}, "/insights?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&cursor=x", 200, []string{"Newest calls", "Older calls", "cursor=a-cursor"}, ""},
		"nothing":              {staged{empty: true}, "/insights", 200, []string{"There is no call in this span that fits", "a week before: –"}, "<rect"},
		"no overview":          {staged{overview: insights.ErrAway}, "/insights", 503, []string{"A part of this page is missing", "Older calls"}, "How they sounded"},
		"no list":              {staged{calls: insights.ErrAway}, "/insights", 503, []string{"A part of this page is missing", "How they sounded"}, "Older calls"},
		"neither":              {staged{calls: insights.ErrAway, overview: insights.ErrAway}, "/insights", 503, []string{"Try again", "It is not lost"}, "How they sounded"},
		"a cursor of another":  {staged{calls: insights.ErrCursor}, "/insights", 422, []string{"next_cursor"}, ""},
		"no such verdict":      {staged{}, "/insights?verdicts=bad", 422, []string{"There is no such parameter"}, ""},
		"a call":               {staged{}, "/insights/calls/x?agent=nora.lind", 200, []string{"uplink", "What to do", "end uploads", "acceptContact", "before the call", "1:02", "omar.haddad", `class="band muted"`, `class="band held"`, `class="band finding severe"`, `class="band marked"`, `class="band failing"`, "Lost packets", "file.csv?agent=nora.lind", "The agent marked this call as bad"}, "Partial data"},
		"a call in part":       {staged{}, "/insights/calls/partial", 200, []string{"Partial data", "300 of 480", "never reported the end"}, ""},
		"no such call":         {staged{detail: insights.ErrCallUnknown}, "/insights/calls/x", 404, []string{"a minute after the call has ended"}, "Try again"},
		"a call, search away":  {staged{detail: insights.ErrAway}, "/insights/calls/x", 503, []string{"Try again"}, ""},
		"a misspelt parameter": {staged{}, "/insights/calls/x?agnet=x", 422, []string{"There is no such parameter"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := page(t, stage(t, row.staged), row.path)
			if got.status != row.status {
				t.Errorf("%d: %.500s", got.status, got.body)
			}
			for _, want := range row.wants {
				if !strings.Contains(got.body, want) {
					t.Errorf("lacks %q", want)
				}
			}
			if row.not != "" && strings.Contains(got.body, row.not) {
				t.Errorf("has %q", row.not)
			}
		})
	}
}

// A gap in what was measured is a gap in the picture: the lines of a call that was measured in two parts are two.
func TestAGapIsSeenAsAGap(t *testing.T) {
	t.Parallel()
	h := stage(t, staged{})
	whole, parted := strings.Count(page(t, h, "/insights/calls/x").body, "<polyline"), strings.Count(page(t, h, "/insights/calls/partial").body, "<polyline")
	if parted <= whole {
		t.Errorf("%d lines with a gap, %d without", parted, whole)
	}
}

func TestACallAsFiles(t *testing.T) {
	t.Parallel()
	h := stage(t, staged{})
	got := page(t, h, "/insights/api/calls/x/file.csv?agent=nora.lind")
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 481 || rows[0][2] != "mos" || rows[1][1] != "agent" || rows[2][1] != "customer" || rows[1][2] != "4.35" {
		t.Errorf("%d rows, %v: %.300s", len(rows), err, got.body)
	}
	for _, row := range rows[1:] {
		for _, field := range row {
			if strings.ContainsAny(field, "=@\t\r") || strings.HasPrefix(field, "+") {
				t.Fatalf("a field %q that a sheet takes for a formula", field)
			}
		}
	}
	if name := got.header.Get("Content-Disposition"); name != `attachment; filename="call-0f6c2a1e-7d11-4a3f-9c55-000000000001.csv"` {
		t.Errorf("the file is %s", name)
	}
	var d insights.Detail
	got = page(t, h, "/insights/api/calls/x/file.json")
	if err := json.Unmarshal([]byte(got.body), &d); err != nil || len(d.Heard) != 240 || len(d.WhatToDo) == 0 || !strings.Contains(got.header.Get("Content-Disposition"), ".json") {
		t.Errorf("%v: %.200s", err, got.body)
	}
}

// views are how pages are looked at.
var views = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"desktop-light", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone-light", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"},
}

// TestPagesInABrowser looks at each page in Chromium: no message of the console, nothing that axe finds, nothing wider than the
// screen, times in the viewer's zone. With EARSHOT_PICTURES=<folder> it keeps what it sees.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("opens a browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium on the path: run make test, which installs it, or go test -short")
	}
	axe, err := os.ReadFile("../../portal/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe is not there: run make test, which installs the portal's packages, or go test -short: %v", err)
	}
	kept, err := settings.Load[struct {
		Pictures string `env:"PICTURES"`
	}]()
	if err != nil {
		t.Fatal(err)
	}
	h := stage(t, staged{})
	secure := httptest.NewTLSServer(h.handler)
	t.Cleanup(secure.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP "+at(acme)+":443 "+strings.TrimPrefix(secure.URL, "https://")), chromedp.Flag("lang", "en-GB"))
	allocator, release := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(release)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kathmandu"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range h.in(t, acme, false) {
		params := network.SetCookieParams{Name: c.Name, Value: c.Value, URL: "https://" + at(acme) + "/", Secure: known(true), HTTPOnly: known(true), Path: "/"}
		if _, err := chromedp.Call(ctx, network.SetCookie, params); err != nil {
			t.Fatal(err)
		}
	}
	for _, view := range views {
		scheme := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: view.scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, scheme); err != nil {
			t.Fatal(err)
		}
		for name, path := range map[string]string{"front": "/insights", "filtered": "/insights?verdict=bad", "call": "/insights/calls/x", "partial": "/insights/calls/partial"} {
			g := glance{t: t, name: name + "-" + view.name, folder: kept.Pictures}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(view.width, view.height), chromedp.Navigate("https://"+at(acme)+path)); err != nil {
				t.Fatal(g.name, err)
			}
			g.look(ctx, string(axe))
		}
	}
}

// A glance is one page in one view.
type glance struct {
	t            *testing.T
	name, folder string
}

func (g glance) look(ctx context.Context, axe string) {
	g.t.Helper()
	seen := evaluated[struct {
		Title, Text string
		Overflow    int
	}](ctx, g, `({Title: document.title, Text: document.querySelector("main").innerText, Overflow: document.documentElement.scrollWidth - innerWidth})`)
	switch {
	case !strings.HasSuffix(seen.Title, " of Acme"):
		g.t.Errorf("%s is %q", g.name, seen.Title)
	case seen.Overflow > 0:
		g.t.Errorf("%s is %d pixels wider than the screen", g.name, seen.Overflow)
	case strings.Contains(seen.Text, "UTC"):
		g.t.Errorf("%s shows instants in UTC", g.name)
	}
	if g.folder != "" {
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(60))
		if err == nil {
			err = os.WriteFile(filepath.Join(g.folder, g.name+".jpg"), picture, 0o600)
		}
		if err != nil {
			g.t.Error(g.name, err)
		}
	}
	evaluated[bool](ctx, g, axe+"\n;true")
	for _, one := range evaluated[[]string](ctx, g, `axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`) {
		g.t.Errorf("%s: axe: %s", g.name, one)
	}
}

func evaluated[T any](ctx context.Context, g glance, expression string) T {
	g.t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		g.t.Fatal(g.name, err)
	}
	return value
}
