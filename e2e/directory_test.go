package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

// TestDocumentsSayWhoseTheyAre posts a call of somebody whom acme's agent directory knows, and one of a stranger: every document
// of the first has the name and the five levels of the organisation, those of the second say that nobody knows them.
func TestDocumentsSayWhoseTheyAre(t *testing.T) {
	w := setup(t)
	tenant := w.Tenant(t, string(acme))
	known := map[string]any{"bool": map[string]any{"filter": []any{
		world.AgentIs("jonas.weber"),
		map[string]any{"term": map[string]any{"doc.agentName.keyword": "Jonas Weber"}},
		map[string]any{"term": map[string]any{"doc.agentKnown": true}},
		map[string]any{"exists": map[string]any{"field": "doc.hierarchyL1.keyword"}},
		map[string]any{"exists": map[string]any{"field": "doc.hierarchyL5.keyword"}},
	}}}
	stranger := map[string]any{"bool": map[string]any{
		"filter":   []any{world.AgentIs("nobody.knows"), map[string]any{"term": map[string]any{"doc.agentKnown": false}}},
		"must_not": []any{map[string]any{"exists": map[string]any{"field": "doc.hierarchyL1.keyword"}}},
	}}
	post := func(agent string) samplecall.Call {
		call := samplecall.New(samplecall.Options{
			Agent: agent, Queue: "Orders", RoutingProfile: "Retail", Schema: 2, Instance: string(acme),
			Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second,
		})
		w.Post(t, tenant, call)
		return call
	}
	world.Eventually(t, world.ArriveTime, "the pushers know the directory", func(ctx context.Context) (bool, string) {
		post("ines.costa") // they look for a newer one every twenty seconds, when something comes
		n := w.Count(ctx, t, string(acme)+"-*", map[string]any{"bool": map[string]any{"filter": []any{
			world.AgentIs("ines.costa"), map[string]any{"term": map[string]any{"doc.agentKnown": true}},
		}}})
		return n > 0, fmt.Sprint(n)
	})
	for agent, documents := range map[string]map[string]any{"jonas.weber": known, "nobody.knows": stranger} {
		call := post(agent)
		w.FindExactly(t, string(acme), agent, call)
		for kind, want := range call.Documents() {
			if n := w.Count(t.Context(), t, string(acme)+"-"+kind+"-*", documents); n != want {
				t.Errorf("%d of %d documents of %s say whose they are: %s", n, want, kind, agent)
			}
		}
	}
}

// turnTime is how long a schedule of a minute may take, and the reading.
const turnTime = 4 * time.Minute

// TestASchedulesTurnReadsTheDirectory shortens the schedule of acme's directory to a minute, and sees it read again. When in its
// window a turn comes is the emulator's choice: at once.
func TestASchedulesTurnReadsTheDirectory(t *testing.T) {
	w := setup(t)
	atOnce(t)
	path := "/schedules/" + acme.FunctionName("agent-directory")
	schedule := world.Decode(t, w.Signed(t, "scheduler", http.MethodGet, path, nil))
	setEvery := func(rate any) {
		asked, err := json.Marshal(map[string]any{
			"ScheduleExpression": rate, "FlexibleTimeWindow": schedule["FlexibleTimeWindow"], "State": schedule["State"], "Target": schedule["Target"],
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Signed(t, "scheduler", http.MethodPut, path, asked)
	}
	if schedule["State"] != "ENABLED" {
		t.Fatalf("the schedule is %v", schedule)
	}
	before := directoryRun(t, w)
	setEvery("rate(1 minutes)")
	defer setEvery(schedule["ScheduleExpression"])
	world.Eventually(t, turnTime, "another run", func(context.Context) (bool, string) {
		now := directoryRun(t, w)
		return now.StartedAt.After(before.StartedAt) && now.Code == "", fmt.Sprintf("%+v", now)
	})
}

// directoryRun is what the last reading of acme's directory came to.
func directoryRun(t *testing.T, w *world.World) (last agents.Status) {
	t.Helper()
	got, err := world.S3(w.AWS()).GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(w.Outputs(t, acme.StackName())["DataBucket"]), Key: aws.String(agents.StatusKey(acme.String())),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }() // read only
	text, err := io.ReadAll(got.Body)
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	if err != nil {
		t.Fatal(err)
	}
	return last
}
