package settle_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"
	"time"

	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

var delays = settle.Delays{Quick: time.Minute, Slow: 15 * time.Minute}

const began telemetry.Instant = 1_795_510_800_000

func at(seconds int) telemetry.Instant { return began + telemetry.Instant(seconds)*1000 }

func envelope(kind string, received int, seconds ...int) telemetry.Envelope {
	e := telemetry.Envelope{Kind: kind, Tenant: "acme", Ingest: telemetry.Ingest{ReceivedAt: at(received)}}
	for _, s := range seconds {
		e.Records = append(e.Records, telemetry.Record{ID: fmt.Sprint(kind, s), At: at(s), Doc: json.RawMessage(`{"agent":"a","contactId":"c"}`)})
	}
	return e
}

func TestWhoIsSummarisedAndWhen(t *testing.T) {
	t.Parallel()
	change := func(e telemetry.Envelope, f func(*telemetry.Envelope)) telemetry.Envelope { f(&e); return e }
	live := envelope(telemetry.KindStreamStats, 30, 0, 29)
	for name, row := range map[string]struct {
		of   telemetry.Envelope
		want time.Duration
	}{
		"live records":              {live, delays.Slow},
		"a minute old":              {envelope(telemetry.KindStreamStats, 60, 0), delays.Slow},
		"older than a minute":       {envelope(telemetry.KindStreamStats, 61, 0, 59), delays.Quick},
		"a report":                  {envelope(telemetry.KindCallReport, 30, 29), delays.Quick},
		"from the archive":          {change(live, func(e *telemetry.Envelope) { e.Replay = true }), delays.Quick},
		"API metrics":               {envelope(telemetry.KindAPIMetric, 30, 0), 0},
		"a summary":                 {envelope(telemetry.KindCallSummary, 30, 0), 0},
		"the synthetic call":        {change(live, func(e *telemetry.Envelope) { e.Probe = true }), 0},
		"no record":                 {envelope(telemetry.KindStreamStats, 30), 0},
		"records without a contact": {change(envelope(telemetry.KindStreamStats, 30, 0), func(e *telemetry.Envelope) { e.Records[0].Doc = []byte(`{"agent":"a"}`) }), 0},
	} {
		r, asked := settle.RequestOf(row.of, delays)
		if asked != (row.want > 0) || r.Delay != row.want {
			t.Errorf("%s: asked %v, after %v, want %v", name, asked, r.Delay, row.want)
		}
	}
}

func TestRequestsSurviveTheirText(t *testing.T) {
	t.Parallel()
	r, _ := settle.RequestOf(envelope(telemetry.KindStreamStats, 30, 0), delays)
	text, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Delay = 0
	if got, err := settle.Parse(text); err != nil || got != r {
		t.Errorf("got %+v, want %+v (%v)", got, r, err)
	}
	for _, text := range []string{``, `{}`, `[]`, `{"v":2,"agent":"a","contactId":"c","documentId":"d"}`, `{"v":1,"agent":"a","contactId":""}`} {
		if _, err := settle.Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken for a request", text)
		}
	}
}

func TestMergeKeepsTheNewestOfEachDelay(t *testing.T) {
	t.Parallel()
	var all []settle.Request
	for _, e := range []telemetry.Envelope{
		envelope(telemetry.KindStreamStats, 30, 0), envelope(telemetry.KindStreamStats, 90, 60), envelope(telemetry.KindCallReport, 70, 69),
		envelope(telemetry.KindStreamStats, 60, 30),
	} {
		r, _ := settle.RequestOf(e, delays)
		all = append(all, r)
	}
	merged := settle.Merge(all)
	if len(merged) != 2 || merged[0].ReceivedAt != at(90) || merged[1].ReceivedAt != at(70) {
		t.Errorf("got %+v", merged)
	}
}

