package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/readings"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/services/gateway/internal/picture"
)

// callPage is one call: what is told of it, and a picture of each figure in both directions.
type callPage struct {
	frame
	Detail    insights.Detail
	Self      string // its address
	JSON, CSV string
	IsPartial bool
	Findings  []finding
	Bands     []band
	Plots     []plot
	Length    int64 // milliseconds
	Marks     []string
	Agents    []choice // of the contact, when there are several
	Facts     []fact
}

// A finding, and where it is in the pictures.
type finding struct {
	Title, Severity, HeardBy, From, For, Value string
}

// A band is a time that is marked in every picture.
type band struct {
	picture.Band
	Class, Title string
}

// A plot is a figure in both directions.
type plot struct {
	Title, Unit, Top, Bottom, Note string
	Digits                         int // of a value under the pointer
	Least, Most                    float64
	Bands                          []band
	Curves                         []curve
	IsKnown                        bool
}

func (p *plot) add(c curve) {
	p.Curves = append(p.Curves, c)
	p.IsKnown = p.IsKnown || len(c.Lines) > 0
}

// A curve is one direction's.
type curve struct {
	Name, Class string
	Lines       []string
}

// A fact is a figure of the whole call in both directions.
type fact struct{ Title, Heard, Spoken string }

func (w *Web) callPage(c *gin.Context) {
	d, err := w.detail(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.render(c, http.StatusOK, "call.html", callPageOf(w.frameOf(c), d))
}

func callPageOf(f frame, d insights.Detail) callPage {
	s := d.Summary
	address := func(before, after, agent string) string {
		return before + url.PathEscape(s.ContactID) + after + "?agent=" + url.QueryEscape(agent)
	}
	p := callPage{
		frame: f, Detail: d, Length: max(int64(s.EndedAt-s.StartedAt), 1), IsPartial: isPartial(s),
		Self: address("/insights/calls/", "", s.Agent), JSON: address("/insights/api/calls/", "/file.json", s.Agent), CSV: address("/insights/api/calls/", "/file.csv", s.Agent),
		Facts: factsOf(d),
	}
	if len(d.Agents) > 1 {
		for _, agent := range d.Agents {
			p.Agents = append(p.Agents, choice{Text: agent, Link: address("/insights/calls/", "", agent), IsChosen: agent == s.Agent})
		}
	}
	scale := picture.Scale{From: int64(s.StartedAt), To: int64(s.StartedAt) + p.Length}
	for i := range 5 {
		p.Marks = append(p.Marks, clock(p.Length*int64(i)/4))
	}
	p.findings(scale)
	p.pauses(scale)
	for _, m := range d.Summary.MarkedBadAt {
		p.Bands = append(p.Bands, band{scale.Band(int64(m), int64(m)), "marked", "The agent marked the call as bad"})
	}
	for _, e := range d.APIErrors {
		if e.At >= s.StartedAt && e.At <= s.EndedAt {
			p.Bands = append(p.Bands, band{scale.Band(int64(e.At), int64(e.At)), "failing", e.Name + " failed at " + p.Since(e.At)})
		}
	}
	for _, figure := range figures {
		drawn := figure.plot(d, scale)
		drawn.Bands = p.Bands
		p.Plots = append(p.Plots, drawn)
	}
	return p
}

// clock writes a part of a call, in minutes and seconds.
func clock(millis int64) string {
	seconds := millis / 1000
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func (p *callPage) findings(scale picture.Scale) {
	for _, f := range p.Detail.Summary.Findings {
		shown := finding{Title: insights.Words(f.ID), Severity: f.Severity, HeardBy: f.HeardBy, Value: f.Text()}
		if f.Seconds > 0 {
			shown.For = fmt.Sprintf("%d s", f.Seconds)
		}
		if f.FromSecond != nil {
			from := int64(p.Detail.Summary.StartedAt) + *f.FromSecond*1000
			shown.From = clock(*f.FromSecond * 1000)
			p.Bands = append(p.Bands, band{scale.Band(from, from+max(f.Seconds, 1)*1000), "finding " + f.Severity, shown.Title + ", from " + shown.From})
		}
		p.Findings = append(p.Findings, shown)
	}
}

// pauses marks mute and hold.
func (p *callPage) pauses(scale picture.Scale) {
	const gap = 1500
	for _, state := range []struct {
		class, title string
		of           func(insights.Second) *bool
	}{
		{"muted", "The agent was muted", func(s insights.Second) *bool { return s.Muted }},
		{"held", "The call was on hold", func(s insights.Second) *bool { return s.OnHold }},
	} {
		seconds := p.Detail.Spoken
		if len(seconds) == 0 {
			seconds = p.Detail.Heard
		}
		var at []int64
		for _, s := range seconds {
			if is := state.of(s); is != nil && *is {
				at = append(at, int64(s.At))
			}
		}
		for _, span := range picture.Spans(at, gap) {
			p.Bands = append(p.Bands, band{scale.Band(span[0], span[1]), state.class, state.title + ", from " + clock(span[0]-scale.From)})
		}
	}
}

// A figure is what a plot shows.
type figure struct {
	title, unit string
	in          readings.Unit // values under the pointer
	least, most float64       // of the picture; it reaches further up if it must, unless it is fixed
	fixed       bool
	lowIsWorse  bool
	of          func(s insights.Second, isHeard bool) *float64
}

var figures = []figure{
	{title: "Estimated score (MOS)", in: readings.MOS, least: 1, most: 4.5, fixed: true, lowIsWorse: true, of: func(s insights.Second, _ bool) *float64 { return s.MOS }},
	{title: "Lost packets", unit: "%", in: readings.Percent, most: 5, of: lostPercent},
	{title: "Jitter", unit: "ms", in: readings.Millis, most: 30, of: func(s insights.Second, _ bool) *float64 { return s.Jitter }},
	{title: "Round trip", unit: "ms", in: readings.Millis, most: 300, of: func(s insights.Second, _ bool) *float64 { return s.RoundTrip }},
	{title: "Level", unit: "% of full", in: readings.Percent, most: 25, of: levelPercent},
}

// lostPercent is of the packets that were sent: those of what the agent hears are counted on arrival.
func lostPercent(s insights.Second, isHeard bool) *float64 {
	if s.Lost == nil || s.Packets == nil {
		return nil
	}
	sent := *s.Packets
	if isHeard {
		sent += *s.Lost
	}
	if sent <= 0 {
		return nil
	}
	return new(math.Min(percent(*s.Lost, sent), hundred))
}

func levelPercent(s insights.Second, _ bool) *float64 {
	const full = 32768
	if s.Level == nil {
		return nil
	}
	return new(percent(*s.Level, full))
}

// mostPoints is how many points a curve has: more than a screen is wide.
const mostPoints = 2000

func (f figure) plot(d insights.Detail, scale picture.Scale) plot {
	p := plot{Title: f.title, Unit: f.unit, Digits: f.in.Decimals(), Least: f.least, Most: f.most}
	sides := []struct {
		name, class string
		seconds     []insights.Second
	}{{"what the agent hears", "heard", d.Heard}, {"what the customer hears", "spoken", d.Spoken}}
	points := make([][]picture.Point, len(sides))
	for i, side := range sides {
		for _, s := range side.seconds {
			if s.Suspect {
				continue
			}
			value := f.of(s, side.class == "heard")
			points[i] = append(points[i], picture.Point{At: int64(s.At), Value: value})
			if value != nil && !f.fixed {
				p.Most = max(p.Most, *value)
			}
		}
	}
	if !f.fixed {
		p.Most = roundUp(p.Most)
	}
	p.Top, p.Bottom = short(p.Most), short(p.Least)
	scale.Least, scale.Most = p.Least, p.Most
	for i, side := range sides {
		thinned, step := picture.Thin(points[i], mostPoints, func(a, b float64) bool { return (a < b) == f.lowIsWorse })
		const gap = 2500
		if step > 0 {
			p.Note = fmt.Sprintf("Each point is the worst of %d seconds.", step/1000)
		}
		p.add(curve{Name: side.name, Class: side.class, Lines: scale.Polylines(thinned, gap+step)})
	}
	return p
}

// roundUp returns 1, 2, 3 or 5 times a power of ten that is not below the value.
func roundUp(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, factor := range []float64{1, 2, 3, 5} {
		if factor*power >= value {
			return factor * power
		}
	}
	return 10 * power
}

func short(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func factsOf(d insights.Detail) []fact {
	heard, spoken := d.Summary.HeardByAgent, d.Summary.HeardByCustomer
	known := func(value *float64, unit readings.Unit) string {
		if value == nil {
			return "not known"
		}
		return unit.Text(*value)
	}
	return []fact{
		{"Score (MOS), mean", known(heard.MOSMean, readings.MOS), known(spoken.MOSMean, readings.MOS)},
		{"Score (MOS), worst tenth", known(heard.MOSP10, readings.MOS), known(spoken.MOSP10, readings.MOS)},
		{"Lost", known(heard.LossPercent, readings.Percent), known(spoken.LossPercent, readings.Percent)},
		{"Jitter, 95th percentile", known(heard.JitterP95Millis, readings.Millis), known(spoken.JitterP95Millis, readings.Millis)},
		{"Round trip, 95th percentile", known(heard.RTTP95Millis, readings.Millis), known(spoken.RTTP95Millis, readings.Millis)},
		{"Seconds with a poor score", fmt.Sprint(heard.SecondsBad), fmt.Sprint(spoken.SecondsBad)},
	}
}

// Since writes an instant as a time within the call.
func (p callPage) Since(at telemetry.Instant) string {
	if at < p.Detail.Summary.StartedAt {
		return "before the call"
	}
	return clock(int64(at - p.Detail.Summary.StartedAt))
}
