package gauges

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// CloudWatch reads figures that CloudWatch has made of the functions' log lines.
type CloudWatch struct {
	client cloudwatch.GetMetricDataAPIClient // nil: one of the configuration given
}

const (
	minute = 60 // seconds: how finely sums are asked for, so that no edge of the window is rounded
	hour   = 3600

	// label tells the series of one search apart.
	label = "${PROP('Dim." + figures.DimensionFunction + "')} ${PROP('MetricName')}"

	sums, lags, oldest, calls = "sums", "lags", "oldest", "calls"
)

var errIncomplete = errors.New("CloudWatch has no complete answer")

// Figures implements Source. Which figures there are is not asked for by name: codes come and go.
func (c CloudWatch) Figures(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (tenant.Figures, error) {
	total := none()
	of := func(more, statistic string, period int) *string {
		return aws.String(fmt.Sprintf(`SEARCH('{%s,%s,%s} %s="%s"%s', '%s', %d)`, figures.Namespace, figures.DimensionTenant,
			figures.DimensionFunction, figures.DimensionTenant, s, more, statistic, period))
	}
	err := c.ask(ctx, config, from, to, []types.MetricDataQuery{
		{Id: aws.String(sums), Expression: of("", "Sum", minute), Label: aws.String(label)},
		{Id: aws.String(lags), Expression: of(` MetricName="`+figures.Lag+`"`, "p95", hour), Label: aws.String(label)},
	}, func(query, series string, values []float64) {
		function, figure, _ := strings.Cut(series, " ")
		lag := &total.LagP95Millis
		if function == callSummary {
			lag = &total.Summaries.LagP95Millis
		}
		for _, value := range values {
			switch {
			case query == sums && figure != figures.Lag:
				add(&total, function, figure, value)
			case query == lags && (*lag == nil || value > **lag):
				*lag = &value // of two hours that share the window, the worse
			}
		}
	})
	return total, err
}

// Calls implements Source. It asks for one figure by its name: every tenant's is asked for all day.
func (c CloudWatch) Calls(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (int64, error) {
	total := 0.0
	err := c.ask(ctx, config, from, to, []types.MetricDataQuery{{Id: aws.String(calls), MetricStat: &types.MetricStat{
		Metric: &types.Metric{
			Namespace: aws.String(figures.Namespace), MetricName: aws.String(figures.RecordsIn),
			Dimensions: []types.Dimension{
				{Name: aws.String(figures.DimensionTenant), Value: aws.String(s.String())},
				{Name: aws.String(figures.DimensionFunction), Value: aws.String(callReports)},
			},
		},
		Period: aws.Int32(hour), Stat: aws.String("Sum"),
	}}}, func(_, _ string, values []float64) {
		for _, value := range values {
			total += value
		}
	})
	return int64(math.Round(total)), err
}

// OldestSeconds implements Source: SQS tells it to CloudWatch alone, a few minutes late.
func (c CloudWatch) OldestSeconds(ctx context.Context, config aws.Config, queueURL string, to time.Time) (int64, error) {
	const recent = 10 * time.Minute
	seconds, isKnown := int64(0), false
	err := c.ask(ctx, config, to.Add(-recent), to, []types.MetricDataQuery{{Id: aws.String(oldest), MetricStat: &types.MetricStat{
		Metric: &types.Metric{
			Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"),
			Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String(path.Base(queueURL))}},
		},
		Period: aws.Int32(minute), Stat: aws.String("Maximum"),
	}}}, func(_, _ string, values []float64) {
		if !isKnown && len(values) > 0 {
			seconds, isKnown = int64(math.Round(values[0])), true
		}
	})
	if err == nil && !isKnown {
		err = errUnknown
	}
	return seconds, err
}

// ask hands over the values of every series, the newest first.
func (c CloudWatch) ask(ctx context.Context, config aws.Config, from, to time.Time, queries []types.MetricDataQuery,
	take func(query, series string, values []float64),
) error {
	client := c.client
	if client == nil {
		client = cloudwatch.NewFromConfig(config)
	}
	pages := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampDescending,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read metrics: %w", err)
		}
		for _, result := range page.MetricDataResults {
			if result.StatusCode != types.StatusCodeComplete && result.StatusCode != types.StatusCodePartialData {
				return fmt.Errorf("read metrics: %w: %s is %s", errIncomplete, aws.ToString(result.Id), result.StatusCode)
			}
			take(aws.ToString(result.Id), aws.ToString(result.Label), result.Values)
		}
	}
	return nil
}
