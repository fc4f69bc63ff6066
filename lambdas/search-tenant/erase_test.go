package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/agentstore"
	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/erasures"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const (
	gone, stays = "mira.holm", "jo.lund"
	erasureKey  = "the tenant's key"
)

// A house is a tenant's stack, as far as an erasure goes through it.
type house struct {
	*world
	outputs map[string]string
	archive *archive.Archive
	letters *queue.DeadLetters
	before  time.Time
}

const rooms = `{"Resources": {"DataBucket": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
	"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MaximumMessageSize": 1048576}},
	"SummaryQueue": {"Type": "AWS::SQS::Queue"}, "DeadLetterQueue": {"Type": "AWS::SQS::Queue", "Properties": {"MaximumMessageSize": 1048576}}},
	"Outputs": {"DataBucket": {"Value": {"Ref": "DataBucket"}}, "QueueUrl": {"Value": {"Ref": "Queue"}},
	"SummaryQueueUrl": {"Value": {"Ref": "SummaryQueue"}}, "DeadLetterQueueUrl": {"Value": {"Ref": "DeadLetterQueue"}}}}`

func build(t *testing.T) *house {
	t.Helper()
	// The archive keeps what is of one hour together: which envelopes are does not hang on when a test runs.
	h := &house{world: setup(t), before: time.Now().UTC().Truncate(time.Hour)}
	stacks, name := cloudformation.NewFromConfig(testenv.AWS(t)), aws.String(h.slug.StackName())
	if _, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: name, TemplateBody: aws.String(rooms)}); err != nil {
		t.Fatal(err)
	}
	made := cloudformation.NewStackCreateCompleteWaiter(stacks, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	if err := made.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.outputs, err = h.handler.Eraser.outputs(t.Context(), h.slug); err != nil {
		t.Fatal(err)
	}
	h.archive = archive.New(h.handler.Eraser.Buckets, h.outputs["DataBucket"])
	h.letters = queue.NewDeadLetters(h.handler.Eraser.Queues, h.outputs["DeadLetterQueueUrl"])
	if answer := h.ask(t, cfn.RequestCreate, nil); answer.Status != cfn.StatusSuccess {
		t.Fatal(answer.Reason)
	}
	return h
}

// record is one of an agent, at an instant before the erasure, or after it.
func (h *house) record(agent, id string, at time.Duration) telemetry.Record {
	instant := telemetry.InstantOf(h.before.Add(at))
	doc, _ := json.Marshal(map[string]any{"agent": agent, "timestamp": instant, "name": "getAgentSnapshot", "agentName": "Name of " + agent})
	return telemetry.Record{ID: id, At: instant, Doc: doc}
}

func (h *house) envelope(receivedAt time.Duration, records ...telemetry.Record) telemetry.Envelope {
	return telemetry.Envelope{
		Kind: telemetry.KindAPIMetric, Tenant: h.slug, Records: records,
		Ingest: telemetry.Ingest{ReceivedAt: telemetry.InstantOf(h.before.Add(receivedAt)), Pusher: "apimetric-pusher"},
	}
}

// everything is what arrives of both agents: all kinds of before and after.
func (h *house) everything() []telemetry.Envelope {
	return []telemetry.Envelope{
		h.envelope(-time.Hour, h.record(gone, "gone-1", -2*time.Hour), h.record(gone, "gone-2", -time.Hour)),
		h.envelope(-time.Hour, h.record(gone, "gone-ahead", 2*time.Hour)),
		h.envelope(time.Minute, h.record(gone, "gone-late", -time.Minute), h.record(gone, "later-1", 0)),
		h.envelope(-time.Hour, h.record(stays, "stays-1", -2*time.Hour), h.record(stays, "stays-2", -time.Hour)),
		h.envelope(time.Hour, h.record(gone, "later-2", time.Hour)),
		h.envelope(-100*24*time.Hour, h.record(gone, "gone-old", -100*24*time.Hour), h.record(stays, "stays-old", -100*24*time.Hour)),
	}
}

// idsThatStay are those of the other agent, and of the later calls of this one.
var idsThatStay = []string{"later-1", "later-2", "stays-1", "stays-2", "stays-old"}

