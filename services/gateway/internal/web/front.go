package web

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// A person's page has who looks at it, and where else to go.
type frame struct {
	Tenant, Email string
	Dashboards    string // where they are; empty: none runs
}

func (w *Web) frameOf(c *gin.Context) frame {
	home, _ := w.Dashboards.Home(tenantOf(c))
	return frame{Tenant: tenantOf(c).DisplayName, Email: personOf(c).Email, Dashboards: home}
}

// frontPage is what the first page shows: how the calls of a span sounded, and a list of them.
type frontPage struct {
	frame
	Filter   insights.Filter
	Spans    []choice
	Chosen   []choice // the filters that are set, each with the address without it
	HasRare  bool     // one of them is among those that are folded away
	Choices  map[string][]choice
	Overview *overview // nil: it cannot be had now
	Page     *insights.Page
	More     string // where the next page is
	First    string // where the first page is, when this is another
	Trouble  string
	Request  string
}

// A choice is a link, or an option of a form.
type choice struct {
	Name, Text, Link string
	IsChosen         bool
}

// formInstant is how a browser's form writes an instant.
const formInstant = "2006-01-02T15:04"

// front shows the overview and the list. All of its state is in its address. What one of the two cannot be had of is said in its
// place, and the other is shown.
func (w *Web) front(c *gin.Context) {
	formTimes(c.Request.URL)
	f, err := w.filter(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	reader, err := w.Calls(c.Request.Context(), tenantOf(c))
	if err != nil {
		w.fail(c, problemOfSearch(err))
		return
	}
	p := frontPage{frame: w.frameOf(c), Filter: f, Choices: choicesOf(f), Chosen: chosenOf(c.Request.URL, f), Spans: w.spansOf(c.Request.URL), Request: c.GetString(requestKey)}
	p.HasRare = slices.ContainsFunc(p.Chosen, func(c choice) bool {
		return slices.IndexFunc(labels, func(l choice) bool { return l.Name == c.Name }) >= usual
	})
	var all insights.Overview
	var page insights.Page
	var troubles [2]error
	var both sync.WaitGroup
	both.Go(func() { all, troubles[0] = reader.Overview(c.Request.Context(), f) })
	both.Go(func() { page, troubles[1] = reader.Calls(c.Request.Context(), f) })
	both.Wait()
	status := http.StatusOK
	for _, err := range troubles {
		if err == nil {
			continue
		}
		if said := problem.From(err); said.Status < http.StatusInternalServerError || troubles[0] != nil && troubles[1] != nil {
			w.fail(c, err)
			return
		}
		status, p.Trouble = problem.From(err).Status, problem.From(err).Detail
		w.Log.WarnContext(c, "a part of a page is missing", "error", err)
	}
	if troubles[0] == nil {
		p.Overview = overviewOf(all, c.Request.URL)
		p.suggest(all)
	}
	if troubles[1] == nil {
		p.Page = &page
		p.links(c.Request.URL, f)
	}
	w.render(c, status, "front.html", p)
}

// links leads from one page of the list to others. The span is written out: it would move on otherwise.
func (p *frontPage) links(u *url.URL, f insights.Filter) {
	fixed := map[string]string{"from": f.From.Format(time.RFC3339), "to": f.To.Format(time.RFC3339)}
	if p.Page.Next != "" {
		fixed["cursor"] = p.Page.Next
		p.More = with(u, fixed) + "#calls"
	}
	if f.Cursor != "" {
		p.First = with(u, map[string]string{"cursor": ""}) + "#calls"
	}
}

// with is the address with members of its query replaced, or left out where they are empty.
func with(u *url.URL, members map[string]string) string {
	query := u.Query()
	for name, value := range members {
		if query.Set(name, value); value == "" {
			query.Del(name)
		}
	}
	if len(query) == 0 {
		return "/insights"
	}
	return "/insights?" + query.Encode()
}

// spansOf are those that are looked at most.
func (w *Web) spansOf(u *url.URL) (spans []choice) {
	now := w.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	query := u.Query()
	spans = append(spans, choice{Text: "Last 24 hours", Link: with(u, map[string]string{"from": "", "to": "", "cursor": ""}), IsChosen: query.Get("from") == "" && query.Get("to") == ""})
	for _, days := range []struct {
		n    int
		text string
	}{{7, "Last 7 days"}, {30, "Last 30 days"}} {
		spans = append(spans, choice{Text: days.text, Link: with(u, map[string]string{
			"from": now.AddDate(0, 0, -days.n).Format(time.RFC3339), "to": now.Format(time.RFC3339), "cursor": "",
		})})
	}
	return spans
}

// usual is how many of the filters are always shown.
const usual = 5

// labels are what the filters are called, in the order of the form.
var labels = []choice{
	{Name: "verdict", Text: "Verdict"}, {Name: "finding", Text: "Finding"}, {Name: "cause", Text: "Likely cause"}, {Name: "queue", Text: "Queue"},
	{Name: "agent", Text: "Agent"}, {Name: "routing_profile", Text: "Routing profile"}, {Name: "contact_id", Text: "Contact id"},
	{Name: "hierarchy_l1", Text: "Hierarchy, level 1"}, {Name: "hierarchy_l2", Text: "Hierarchy, level 2"}, {Name: "hierarchy_l3", Text: "Hierarchy, level 3"},
	{Name: "hierarchy_l4", Text: "Hierarchy, level 4"}, {Name: "hierarchy_l5", Text: "Hierarchy, level 5"},
}

// listed are the filters with few values.
var listed = map[string][]string{"verdict": insights.Verdicts, "finding": insights.Findings, "cause": insights.Causes}

func choicesOf(f insights.Filter) map[string][]choice {
	choices := map[string][]choice{}
	for name, ids := range listed {
		for _, id := range ids {
			choices[name] = append(choices[name], choice{Name: id, Text: insights.Words(id), IsChosen: f.Values[name] == id})
		}
	}
	return choices
}

func chosenOf(u *url.URL, f insights.Filter) (chosen []choice) {
	for _, label := range labels {
		value := f.Values[label.Name]
		if value == "" {
			continue
		}
		if listed[label.Name] != nil {
			value = insights.Words(value)
		}
		chosen = append(chosen, choice{Name: label.Name, Text: label.Text + ": " + value, Link: with(u, map[string]string{label.Name: "", "cursor": ""})})
	}
	return chosen
}

// suggest offers names that calls of the span have.
func (p *frontPage) suggest(o insights.Overview) {
	for name, groups := range map[string][]insights.Group{"queue": o.Queues, "agent": o.Agents} {
		for _, g := range groups {
			p.Choices[name] = append(p.Choices[name], choice{Name: g.Name})
		}
	}
}

// formTimes makes of what a form sends what the API takes: instants with a zone, and no filter that is empty.
func formTimes(u *url.URL) {
	query := u.Query()
	for name, values := range query {
		if len(values) == 1 && values[0] == "" {
			query.Del(name)
		}
	}
	for _, name := range []string{"from", "to"} {
		if at, err := time.Parse(formInstant, query.Get(name)); err == nil {
			query.Set(name, at.Format(time.RFC3339))
		}
	}
	u.RawQuery = query.Encode()
}

// isPartial reports whether much of a call is missing: a tenth of its seconds, or its end.
func isPartial(s verdict.Summary) bool {
	const tenth = 10
	return s.Ended == verdict.EndedLost || s.RecordsExpected-s.RecordsSeen > s.RecordsExpected/tenth
}
