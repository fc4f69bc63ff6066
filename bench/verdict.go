package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// reportToVerdict posts whole calls to a tenant's API and watches, from the moment in which a call's report is accepted, until a
// search finds the call's summary.
func reportToVerdict(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 20
	const apart = 1730 * time.Millisecond // no divisor of the refresh interval: the runs meet all of its phases
	var found rig.Tenant
	if err := b.admin.Call(ctx, http.MethodGet, "/v1/tenants/"+demo.String(), nil, &found); err != nil {
		return nil, err
	}
	environment, err := b.stack.Environment(ctx, demo.FunctionName("call-summary"))
	if err != nil {
		return nil, err
	}
	way := sender{
		api: found.URLs.TelemetryAPI, origin: strings.TrimSuffix(found.URLs.Softphone, "/"),
		client: &http.Client{Transport: &http.Transport{DialContext: dialHere}}, search: b.search,
	}
	if _, err := way.judged(ctx, -1); err != nil { // starts the functions
		return nil, err
	}
	passed, err := apartBy(ctx, apart, b.repeat("verdict", runs), way.judged)
	if err != nil {
		return nil, err
	}
	took := make([]float64, 0, len(passed))
	for _, d := range passed {
		took = append(took, d.Seconds())
	}
	figure := func(id string, p float64, what string) sheet.Figure {
		return sheet.Figure{ID: id, Value: sheet.Percentile(took, p), Unit: "s", Runs: len(took), Spread: sheet.Range(took), What: what}
	}
	return []sheet.Figure{
		figure("report_to_verdict", 50, "half of the calls have their summary in search so soon after their report was accepted; of it "+
			environment["EARSHOT_SETTLE_QUICK"]+" are the wait until a call has settled (60s on AWS), and two refreshes, every 5 s"),
		figure("report_to_verdict_p95", 95, "95 % of them"),
	}, nil
}

// judged posts a call, its report last, and returns how long after that was accepted the call's summary is found.
func (s sender) judged(ctx context.Context, run int) (time.Duration, error) {
	const patience = 3 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const length = 2 * time.Minute
	agent := fmt.Sprintf("bench.verdict.%d", run)
	call := samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Orders EMEA", RoutingProfile: "Retail Voice", Start: time.Now().Add(-length), Duration: length,
	})
	var report []byte
	for _, post := range call.Posts() {
		if post.Route == "callreport" {
			report = post.Body
			continue
		}
		if err := s.to(post.Route).post(ctx, post.Body); err != nil {
			return 0, err
		}
	}
	if report == nil {
		return 0, errors.New("the call has no report")
	}
	if err := s.to("callreport").post(ctx, report); err != nil {
		return 0, err
	}
	began := time.Now()
	pattern := demo.KindPattern(telemetry.KindCallSummary)
	err := s.await(ctx, http.MethodGet, "/"+pattern+"/_search?size=0&terminate_after=1&q=_id:%22"+telemetry.SummaryID(call.ContactID(), agent)+"%22")
	return time.Since(began), err
}

// to is the sender for one route of the API.
func (s sender) to(route string) sender {
	s.api += "/" + route
	return s
}