// search sends a request as search's administrator.
func (h *house) search(t *testing.T, method, path, body string) string {
	t.Helper()
	search := testenv.OpenSearch(t)
	request, err := http.NewRequestWithContext(t.Context(), method, search.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(search.Username, search.Password)
	request.Header.Set("Content-Type", "application/json")
	answer, err := search.Client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatal(method, path, answer.StatusCode, string(text), err)
	}
	return string(text)
}

// documents returns the sources in all of the tenant's indices, by id.
func (h *house) documents(t *testing.T) map[string]string {
	t.Helper()
	h.search(t, http.MethodPost, "/"+h.slug.IndexPattern()+"/_refresh", "")
	var found struct {
		Hits struct {
			Hits []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal([]byte(h.search(t, http.MethodPost, "/"+h.slug.IndexPattern()+"/_search", `{"size":5000}`)), &found); err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, hit := range found.Hits.Hits {
		sources[hit.ID] = string(hit.Source)
	}
	return sources
}

// fill puts everything everywhere.
func (h *house) fill(t *testing.T) {
	t.Helper()
	var bulk strings.Builder
	periods := telemetry.Periods{}
	for _, e := range h.everything() {
		documents, refused := telemetry.Documents(e, periods)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		for _, d := range documents {
			fmt.Fprintf(&bulk, "{\"create\":{\"_index\":%q,\"_id\":%q}}\n%s\n", d.Index, d.ID, d.Source)
		}
		for _, err := range h.archive.Keep(t.Context(), []telemetry.Envelope{e}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range e.Records {
			letter, err := queue.LetterOf(e, i, "mapper_parsing_exception", "about "+gone)
			if err == nil {
				err = h.letters.Put(t.Context(), []queue.Letter{letter})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	whole, err := queue.Encode(h.everything()[5]) // of both agents, as a crashing indexer leaves it
	if err == nil {
		err = h.letters.Put(t.Context(), []queue.Letter{{Body: whole, Code: "c", Reason: "r"}, {Body: "junk of " + gone, Code: "c"}, {Body: "junk", Code: "c"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if text := h.search(t, http.MethodPost, "/_bulk", bulk.String()); !strings.Contains(text, `"errors":false`) {
		t.Fatal(text)
	}
	directory := &agents.Directory{InstanceARN: "arn", TakenAt: h.before, Agents: []agents.Agent{
		{Username: gone, ID: "1", Group: -1, RoutingProfile: -1}, {Username: stays, ID: "2", Group: -1, RoutingProfile: -1},
	}}
	if err := agentstore.NewWriter(h.handler.Eraser.Account, h.outputs["DataBucket"]).Put(t.Context(), "main", directory); err != nil {
		t.Fatal(err)
	}
	for _, err := range h.archive.Keep(t.Context(), h.everything()) { // in company, too
		if err != nil {
			t.Fatal(err)
		}
	}
}

// lines returns every version of every object of the archive, unpacked.
func (h *house) lines(t *testing.T) (all []telemetry.Envelope) {
	t.Helper()
	client, bucket := h.handler.Eraser.Buckets, h.outputs["DataBucket"]
	page, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: aws.String("archive/")})
	if err != nil || len(page.DeleteMarkers) > 0 {
		t.Fatalf("%d delete markers, %v", len(page.DeleteMarkers), err)
	}
	for _, version := range page.Versions {
		object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: version.Key, VersionId: version.VersionId})
		if err != nil {
			t.Fatal(err)
		}
		zip, err := gzip.NewReader(object.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(zip)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			e, err := telemetry.ParseEnvelope([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
	}
	return all
}

// dead takes every letter and returns the ids in them, or the body of one that is no envelope.
func (h *house) dead(t *testing.T) (ids []string) {
	t.Helper()
	client, url := h.handler.Eraser.Queues, h.outputs["DeadLetterQueueUrl"]
	for h.left(t) > 0 {
		answer, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range answer.Messages {
			if m.MessageAttributes[queue.AttributeCode].StringValue == nil {
				t.Errorf("a letter has lost its code: %s", *m.Body)
			}
			e, err := queue.Decode(*m.Body)
			if err != nil {
				ids = append(ids, *m.Body)
			}
			for _, r := range e.Records {
				ids = append(ids, r.ID)
			}
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// left counts the letters, those too that somebody has looked at and that are hidden for a while.
func (h *house) left(t *testing.T) (n int) {
	t.Helper()
	counted := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}
	found, err := h.handler.Eraser.Queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(h.outputs["DeadLetterQueueUrl"]), AttributeNames: counted,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range counted {
		one, err := strconv.Atoi(found.Attributes[string(name)])
		if err != nil {
			t.Fatal(err)
		}
		n += one
	}
	return n
}

func (h *house) request(part, cursor string) map[string]any {
	return map[string]any{
		"action": "erase", "slug": h.slug, "part": part, "agent": gone, "subject": telemetry.SubjectOf(erasureKey, gone), "before": h.before, "cursor": cursor,
	}
}

// erase does a part to its end, as the worker does, and returns what was removed.
func (h *house) erase(t *testing.T, part string) (removed, calls int) {
	t.Helper()
	cursor := ""
	for { // until the test's time is up
		text, err := json.Marshal(h.request(part, cursor))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := h.handler.Handle(t.Context(), text)
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		did := answer.(Erased)
		calls, removed, cursor = calls+1, removed+did.Removed, did.Cursor
		if did.Done {
			return removed, calls
		}
	}
}

// After an erasure no store has anything of the agent from before it: no index, no version of an object of the archive, no
// dead letter. What others have, and later calls of the same name, is as it was, to the byte.
func TestAnErasureLeavesNothingOfOneAgentAndAllOfTheOthers(t *testing.T) { // not parallel: it takes the process's log
	h := build(t)
	h.fill(t)
	before := h.documents(t)
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })

	removed := map[string]int{}
	for _, part := range []string{"note", "queue", "documents", "archive", "directory", "letters"} {
		removed[part], _ = h.erase(t, part)
	}
	// In the archive each record is kept alone, and what came in one hour once more in company; of dead letters there are two besides.
	if want := map[string]int{"note": 0, "queue": 0, "documents": 5, "archive": 8, "directory": 1, "letters": 7}; !equalCounts(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
	after := h.documents(t)
	if ids := keys(after); !slices.Equal(ids, idsThatStay) {
		t.Errorf("in search are %v, want %v", ids, idsThatStay)
	}
	for id, source := range after {
		if source != before[id] {
			t.Errorf("%s was %s, is %s", id, before[id], source)
		}
	}
	envelopes := h.lines(t)
	var archived []string
	for _, e := range envelopes {
		for _, r := range e.Records {
			archived = append(archived, r.ID)
		}
	}
	slices.Sort(archived)
	if ids := slices.Compact(archived); !slices.Equal(ids, idsThatStay) {
		t.Errorf("in the archive are %v, want %v", ids, idsThatStay)
	}
	// What is on its way ends at the indexer.
	current, err := erasures.New(h.handler.Eraser.Buckets, h.outputs["DataBucket"], erasureKey, 0).Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, n := current.Apply(h.everything()[0]); n != 2 {
		t.Errorf("%d records of a message would end, want 2", n)
	}
	for part, want := range map[string]int{"note": 0, "documents": 0, "archive": 0, "directory": 0, "letters": 0} {
		if again, _ := h.erase(t, part); again != want {
			t.Errorf("%s again removed %d", part, again)
		}
	}
	if ids := h.dead(t); !slices.Equal(ids, append([]string{"junk"}, idsThatStay...)) {
		t.Errorf("dead letters are %v", ids)
	}
	if strings.Contains(log.String(), gone) || !strings.Contains(log.String(), string(telemetry.SubjectOf(erasureKey, gone))) {
		t.Errorf("the log: %s", log.String())
	}
}

// deaf loses the first answer to a receive, of which nobody knows then whose letters it hides.
type deaf struct {
	aws.HTTPClient
	lost int
}

func (d *deaf) Do(request *http.Request) (*http.Response, error) {
	answer, err := d.HTTPClient.Do(request)
	if err != nil || d.lost > 0 || request.Header.Get("X-Amz-Target") != "AmazonSQS.ReceiveMessage" {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	d.lost += bytes.Count(text, []byte("ReceiptHandle"))
	return nil, errors.Join(io.ErrUnexpectedEOF, answer.Body.Close())
}

// Letters that SQS hides, because an answer with them was lost on its way, are waited for.
func TestAnErasureSeesLettersWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.fill(t)
	client := &deaf{HTTPClient: awshttp.NewBuildableClient()}
	h.handler.Eraser.Queues = sqs.New(h.handler.Eraser.Queues.Options(), func(o *sqs.Options) { o.HTTPClient = client })
	if removed, _ := h.erase(t, "letters"); removed != 7 || client.lost == 0 {
		t.Errorf("removed %d, of 7, when an answer with %d letters was lost", removed, client.lost)
	}
	if ids := h.dead(t); !slices.Equal(ids, append([]string{"junk"}, idsThatStay...)) {
		t.Errorf("dead letters are %v", ids)
	}
}

// A request for the summary of a call names the agent, and waits for a quarter of an hour: an erasure waits for it.
func TestAnErasureWaitsForRequestsOfSummaries(t *testing.T) {
	t.Parallel()
	h := build(t)
	waiting := func() int {
		t.Helper()
		text, err := json.Marshal(h.request("queue", ""))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := h.handler.Handle(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return answer.(Erased).Waiting
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d messages in empty queues", n)
	}
	request, _ := settle.RequestOf(telemetry.Envelope{
		Kind: telemetry.KindStreamStats, Tenant: h.slug,
		Records: []telemetry.Record{{ID: "1", Doc: json.RawMessage(`{"agent": "` + gone + `", "contactId": "c"}`)}},
	}, settle.Delays{Slow: 15 * time.Minute})
	if err := queue.NewRequests(h.handler.Eraser.Queues, h.outputs["SummaryQueueUrl"]).Ask(t.Context(), []settle.Request{request}); err != nil {
		t.Fatal(err)
	}
	if n := waiting(); n != 1 {
		t.Errorf("%d messages, want the request", n)
	}
}

func equalCounts(a, b map[string]int) bool {
	for name := range b {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

func keys(m map[string]string) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Every part goes on where the last call ended, however short a call is.
func TestAnErasureIsCompleteWhereverItIsCut(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.fill(t)
	h.handler.Eraser.ChunkTime = time.Nanosecond
	text, err := json.Marshal(h.request("documents", ""))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := h.handler.Handle(t.Context(), text); err != nil || answer.(Erased).Done {
		t.Errorf("no time was enough: %+v, %v", answer, err)
	}
	const objects = 7
	if removed, calls := h.erase(t, "archive"); removed != 8 || calls < objects {
		t.Errorf("%d records in %d calls, want 8 in one call for each object at least", removed, calls)
	}
}

func TestEraseRefuses(t *testing.T) {
	t.Parallel()
	h := &house{world: &world{slug: "acme"}, before: time.Now()}
	handler := &Handler{Eraser: &Eraser{}}
	for name, change := range map[string]func(map[string]any){
		"no slug": func(r map[string]any) { delete(r, "slug") }, "a pattern": func(r map[string]any) { r["slug"] = "*" },
		"two tenants": func(r map[string]any) { r["slug"] = "acme,beta" }, "no agent": func(r map[string]any) { r["agent"] = "" },
		"a control character": func(r map[string]any) { r["agent"] = "a\nb" }, "a long name": func(r map[string]any) { r["agent"] = strings.Repeat("x", 257) },
		"a list": func(r map[string]any) { r["agent"] = []string{"a"} }, "no subject": func(r map[string]any) { r["subject"] = "" },
		"a way out of the folder": func(r map[string]any) { r["subject"] = "../archive" }, "no part": func(r map[string]any) { r["part"] = "" },
		"an unknown part": func(r map[string]any) { r["part"] = "all" }, "no instant": func(r map[string]any) { delete(r, "before") },
		"the future": func(r map[string]any) { r["before"] = time.Now().Add(time.Hour) }, "another member": func(r map[string]any) { r["bucket"] = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := h.request("documents", "")
			change(request)
			text, err := json.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := handler.Handle(t.Context(), text); err == nil || errors.Is(err, errStack) {
				t.Errorf("answered %v, %v", answer, err)
			}
		})
	}
}
