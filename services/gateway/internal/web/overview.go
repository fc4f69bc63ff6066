package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/readings"
	"github.com/earshot-hq/earshot/internal/verdict"
	"github.com/earshot-hq/earshot/services/gateway/internal/picture"
)

// overview is how the calls of a span sounded, ready to be shown.
type overview struct {
	insights.Overview
	Tiles    []tile
	Calls    histogram
	Score    plot
	Findings []share
	Causes   []share
	Queues   []share
	Agents   []share
}

// A tile is a figure beside that of the week before.
type tile struct {
	Title, Value, Before, Change string
	IsWorse, IsBetter            bool
	Link                         string
}

// A histogram is the calls over time, by their verdicts, and those of the week before as a line.
type histogram struct {
	Bars  []bar
	Past  []string
	Most  int64
	Marks []time.Time
}

// A bar is the calls of one verdict in one hour or day.
type bar struct {
	X, Y, Width, Height float64
	Verdict, Title      string
}

// A share is the calls of one queue, agent, finding or cause among all.
type share struct {
	Name, Link string
	Calls      int64
	Of         float64 // percent of all calls
	Parts      []part
}

// A part is a verdict's calls of a share, and its place in a bar of a hundred.
type part struct {
	Verdict  string
	Calls    int64
	X, Width float64
}

// A group is a list of shares under a heading.
type group struct {
	Title  string
	Shares []share
}

const hundred = 100

func overviewOf(o insights.Overview, u *url.URL) *overview {
	v := &overview{Overview: o}
	v.Tiles = tilesOf(o, u)
	v.Calls = histogramOf(o)
	v.Score = scoresOf(o)
	ids := func(name string, counts map[string]int64) (list []share) {
		for id, n := range counts {
			list = append(list, share{Name: insights.Words(id), Calls: n, Of: percent(n, o.Now.Calls), Link: with(u, map[string]string{name: id, "cursor": ""})})
		}
		slices.SortFunc(list, func(a, b share) int {
			return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
		})
		return list
	}
	v.Findings, v.Causes = ids("finding", o.Now.Findings), ids("cause", o.Now.Causes)
	v.Queues, v.Agents = sharesOf("queue", o.Queues, o.Now.Calls, u), sharesOf("agent", o.Agents, o.Now.Calls, u)
	return v
}

func percent(part, of int64) float64 {
	if of == 0 {
		return 0
	}
	return hundred * float64(part) / float64(of)
}

// troubled are the calls that were not good.
func troubled(f insights.Figures) int64 {
	return f.Verdicts[verdict.Degraded] + f.Verdicts[verdict.Bad] + f.Verdicts[verdict.Failed]
}

func tilesOf(o insights.Overview, u *url.URL) []tile {
	now, before := o.Now, o.Before
	tiles := []tile{
		{Title: "Calls", Value: fmt.Sprint(now.Calls), Before: fmt.Sprint(before.Calls), Change: change(float64(now.Calls), float64(before.Calls), "%+.0f")},
		rated("Not good", percent(troubled(now), now.Calls), percent(troubled(before), before.Calls), now.Calls, before.Calls, ""),
		rated("Bad or failed", percent(now.Verdicts[verdict.Bad]+now.Verdicts[verdict.Failed], now.Calls),
			percent(before.Verdicts[verdict.Bad]+before.Verdicts[verdict.Failed], before.Calls), now.Calls, before.Calls, with(u, map[string]string{"verdict": verdict.Bad, "cursor": ""})),
		scored("Agents hear (MOS)", now.MOSAgent, before.MOSAgent),
		scored("Customers hear (MOS)", now.MOSCustomer, before.MOSCustomer),
		{Title: "Marked bad by agents", Value: fmt.Sprint(now.MarkedBad), Before: fmt.Sprint(before.MarkedBad), Change: change(float64(now.MarkedBad), float64(before.MarkedBad), "%+.0f"),
			IsWorse: now.MarkedBad > before.MarkedBad, IsBetter: now.MarkedBad < before.MarkedBad},
	}
	return tiles
}

func change(now, before float64, form string) string {
	if now == before {
		return "the same"
	}
	return fmt.Sprintf(form, now-before)
}

// rated is a percentage of calls, of which less is better.
func rated(title string, now, before float64, calls, callsBefore int64, link string) tile {
	t := tile{Title: title, Value: "–", Before: "–", Link: link}
	const least = 0.05 // of a percent point, which is shown as none
	if calls > 0 {
		t.Value = readings.Percent.Text(now)
	}
	if callsBefore > 0 {
		t.Before = readings.Percent.Text(before)
	}
	if calls > 0 && callsBefore > 0 {
		t.Change = "the same"
		if t.IsWorse, t.IsBetter = now-before > least, before-now > least; t.IsWorse || t.IsBetter {
			t.Change = fmt.Sprintf("%+.1f points", now-before)
		}
	}
	return t
}

