package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
	"github.com/earshot-hq/earshot/services/gateway/managerbrowser"
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
		HeardByAgent: verdict.Direction{MOSMean: known(4.3), MOSP10: known(4.1), LossPercent: known(0.2), RTTP95Millis: known(180.0)}, HeardByCustomer: verdict.Direction{MOSMean: known(3.1), MOSP10: known(1.9), LossPercent: known(6.4951), SecondsBad: 31},
		Explanation: "The call was bad: for 31 seconds more than 5 % of what the customer should hear was lost (28 % at its worst); only what the agent sends was lost, which points to the agent's uplink.",
		Findings: []verdict.Finding{
			{ID: "loss", Severity: "severe", HeardBy: "customer", FromSecond: known(int64(60)), Seconds: 31, Value: "28.4962"},
			{ID: "poor_mos", Severity: "degraded", HeardBy: "customer", FromSecond: known(int64(150)), Seconds: 12, Value: "2.4"},
		},
		LikelyCause: verdict.CauseUplink, CauseEvidence: []string{"loss"},
	}
	if i%4 == 0 {
		v.Explanation, v.LikelyCause, v.CauseEvidence, v.Findings = "The call was good: its network path was rated 4.30 of 4.5 for the agent and 4.20 for the customer.", "", nil, nil
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
		"no such verdict":      {staged{}, "/insights?verdicts=bad", 422, []string{"There is no such parameter", "verdict,"}, ""},
		"a call":               {staged{}, "/insights/calls/x?agent=nora.lind", 200, []string{"uplink", "What to do", "end uploads", "acceptContact", "before the call", "1:02", "omar.haddad", `class="band muted"`, `class="band held"`, `class="band finding severe"`, `class="band marked"`, `class="band failing"`, "Lost packets", "<td>6.5 %</td>", "<td>28.5 %</td>", "<td>2.40</td>", "file.csv?agent=nora.lind", "The agent marked this call as bad"}, "Partial data"},
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

// browse opens the browser of a manager of acme, who is signed in to a staged house.
func browse(t *testing.T, s staged) *managerbrowser.Page {
	t.Helper()
	if testing.Short() {
		t.Skip("opens a browser: run make test")
	}
	h := stage(t, s)
	secure := httptest.NewTLSServer(h.handler)
	t.Cleanup(secure.Close)
	address := strings.TrimPrefix(secure.URL, "https://")
	p := managerbrowser.Open(t, map[string]string{at(acme) + ":443": address, "pool.test:443": address})
	for _, c := range h.in(t, acme, false) {
		p.SetCookie("https://"+at(acme)+"/", c.Name, c.Value)
	}
	return p
}

// TestPagesInABrowser looks at each page in Chromium: no error in the console, nothing that axe finds, nothing wider than the
// screen, times in the viewer's zone. With EARSHOT_PICTURES=<folder> it keeps what it sees.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	p := browse(t, staged{})
	for _, view := range managerbrowser.Views {
		p.View(view)
		for name, path := range map[string]string{"front": "/insights", "filtered": "/insights?verdict=bad", "call": "/insights/calls/x", "partial": "/insights/calls/partial"} {
			p.Goto("https://" + at(acme) + path)
			p.Look(name, view)
			seen := managerbrowser.Value[struct{ Title, Text string }](p, `({Title: document.title, Text: document.querySelector("main").innerText})`)
			if !strings.HasSuffix(seen.Title, " of Acme") {
				t.Errorf("%s is %q", name, seen.Title)
			}
			if strings.Contains(seen.Text, "UTC") {
				t.Errorf("%s shows instants in UTC", name)
			}
		}
	}
	p.Quiet("https://" + at(acme))
}

