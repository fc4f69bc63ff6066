package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/verdict"
)

const (
	insightsCalls = 100_000
	insightsDays  = 30
	aimOfView     = 1000 // ms
)

// insightsViews says how long search takes over what the pages of Insights ask of a tenant with many calls. Writing a page of
// it takes some milliseconds more.
func insightsViews(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	t, err := b.newSearchTenant(ctx, "benchinsights")
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := b.manyCalls(ctx, t, now); err != nil {
		return nil, err
	}
	client, err := b.search.Client()
	if err != nil {
		return nil, err
	}
	reader := records.New(client, t.slug)
	asked := 0
	filter := func(days int, values map[string]string) insights.Filter { // another span each time: search remembers answers
		asked++
		to := now.Add(-time.Duration(asked) * time.Second)
		return insights.Filter{From: to.AddDate(0, 0, -days), To: to, Values: values, Limit: 50}
	}
	first := func(days int) func() error {
		return func() error {
			f := filter(days, nil)
			group, asking := errgroup.WithContext(ctx)
			group.Go(func() error { _, err := reader.Overview(asking, f); return err })
			group.Go(func() error { return holds(reader.Calls(asking, f)) })
			return group.Wait()
		}
	}
	list := func(values map[string]string) func() error {
		return func() error { return holds(reader.Calls(ctx, filter(insightsDays, values))) }
	}
	var figures []sheet.Figure
	for _, view := range []struct {
		id, what string
		ask      func() error
	}{
		{"insights_first_view", "the first page: overview of the last day beside that of a week before, and 50 calls", first(1)},
		{"insights_all_days", fmt.Sprintf("the same of all %d days", insightsDays), first(insightsDays)},
		{"insights_list", "50 calls of all days", list(nil)},
		{"insights_filtered", "50 bad calls of a queue with a finding, of all days", list(map[string]string{"verdict": verdict.Bad, "queue": "queue 3", "finding": verdict.FindingLoss})},
	} {
		const runs, views = 15, 4
		var took []float64
		for run := range b.repeatPart("insights", runs+1, views) { // the first warms the node up
			began := time.Now()
			if err := view.ask(); err != nil {
				return nil, fmt.Errorf("%s: %w", view.id, err)
			}
			if run > 0 {
				took = append(took, float64(time.Since(began).Microseconds())/1000)
			}
		}
		figures = append(figures, sheet.Figure{
			ID: view.id, Value: sheet.Median(took), Unit: "ms", Direction: sheet.AtMost, Aim: aimOfView, Runs: len(took),
			What: fmt.Sprintf("%s, of %d calls", view.what, insightsCalls),
		})
	}
	return figures, b.search.Drop(ctx, t.slug.IndexPattern())
}

// holds reports a page that has no calls: nothing would have been measured.
func holds(page insights.Page, err error) error {
	if err == nil && len(page.Calls) == 0 {
		return errors.New("no call was found")
	}
	return err
}

// manyCalls writes summaries of calls over some days.
func (b *bench) manyCalls(ctx context.Context, t searchTenant, until time.Time) error {
	const part = 5000
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same calls each time
	written := b.progress()
	for from := 0; from < insightsCalls; from += part {
		written.at("insights: %d of %d calls", from, insightsCalls)
		envelope := telemetry.Envelope{Kind: telemetry.KindCallSummary, Tenant: t.slug, Version: 1}
		for i := from; i < from+part; i++ {
			s := oneCall(dice, i, until.Add(-time.Duration(float64(insightsDays*24*time.Hour)*float64(i)/insightsCalls)-time.Minute))
			text, err := json.Marshal(s)
			if err != nil {
				return fmt.Errorf("write a summary: %w", err)
			}
			envelope.Records = append(envelope.Records, telemetry.Record{ID: telemetry.SummaryID(s.ContactID, s.Agent), At: s.StartedAt, Doc: text})
		}
		documents, refused := telemetry.Documents(envelope, nil)
		if len(refused) > 0 {
			return errors.New("a summary is no document: " + refused[0].Detail)
		}
		bulks, err := rig.Pack(documents, rawBulk, "index", true)
		if err != nil {
			return err
		}
		if err := t.writer.Send(ctx, bulks, ""); err != nil {
			return err
		}
	}
	return b.search.Must(ctx, http.MethodPost, "/"+t.slug.IndexPattern()+"/_refresh", "", nil)
}

// oneCall is a summary: three of ten are not good.
func oneCall(dice *rand.Rand, i int, began time.Time) verdict.Summary {
	const queues, agents, outOf = 12, 400, 10
	at := telemetry.InstantOf(began)
	score := 3.5 + dice.Float64()
	s := verdict.Summary{
		About: verdict.About{
			Agent: fmt.Sprintf("agent.number.%03d", dice.IntN(agents)), ContactID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			ContactQueue: fmt.Sprintf("queue %d", dice.IntN(queues)), RoutingProfile: fmt.Sprintf("profile %d", dice.IntN(queues)), HierarchyL1: "Customer care",
		},
		Timestamp: at, StartedAt: at, EndedAt: at + 240_000, TalkingSeconds: 240, Ended: verdict.EndedReport, Verdict: verdict.Good, Findings: []verdict.Finding{},
		HeardByAgent: verdict.Direction{MOSMean: &score}, HeardByCustomer: verdict.Direction{MOSMean: &score}, RecordsExpected: 480, RecordsSeen: 480, ReportsSeen: 1,
		Explanation: "The call was good: its network path was rated 4.30 of 4.5 for the agent and 4.20 for the customer.",
	}
	if roll := dice.IntN(outOf); roll < 3 {
		second := int64(dice.IntN(240))
		s.Verdict, s.LikelyCause = []string{verdict.Bad, verdict.Degraded, verdict.Degraded}[roll], verdict.CauseUplink
		s.Findings = []verdict.Finding{{ID: verdict.FindingLoss, Severity: verdict.Severe, HeardBy: "customer", FromSecond: &second, Seconds: 20, Value: "12"}}
		s.Explanation = "The call was impaired: for 20 seconds more than 3 % of what the customer should hear was lost (12.0 % at its worst)."
	}
	return s
}