// scored is a mean score, of which more is better.
func scored(title string, now, before *float64) tile {
	t := tile{Title: title, Value: "–", Before: "–"}
	if now != nil {
		t.Value = readings.MOS.Number(*now)
	}
	if before != nil {
		t.Before = readings.MOS.Number(*before)
	}
	if now != nil && before != nil {
		t.Change = change(*now, *before, "%+.2f")
		t.IsWorse, t.IsBetter = *now < *before, *now > *before
	}
	return t
}

// marksOn are instants under a picture, evenly spread.
func marksOn(from, to time.Time) (marks []time.Time) {
	const parts = 4
	for i := range parts + 1 {
		marks = append(marks, from.Add(to.Sub(from)*time.Duration(i)/parts))
	}
	return marks
}

func histogramOf(o insights.Overview) histogram {
	h := histogram{Most: 1, Marks: marksOn(o.From, o.To)}
	for _, b := range slices.Concat(o.Hours, o.Past) {
		h.Most = max(h.Most, b.Calls)
	}
	step := insights.Step(o.From, o.To)
	scale := picture.Scale{From: o.From.UnixMilli(), To: o.To.UnixMilli(), Most: float64(h.Most)}
	for _, b := range o.Hours {
		from := scale.X(int64(b.At))
		width := max((scale.X(int64(b.At)+step.Milliseconds())-from)*0.9, 1)
		y := float64(picture.Height)
		for _, id := range insights.Verdicts {
			n := b.Verdicts[id]
			if n == 0 {
				continue
			}
			height := picture.Height - scale.Y(float64(n))
			y -= height
			h.Bars = append(h.Bars, bar{X: from, Y: y, Width: width, Height: height, Verdict: id,
				Title: fmt.Sprintf("%d of %d calls: %s", n, b.Calls, insights.Words(id))})
		}
	}
	var past []picture.Point
	for _, b := range o.Past {
		calls := float64(b.Calls)
		past = append(past, picture.Point{At: int64(b.At) + (7 * 24 * time.Hour).Milliseconds() + step.Milliseconds()/2, Value: &calls})
	}
	h.Past = scale.Polylines(past, 2*step.Milliseconds())
	return h
}

// scoresOf is the mean score over time.
func scoresOf(o insights.Overview) plot {
	step := insights.Step(o.From, o.To)
	p := plot{Title: "Estimated score of the network path (MOS, mean)", Least: 1, Most: 4.5, Top: "4.5", Bottom: "1"}
	scale := picture.Scale{From: o.From.UnixMilli(), To: o.To.UnixMilli(), Least: p.Least, Most: p.Most}
	for _, side := range []struct {
		name, class string
		of          func(insights.Bucket) *float64
	}{
		{"what agents hear", "heard", func(b insights.Bucket) *float64 { return b.MOSAgent }},
		{"what customers hear", "spoken", func(b insights.Bucket) *float64 { return b.MOSCustomer }},
	} {
		var points []picture.Point
		for _, b := range o.Hours {
			points = append(points, picture.Point{At: int64(b.At) + step.Milliseconds()/2, Value: side.of(b)})
		}
		p.add(curve{Name: side.name, Class: side.class, Lines: scale.Polylines(points, 3*step.Milliseconds())})
	}
	return p
}

func sharesOf(name string, groups []insights.Group, all int64, u *url.URL) (list []share) {
	for _, g := range groups {
		s := share{Name: g.Name, Calls: g.Calls, Of: percent(g.Calls, all), Link: with(u, map[string]string{name: g.Name, "cursor": ""})}
		x := 0.0
		for _, id := range insights.Verdicts {
			if n := g.Verdicts[id]; n > 0 {
				s.Parts = append(s.Parts, part{Verdict: id, Calls: n, X: x, Width: percent(n, all)})
				x += percent(n, all)
			}
		}
		list = append(list, s)
	}
	worst := func(s share) (n float64) {
		for _, p := range s.Parts {
			n += map[string]float64{verdict.Degraded: 1, verdict.Bad: 3, verdict.Failed: 3}[p.Verdict] * float64(p.Calls)
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b share) int { return cmp.Compare(worst(b), worst(a)) })
	return list
}