// The pointer over one picture of a call reads all of them at that second; off it, none.
func TestThePointerReadsASecond(t *testing.T) {
	t.Parallel()
	p := browse(t, staged{})
	p.Goto("https://" + at(acme) + "/insights/calls/x")
	readings := func() map[string]string {
		return managerbrowser.Value[map[string]string](p, `Object.fromEntries([...document.querySelectorAll(".timeline .plot")].map((it) =>
			[it.querySelector("figcaption").firstChild.textContent.trim(), it.querySelector(".reading").textContent]))`)
	}
	for name, reading := range readings() {
		if reading != "" {
			t.Errorf("%s reads %q without a pointer", name, reading)
		}
	}
	p.PointAt(".timeline svg", 75.5/240) // in the middle of the loss
	p.Await("a reading", `document.querySelector(".timeline .reading").textContent`)
	got := readings()
	for name, want := range map[string]string{
		"Estimated score (MOS)": "agent 4.35, customer 2.50", "Lost packets (%)": "agent 0.0, customer 18.0", "Jitter (ms)": "agent 6, customer –",
		"Round trip (ms)": "agent 108, customer 95", "Level (% of full)": "agent 47.3, customer 3.0",
	} {
		if got[name] != "1:15: "+want {
			t.Errorf("%s reads %q, want 1:15: %s", name, got[name], want)
		}
	}
	p.PointAt("h1", 0.5)
	p.Await("no reading", `[...document.querySelectorAll(".reading, .cursor")].every((it) => !it.textContent && !it.getAttribute("d"))`)
	p.Quiet("https://" + at(acme))
}

func TestALinkIsCopied(t *testing.T) {
	t.Parallel()
	p := browse(t, staged{})
	p.Goto("https://" + at(acme) + "/insights/calls/x?agent=nora.lind")
	p.Press("[data-copy]")
	p.Await("that it is said", `document.querySelector("[data-copy]").textContent === "Copied"`)
	copied := managerbrowser.Value[string](p, "navigator.clipboard.readText()")
	if want := "https://" + at(acme) + "/insights/calls/0f6c2a1e-7d11-4a3f-9c55-000000000001?agent=nora.lind"; copied != want {
		t.Errorf("copied %q, want %q", copied, want)
	}
	p.Goto(copied)
	p.Text("uplink")
	p.Quiet("https://" + at(acme))
}

// The form speaks of the viewer's zone, the address of UTC.
func TestTheFormIsInTheViewersZone(t *testing.T) {
	t.Parallel()
	p := browse(t, staged{})
	p.Goto("https://" + at(acme) + "/insights?from=2026-11-01T00:00:00Z&to=2026-11-02T12:30:00Z")
	form := managerbrowser.Value[struct{ From, To, Zone string }](p, `({From: document.querySelector("[name=from]").value,
		To: document.querySelector("[name=to]").value, Zone: document.querySelector(".zone").textContent})`)
	if form.From != "2026-11-01T05:45" || form.To != "2026-11-02T18:15" || !strings.Contains(form.Zone, "5:45") {
		t.Errorf("the form says %+v", form)
	}
	managerbrowser.Value[bool](p, `(document.querySelector("[name=from]").value = "2026-11-01T12:00", document.querySelector("[name=queue]").value = "Claims", true)`)
	p.Press("form.filter .chosen button")
	p.Await("the answer", `location.search.includes("queue=Claims")`)
	query, err := url.ParseQuery(managerbrowser.Value[string](p, "location.search.slice(1)"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (url.Values{"from": {"2026-11-01T06:15:00Z"}, "to": {"2026-11-02T12:30:00Z"}, "queue": {"Claims"}}); !reflect.DeepEqual(query, want) {
		t.Errorf("asked for %v, want %v", query, want)
	}

	// A span that nobody has chosen stays the usual one.
	p.Goto("https://" + at(acme) + "/insights")
	managerbrowser.Value[bool](p, `(document.querySelector("[name=queue]").value = "Claims", true)`)
	p.Press("form.filter .chosen button")
	p.Await("the answer", `location.search !== ""`)
	if asked := managerbrowser.Value[string](p, "location.search"); asked != "?queue=Claims" {
		t.Errorf("asked for %s", asked)
	}
	p.Quiet("https://" + at(acme))
}

// Browsers follow no form to where its page's policy does not send, by however many redirects: the pool is on another host.
func TestSignOutLeadsToThePool(t *testing.T) {
	t.Parallel()
	p := browse(t, staged{})
	p.Goto("https://" + at(acme) + "/insights")
	p.Press(`form[action="/auth/sign-out"] button`)
	p.Await("the pool's page", `location.href === "https://pool.test/logout"`)
}
