package gauges

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Logs reads figures from the functions' log groups: for an emulator, which makes no metrics of them. On AWS this would be
// slow and dear.
type Logs struct{}

// mostLines is how many lines one question is answered with. The emulator leaves the rest out without a word.
const mostLines = 10_000

var errTooMany = errors.New("a minute has more lines than are given at once")

// Figures implements Source.
func (Logs) Figures(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (tenant.Figures, error) {
	total := none()
	var lags, summaryLags []float64
	client := cloudwatchlogs.NewFromConfig(config)
	for _, function := range functions {
		err := read(ctx, client, s.LogGroupPrefix()+function, from, to, func(sample figures.Sample) {
			for figure, n := range sample.Counts {
				add(&total, function, figure, n)
			}
			if function == callSummary {
				summaryLags = append(summaryLags, sample.Lags...)
				return
			}
			lags = append(lags, sample.Lags...)
		})
		if err != nil {
			return total, err
		}
	}
	total.LagP95Millis, total.Summaries.LagP95Millis = p95(lags), p95(summaryLags)
	return total, nil
}

// read hands over the samples of a log group. Where there may be more lines than one answer holds, each half is asked for by
// itself. A function that never wrote a line has no figures.
func read(ctx context.Context, client *cloudwatchlogs.Client, group string, from, to time.Time, take func(figures.Sample)) error {
	var lines []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, FilterPattern: aws.String(`"CloudWatchMetrics"`), StartTime: aws.Int64(from.UnixMilli()),
		EndTime: aws.Int64(to.UnixMilli() - 1), Limit: aws.Int32(mostLines),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var absent *types.ResourceNotFoundException
		if errors.As(err, &absent) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log group %s: %w", group, err)
		}
		if len(page.Events) == mostLines && page.NextToken == nil {
			return halve(ctx, client, group, from, to, take)
		}
		for _, event := range page.Events {
			lines = append(lines, aws.ToString(event.Message))
		}
	}
	for _, line := range lines {
		if sample, isOne := figures.Parse(line); isOne {
			take(sample)
		}
	}
	return nil
}

func halve(ctx context.Context, client *cloudwatchlogs.Client, group string, from, to time.Time, take func(figures.Sample)) error {
	middle := from.Add(to.Sub(from) / 2)
	if to.Sub(from) < time.Minute {
		return fmt.Errorf("read log group %s: %w", group, errTooMany)
	}
	if err := read(ctx, client, group, from, middle, take); err != nil {
		return err
	}
	return read(ctx, client, group, middle, to, take)
}

// Calls implements Source.
func (Logs) Calls(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (int64, error) {
	total := none()
	err := read(ctx, cloudwatchlogs.NewFromConfig(config), s.LogGroupPrefix()+callReports, from, to, func(sample figures.Sample) {
		for figure, n := range sample.Counts {
			add(&total, callReports, figure, n)
		}
	})
	return total.Calls, err
}

// OldestSeconds implements Source: no log holds it.
func (Logs) OldestSeconds(context.Context, aws.Config, string, time.Time) (int64, error) {
	return 0, errUnknown
}
