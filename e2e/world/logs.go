package world

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// Logs returns all that the processes and the functions have said, by file and by log group.
func (w *World) Logs(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	files, err := filepath.Glob(filepath.Join(w.State, "log", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no logs in %s (%v)", w.State, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(name)] = string(raw)
	}
	logs := cloudwatchlogs.NewFromConfig(w.AWS())
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(logs, &cloudwatchlogs.DescribeLogGroupsInput{})
	for groups.HasMorePages() {
		page, err := groups.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range page.LogGroups {
			texts[*group.LogGroupName] = messages(t, logs, *group.LogGroupName)
		}
	}
	return texts
}

// messages joins every line of a log group.
func messages(t *testing.T, logs *cloudwatchlogs.Client, group string) string {
	t.Helper()
	var text strings.Builder
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range page.Events {
			text.WriteString(aws.ToString(event.Message) + "\n")
		}
	}
	return text.String()
}
