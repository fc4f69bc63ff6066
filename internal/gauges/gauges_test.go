package gauges_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/gauges"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const queues = `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "DeadLetterQueue": {"Type": "AWS::SQS::Queue"},
	"DataBucket": {"Type": "AWS::S3::Bucket"}},
	"Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}, "DeadLetterQueueUrl": {"Value": {"Ref": "DeadLetterQueue"}},
	"DataBucket": {"Value": {"Ref": "DataBucket"}}}}`

// deploy makes a stack with a tenant's queues and returns its outputs.
func deploy(t *testing.T, config aws.Config, s slug.Slug) map[string]string {
	t.Helper()
	client := cloudformation.NewFromConfig(config)
	if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(s.StackName()), TemplateBody: aws.String(queues),
	}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	stack, err := made.WaitForOutput(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(s.StackName())}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range stack.Stacks[0].Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	return outputs
}

func send(t *testing.T, config aws.Config, queue string, messages int) {
	t.Helper()
	for range messages {
		if _, err := sqs.NewFromConfig(config).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
	}
}

// patience is for what answers, on a busy machine.
const patience = time.Minute

func over(config aws.Config, source gauges.Source, timeout time.Duration) *gauges.Gauges {
	return gauges.New(gauges.Config{
		Cells: cellaws.New(config), Source: source, Timeout: timeout, Log: slog.New(slog.DiscardHandler),
		Cell: func(context.Context, string) (tenant.Cell, error) {
			return tenant.Cell{Name: "local", Region: testenv.Region}, nil
		},
	})
}

// say writes a function's line, as at an instant.
func say(t *testing.T, config aws.Config, group string, at time.Time, counts *figures.Counts, function string) {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(config)
	if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		var exists *logtypes.ResourceAlreadyExistsException
		if !errors.As(err, &exists) {
			t.Fatal(err)
		}
	}
	stream := aws.String(at.Format("150405.000") + function)
	if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).LogAttrs(t.Context(), slog.LevelInfo, "done", counts.Attrs(at, "acme", function)...)
	if _, err := client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: stream, LogEvents: []logtypes.InputLogEvent{
		{Message: aws.String("START RequestId: 1"), Timestamp: aws.Int64(at.UnixMilli())},
		{Message: aws.String(strings.TrimSpace(line.String())), Timestamp: aws.Int64(at.UnixMilli())},
	}}); err != nil {
		t.Fatal(err)
	}
}

func counted(figure string, n int) *figures.Counts {
	c := &figures.Counts{}
	c.Add(figure, n)
	return c
}

func TestHealthOfATenant(t *testing.T) {
	t.Parallel()
	config, s, now := testenv.AWS(t), testenv.Slug(t), time.Now()
	outputs := deploy(t, config, s)
	send(t, config, outputs["QueueUrl"], 3)
	send(t, config, outputs["DeadLetterQueueUrl"], 2)
	indexer := counted(figures.Indexed, 70)
	indexer.Add(figures.Retried, 5)
	indexer.Reject("mapper_parsing_exception", 1)
	for i := range 20 {
		indexer.Delay(time.Duration(i+1) * time.Second)
	}
	stream := counted(figures.RecordsIn, 60)
	stream.Add(figures.SuspectSamples, 2)
	stream.Refuse("telemetry.origin_refused", 1)
	summaries := counted(figures.Summaries, 4)
	summaries.Add(figures.SummariesAgain, 1)
	summaries.Add(figures.SummariesWithoutReport, 2)
	summaries.Add(figures.SummariesDropped, 3)
	summaries.Delay(time.Hour) // is none of the indexer's
	for _, line := range []struct {
		function string
		ago      time.Duration
		counts   *figures.Counts
	}{
		{"indexer", time.Minute, indexer},
		{"indexer", 2 * time.Hour, counted(figures.Indexed, 1000)}, // before the window
		{"streamstats-pusher", 50 * time.Minute, stream},
		{"callreport-pusher", 10 * time.Minute, counted(figures.RecordsIn, 1)},
		{"callreport-pusher", 5 * time.Minute, counted(figures.RecordsIn, 1)},
		{"call-summary", time.Minute, summaries},
		{"other", time.Minute, counted(figures.Indexed, 1000)},
	} {
		say(t, config, s.LogGroupPrefix()+line.function, now.Add(-line.ago), line.counts, line.function)
	}

	got := over(config, gauges.Logs{}, patience).Health(t.Context(), tenant.Tenant{Slug: s})
	f := got.Figures
	if f == nil || f.Calls != 2 || f.RecordsIn != 62 || f.Indexed != 70 || f.Retried != 5 || f.SuspectSamples != 2 || f.LagP95Millis == nil ||
		*f.LagP95Millis != 19_000 || !maps.Equal(f.Rejected, map[string]int64{"mapper_parsing_exception": 1}) ||
		!maps.Equal(f.Refused, map[string]int64{"telemetry.origin_refused": 1}) {
		t.Errorf("figures %+v", f)
	}
	if s := f.Summaries; s.Written != 4 || s.Again != 1 || s.WithoutReport != 2 || s.Dropped != 3 || s.LagP95Millis == nil || *s.LagP95Millis != 3_600_000 {
		t.Errorf("summaries %+v", s)
	}
	if got.Queue == nil || got.Queue.Waiting != 3 || got.Queue.OldestSeconds != nil || got.DeadLetters == nil || *got.DeadLetters != 2 {
		t.Errorf("queue %+v, dead letters %v", got.Queue, got.DeadLetters)
	}
	// The emulator keeps no age, and that is said instead of a number.
	if len(got.Unreadable) != 1 || got.Unreadable[0].Part != "oldest_message" {
		t.Errorf("unreadable %+v", got.Unreadable)
	}
}

// The day's calls are those since midnight UTC, and a word says how the tenant does.
func TestSnapshotOfATenant(t *testing.T) {
	t.Parallel()
	config, s, now := testenv.AWS(t), testenv.Slug(t), time.Now().UTC()
	outputs := deploy(t, config, s)
	group := s.LogGroupPrefix() + "callreport-pusher"
	say(t, config, group, now.Add(-time.Millisecond), counted(figures.RecordsIn, 3), "callreport-pusher")
	say(t, config, group, now.Truncate(24*time.Hour).Add(-time.Second), counted(figures.RecordsIn, 100), "callreport-pusher")
	say(t, config, s.LogGroupPrefix()+"streamstats-pusher", now.Add(-time.Millisecond), counted(figures.RecordsIn, 60), "streamstats-pusher")
	got := over(config, gauges.Logs{}, patience).Snapshot(t.Context(), tenant.Tenant{Slug: s, State: tenant.Active})
	if got.Condition != tenant.Good || got.CallsToday == nil || *got.CallsToday != 3 || got.At.Before(now.Add(-time.Second)) {
		t.Errorf("%+v", got)
	}
	send(t, config, outputs["DeadLetterQueueUrl"], 2)
	got = over(config, gauges.Logs{}, patience).Snapshot(t.Context(), tenant.Tenant{Slug: s, State: tenant.Active})
	if got.Condition != tenant.Warning || got.Reason != "Dead letters: 2." {
		t.Errorf("%+v", got)
	}
	got = over(config, gauges.Logs{}, patience).Snapshot(t.Context(), tenant.Tenant{Slug: "nostackhere", State: tenant.Active})
	if got.Condition != tenant.Unknown || got.CallsToday != nil || got.At.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestAnIdleTenantIsHealthy(t *testing.T) {
	t.Parallel()
	config, s := testenv.AWS(t), testenv.Slug(t)
	deploy(t, config, s)
	got := over(config, gauges.Logs{}, patience).Health(t.Context(), tenant.Tenant{Slug: s})
	if got.Figures == nil || got.Figures.LagP95Millis != nil || got.Queue == nil || *got.Queue.OldestSeconds != 0 || *got.DeadLetters != 0 || len(got.Unreadable) > 0 {
		t.Errorf("%+v", got)
	}
}

// broken is a source that answers nothing.
type broken struct{ gauges.Logs }

func (broken) Figures(ctx context.Context, _ aws.Config, _ slug.Slug, _, _ time.Time) (tenant.Figures, error) {
	<-ctx.Done()
	return tenant.Figures{}, ctx.Err()
}

func TestWhatIsAwayIsNamedAndTheRestIsThere(t *testing.T) {
	t.Parallel()
	config, s := testenv.AWS(t), testenv.Slug(t)
	parts := func(h tenant.Health) (list []string) {
		for _, u := range h.Unreadable {
			list = append(list, u.Part+": "+u.Reason)
		}
		slices.Sort(list)
		return list
	}
	all := func(reason string) []string {
		return []string{"dead_letters: " + reason, "directory: " + reason, "figures: " + reason, "queue: " + reason}
	}
	none := over(config, gauges.Logs{}, patience).Health(t.Context(), tenant.Tenant{Slug: s})
	if got := parts(none); !slices.Equal(got, all("The tenant has no stack.")) || none.Figures != nil || none.Queue != nil {
		t.Errorf("a tenant without a stack: %q", got)
	}

	deploy(t, config, s)
	slow := over(config, broken{}, 100*time.Millisecond).Health(t.Context(), tenant.Tenant{Slug: s})
	if got := parts(slow); slow.Figures != nil || slow.Queue == nil || slow.DeadLetters == nil || !slices.Equal(got, []string{"figures: There was no answer in time."}) {
		t.Errorf("figures that never come: %q, %+v", got, slow)
	}

	stranger := testenv.AWSAs(t, "AKIASTRANGER", "wrong")
	refused := over(stranger, gauges.Logs{}, patience).Health(t.Context(), tenant.Tenant{Slug: s})
	if got := parts(refused); len(got) != 4 || !strings.Contains(got[0], "AWS answered ") || strings.Contains(strings.Join(got, ""), s.String()) {
		t.Errorf("without rights: %q", got)
	}

	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	config.BaseEndpoint = aws.String("http://" + silent.Addr().String())
	if got := parts(over(config, gauges.Logs{}, 50*time.Millisecond).Health(t.Context(), tenant.Tenant{Slug: s})); !slices.Equal(got, all("There was no answer in time.")) {
		t.Errorf("AWS that never answers: %q", got)
	}
}

func TestLastRunsOfDirectories(t *testing.T) {
	t.Parallel()
	config, s := testenv.AWS(t), testenv.Slug(t)
	bucket := deploy(t, config, s)["DataBucket"]
	ended := time.Date(2026, 11, 25, 11, 40, 9, 0, time.UTC)
	runs := agentstore.NewWriter(config, bucket)
	for _, status := range []agents.Status{
		{Alias: "good", EndedAt: ended, Agents: 1200},
		{Alias: "bad", EndedAt: ended, Code: agents.ErrRoleRefused.Code, Detail: agents.ErrRoleRefused.Detail},
		{Alias: "off", EndedAt: ended, Agents: 7}, // of before the role was taken away
	} {
		if err := runs.PutStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
	}
	of := tenant.Tenant{Slug: s}
	for _, alias := range []string{"good", "bad", "off", "never"} {
		instance := tenant.ConnectInstance{Alias: alias, DirectoryRoleARN: "arn:aws:iam::111122223333:role/EarshotConnectRead"}
		if alias == "off" {
			instance.DirectoryRoleARN = ""
		}
		of.ConnectInstances = append(of.ConnectInstances, instance)
	}
	got := over(config, gauges.Logs{}, patience).Health(t.Context(), of)
	want := []tenant.DirectoryRun{
		{ConnectInstance: "good", State: tenant.DirectoryGood, EndedAt: ended, Agents: new(int64(1200))},
		{ConnectInstance: "bad", State: tenant.DirectoryFailed, EndedAt: ended, Agents: new(int64(0)), Code: "directory.role_refused", Detail: agents.ErrRoleRefused.Detail},
		{ConnectInstance: "off", State: tenant.DirectoryOff}, {ConnectInstance: "never", State: tenant.DirectoryNever},
	}
	if !reflect.DeepEqual(got.Directory, want) || len(got.Unreadable) > 0 {
		t.Errorf("got %+v, %+v", got.Directory, got.Unreadable)
	}
}
