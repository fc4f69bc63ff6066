package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// frontPage is what the first page shows: how the calls of a span sounded, and a list of them.
type frontPage struct {
	Tenant, Email string
	From, To      string // of the form, in UTC
	Values        map[string]string
	Names         []string
	Overview      insights.Overview
	Page          insights.Page
	More          string // where the next page is
}

// formInstant is how a browser's form writes an instant.
const formInstant = "2006-01-02T15:04"

// front shows the overview and the list. All of its state is in its address.
func (w *Web) front(c *gin.Context) {
	formTimes(c.Request.URL)
	f, err := w.filter(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	reader, err := w.Calls(c, tenantOf(c))
	if err != nil {
		w.fail(c, problemOfSearch(err))
		return
	}
	p := frontPage{
		Tenant: tenantOf(c).DisplayName, Email: personOf(c).Email, Values: f.Values, Names: insights.Names,
		From: f.From.Format(formInstant), To: f.To.Format(formInstant),
	}
	if p.Overview, err = reader.Overview(c, f.From, f.To); err == nil {
		p.Page, err = reader.Calls(c, f)
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	if p.Page.Next != "" {
		query := url.Values{"from": {f.From.Format(time.RFC3339)}, "to": {f.To.Format(time.RFC3339)}, "cursor": {p.Page.Next}}
		for name, value := range f.Values {
			if value != "" {
				query.Set(name, value)
			}
		}
		p.More = "/insights?" + query.Encode()
	}
	w.render(c, http.StatusOK, "front.html", p)
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

// callPage is one call: what is told of it, and a line for each figure of each direction.
type callPage struct {
	Tenant, Email string
	Detail        insights.Detail
	Lines         []line
}

// A line is a figure over the call, as an SVG draws it.
type line struct {
	Title, Unit string
	Most        float64 // what the top of the picture stands for
	Points      string  // of a polyline in a picture of lineWidth by lineHeight
}

// The size of a picture, in its own units.
const (
	lineWidth  = 1000
	lineHeight = 100
)

func (w *Web) callPage(c *gin.Context) {
	reader, err := w.Calls(c, tenantOf(c))
	if err != nil {
		w.fail(c, problemOfSearch(err))
		return
	}
	d, err := reader.Detail(c, c.Param("contactId"), c.Query("agent"))
	if err != nil {
		w.fail(c, err)
		return
	}
	p := callPage{Tenant: tenantOf(c).DisplayName, Email: personOf(c).Email, Detail: d}
	for _, side := range []struct {
		who     string
		seconds []insights.Second
	}{{"the agent heard", d.Heard}, {"the customer heard", d.Spoken}} {
		for _, figure := range []struct {
			title, unit string
			least       float64
			of          func(insights.Second) *float64
		}{
			{"MOS, estimated, of what " + side.who, "", 5, func(s insights.Second) *float64 { return s.MOS }},
			{"Lost packets of what " + side.who, "", 10, func(s insights.Second) *float64 { return asFloat(s.Lost) }},
			{"Jitter of what " + side.who, "ms", 50, func(s insights.Second) *float64 { return s.Jitter }},
			{"Round trip of what " + side.who, "ms", 300, func(s insights.Second) *float64 { return s.RoundTrip }},
		} {
			if l, isKnown := draw(side.seconds, d.Summary.StartedAt, d.Summary.EndedAt, figure.least, figure.of); isKnown {
				l.Title, l.Unit = figure.title, figure.unit
				p.Lines = append(p.Lines, l)
			}
		}
	}
	w.render(c, http.StatusOK, "call.html", p)
}

func asFloat(n *int64) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n))
}

// draw makes a line of a figure, whose picture reaches up to least or further. It reports false when nothing of it is known.
func draw(seconds []insights.Second, from, to telemetry.Instant, least float64, of func(insights.Second) *float64) (line, bool) {
	l := line{Most: least}
	for _, s := range seconds {
		if value := of(s); value != nil {
			l.Most = max(l.Most, *value)
		}
	}
	var points strings.Builder
	for _, s := range seconds {
		value := of(s)
		if value == nil {
			continue
		}
		x := float64(s.At-from) / float64(max(to-from, 1)) * lineWidth
		fmt.Fprintf(&points, "%.1f,%.1f ", min(max(x, 0), lineWidth), lineHeight-*value/l.Most*lineHeight)
	}
	l.Points = points.String()
	return l, l.Points != ""
}