// history plays the life of a call: batches are received in order and written late and in any order, and each request comes no
// earlier than its delay. It returns how many computations there were and whether the last saw every document.
func history(seed uint64) (batches, computations int, isWhole bool) {
	const refresh = 5
	dice := rand.New(rand.NewPCG(seed, 2))
	type written struct {
		e       telemetry.Envelope
		visible int // second
	}
	type coming struct {
		r settle.Request
		s int
	}
	var all []written
	var queue []coming
	write := func(e telemetry.Envelope, when int) {
		all = append(all, written{e, when + 1 + dice.IntN(refresh)})
		r, _ := settle.RequestOf(e, delays)
		queue = append(queue, coming{r, when + int(r.Delay/time.Second) + dice.IntN(4)})
		if dice.IntN(5) == 0 { // delivered twice
			queue = append(queue, coming{r, when + int(r.Delay/time.Second) + dice.IntN(40)})
		}
	}
	length := 1 + dice.IntN(120) // batches of half a minute
	lag := func() int {
		switch dice.IntN(12) {
		case 0:
			return dice.IntN(3000) // search was away
		case 1:
			return dice.IntN(100)
		}
		return 1
	}
	for i := range length {
		received := 30 * (i + 1)
		if dice.IntN(10) == 0 {
			received += dice.IntN(2000) // from the outbox
		}
		write(envelope(telemetry.KindStreamStats, received, 30*i, 30*i+29), received+lag())
	}
	if dice.IntN(3) > 0 {
		write(envelope(telemetry.KindCallReport, 30*length-1, 30*length), 30*length+lag())
	}
	if dice.IntN(6) == 0 { // an attempt that failed before
		write(envelope(telemetry.KindCallReport, 1, 1), 1+lag())
	}
	slices.SortStableFunc(queue, func(a, b coming) int { return a.s - b.s })
	var summary *settle.Summary
	summaryVisible := 0
	var previous *settle.Summary
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		seen := settle.Seen{Summary: summary}
		if c.s < summaryVisible {
			seen.Summary = previous
		}
		for _, w := range all {
			if w.visible > c.s {
				continue
			}
			look(&seen, w.e, c.r)
		}
		switch c.r.Decide(seen, at(c.s), delays) {
		case settle.Wait:
			queue = append(queue, coming{c.r, c.s + 5})
			slices.SortStableFunc(queue, func(a, b coming) int { return a.s - b.s })
		case settle.Compute:
			computations++
			previous, summary = seen.Summary, &settle.Summary{Seconds: seen.Seconds, Reports: seen.Reports}
			summaryVisible = c.s + 1 + dice.IntN(30)
		case settle.StepBack, settle.Done:
		}
	}
	seconds, reports := int64(0), int64(0)
	for _, w := range all {
		if w.e.Kind == telemetry.KindCallReport {
			reports++
		} else {
			seconds += int64(len(w.e.Records))
		}
	}
	return len(all), computations, summary != nil && summary.Seconds == seconds && summary.Reports == reports
}

// look adds to what is seen what a visible envelope shows.
func look(seen *settle.Seen, e telemetry.Envelope, r settle.Request) {
	received, isReport := e.Ingest.ReceivedAt, e.Kind == telemetry.KindCallReport
	if received > seen.NewestAt {
		seen.NewestAt, seen.IsReport, seen.Oldest = received, isReport, e.Records[0].At
	} else if received == seen.NewestAt {
		seen.IsReport, seen.Oldest = seen.IsReport || isReport, min(seen.Oldest, e.Records[0].At)
	}
	for _, record := range e.Records {
		seen.HasDocument = seen.HasDocument || record.ID == r.DocumentID
		if isReport {
			seen.ReportEnd = max(seen.ReportEnd, record.At)
			seen.Reports++
		} else {
			seen.LastSecond = max(seen.LastSecond, record.At)
			seen.Seconds++
		}
	}
}

// Whatever is late, delivered twice or written out of order: the last computation saw every document.
func TestNoSummaryIsLost(t *testing.T) {
	t.Parallel()
	whole := func(seed uint64) bool {
		_, _, isWhole := history(seed)
		return isWhole
	}
	if err := quick.Check(whole, &quick.Config{MaxCount: 3000}); err != nil {
		t.Error(err)
	}
}

// A mark that the summary does not tell of is computed, though no second and no report is new.
func TestAMarkThatIsNotToldIsComputed(t *testing.T) {
	t.Parallel()
	r := settle.Request{ReceivedAt: at(200)}
	seen := settle.Seen{HasDocument: true, NewestAt: at(200), IsReport: true, Seconds: 60, Reports: 1, Summary: &settle.Summary{Seconds: 60, Reports: 1}}
	if got := r.Decide(seen, at(300), delays); got != settle.Done {
		t.Errorf("without a mark: %v", got)
	}
	seen.Summary.LacksMark = true
	if got := r.Decide(seen, at(300), delays); got != settle.Compute {
		t.Errorf("with a mark: %v", got)
	}
}

// Many batches of one call do not make as many computations.
func TestBatchesMakeNoStorm(t *testing.T) {
	t.Parallel()
	batches, computations := 0, 0
	for seed := range uint64(500) {
		b, c, _ := history(seed)
		batches += b
		computations += c
	}
	t.Logf("%d computations of %d batches", computations, batches)
	if computations*5 > batches {
		t.Errorf("%d computations of %d batches", computations, batches)
	}
}
