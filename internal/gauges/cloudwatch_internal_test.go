package gauges

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// recorded answers as CloudWatch's reference says: a result for each series, its label filled in, in pages. The emulator knows
// no search expressions, and the SDK cannot read what it answers to GetMetricData.
type recorded struct {
	asked []*cloudwatch.GetMetricDataInput
	pages []*cloudwatch.GetMetricDataOutput
}

func (r *recorded) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	r.asked = append(r.asked, in)
	return r.pages[len(r.asked)-1], nil
}

func series(id, label string, status types.StatusCode, values ...float64) types.MetricDataResult {
	return types.MetricDataResult{Id: &id, Label: &label, StatusCode: status, Values: values}
}

func TestFiguresOfASearchExpression(t *testing.T) {
	t.Parallel()
	r := &recorded{pages: []*cloudwatch.GetMetricDataOutput{
		{NextToken: aws.String("more"), MetricDataResults: []types.MetricDataResult{
			series(sums, "callreport-pusher RecordsIn", types.StatusCodePartialData, 1, 2),
			series(sums, "streamstats-pusher RecordsIn", types.StatusCodeComplete, 60, 60),
			series(sums, "indexer Lag", types.StatusCodeComplete, 1e9),
			series(lags, "indexer Lag", types.StatusCodeComplete, 1200, 3400),
			series(lags, "call-summary Lag", types.StatusCodeComplete, 61_000, 905_000),
		}},
		{MetricDataResults: []types.MetricDataResult{
			series(sums, "callreport-pusher RecordsIn", types.StatusCodeComplete, 4),
			series(sums, "indexer Rejected.mapper_parsing_exception", types.StatusCodeComplete, 1),
			series(sums, "indexer Indexed", types.StatusCodeComplete, 126),
			series(sums, "call-summary Summaries", types.StatusCodeComplete, 2, 1),
			series(sums, "call-summary SummariesAgain", types.StatusCodeComplete, 1),
		}},
	}}
	to := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	got, err := CloudWatch{client: r}.Figures(t.Context(), aws.Config{}, "acme", to.Add(-time.Hour), to)
	if err != nil || got.Calls != 7 || got.RecordsIn != 127 || got.Indexed != 126 || *got.LagP95Millis != 3400 ||
		got.Summaries.Written != 3 || got.Summaries.Again != 1 || *got.Summaries.LagP95Millis != 905_000 ||
		!maps.Equal(got.Rejected, map[string]int64{"mapper_parsing_exception": 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	query := aws.ToString(r.asked[0].MetricDataQueries[0].Expression)
	if want := `SEARCH('{Earshot,Tenant,Function} Tenant="acme"', 'Sum', 60)`; query != want || !strings.Contains(*r.asked[0].MetricDataQueries[0].Label, "Dim.Function") {
		t.Errorf("asked %s, want %s", query, want)
	}
}

func TestAnIncompleteAnswerIsNone(t *testing.T) {
	t.Parallel()
	for _, status := range []types.StatusCode{types.StatusCodeInternalError, types.StatusCodeForbidden, ""} {
		r := &recorded{pages: []*cloudwatch.GetMetricDataOutput{{MetricDataResults: []types.MetricDataResult{series(sums, "indexer Indexed", status, 1)}}}}
		if _, err := (CloudWatch{client: r}).Figures(t.Context(), aws.Config{}, "acme", time.Now(), time.Now()); err == nil {
			t.Errorf("%q was taken for complete", status)
		}
	}
}

func TestAgeOfTheOldestMessage(t *testing.T) {
	t.Parallel()
	answer := func(values ...float64) *recorded {
		return &recorded{pages: []*cloudwatch.GetMetricDataOutput{{MetricDataResults: []types.MetricDataResult{
			series(oldest, "ApproximateAgeOfOldestMessage", types.StatusCodeComplete, values...),
		}}}}
	}
	r := answer(42, 17) // the newest first
	got, err := CloudWatch{client: r}.OldestSeconds(t.Context(), aws.Config{}, "https://sqs.eu-central-1.amazonaws.com/111122223333/earshot-acme-Queue-1", time.Now())
	if err != nil || got != 42 {
		t.Errorf("%d, %v", got, err)
	}
	if name := r.asked[0].MetricDataQueries[0].MetricStat.Metric.Dimensions[0].Value; aws.ToString(name) != "earshot-acme-Queue-1" {
		t.Errorf("asked of queue %s", aws.ToString(name))
	}
	if got, err := (CloudWatch{client: answer()}).OldestSeconds(t.Context(), aws.Config{}, "x/y", time.Now()); !errors.Is(err, errUnknown) {
		t.Errorf("a queue that nobody measured: %d, %v", got, err)
	}
}

// One figure is asked for, by its name: all day, for every tenant.
func TestCallsAreOneFigure(t *testing.T) {
	t.Parallel()
	r := &recorded{pages: []*cloudwatch.GetMetricDataOutput{{MetricDataResults: []types.MetricDataResult{
		series(calls, "RecordsIn", types.StatusCodeComplete, 5, 7, 30),
	}}}}
	to := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	got, err := CloudWatch{client: r}.Calls(t.Context(), aws.Config{}, "acme", to.Add(-9*time.Hour), to)
	if err != nil || got != 42 {
		t.Errorf("%d, %v", got, err)
	}
	metric := r.asked[0].MetricDataQueries[0].MetricStat.Metric
	if len(r.asked[0].MetricDataQueries) != 1 || *metric.MetricName != "RecordsIn" || *metric.Dimensions[0].Value != "acme" || *metric.Dimensions[1].Value != "callreport-pusher" {
		t.Errorf("asked %+v", metric)
	}
}
