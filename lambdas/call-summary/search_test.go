package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/opensearch-project/opensearch-go/v2"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/records"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/settle"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/internal/verdict"
)

// world is a tenant with its access to the real search, and its real queues. What the indexer does it does by itself.
type world struct {
	slug       slug.Slug
	root       *opensearch.Client
	sqs        *sqs.Client
	queueURL   string
	requestURL string
	sink       *sink.Sink
	requests   *queue.Requests
	admin      *searchtenant.Admin
	book       agents.Book // who the agents are; nil: nobody knows
	handler    *Handler
	now        time.Time
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{slug: testenv.Slug(t), sqs: sqs.NewFromConfig(testenv.AWS(t)), now: time.Now()}
	w.root = as(t, "", "")
	w.admin = searchtenant.New(w.root, searchtenant.Options{
		HasUsers: true, Patience: 5 * time.Minute, Lease: 30 * time.Second, Pause: 20 * time.Millisecond,
	})
	err := w.admin.Apply(t.Context(), searchtenant.Grant{
		Slug: w.slug, StackID: "s",
		Writer: searchtenant.Identity{Username: w.slug.WriterRole(), Password: "writer"},
		Reader: searchtenant.Identity{Username: w.slug.ReaderRole(), Password: "reader"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.queueURL, w.requestURL = w.makeQueue(t, "q"), w.makeQueue(t, "summaries")
	w.sink, w.requests = sink.New(as(t, w.slug.WriterRole(), "writer")), queue.NewRequests(w.sqs, w.requestURL)
	w.handler = &Handler{
		Tenant: w.slug, Thresholds: tenant.DefaultThresholds(), Delays: settle.Delays{Quick: time.Minute, Slow: 15 * time.Minute},
		Records: records.New(as(t, w.slug.ReaderRole(), "reader"), w.slug),
		Queue:   queue.New(w.sqs, w.queueURL), Requests: queue.New(w.sqs, w.requestURL), Now: func() time.Time { return w.now },
	}
	return w
}

func as(t *testing.T, username, password string) *opensearch.Client {
	t.Helper()
	return testenv.OpenSearch(t).As(t, username, password)
}

func (w *world) makeQueue(t *testing.T, name string) string {
	t.Helper()
	answer, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String(name + "-" + w.slug.String()), Attributes: map[string]string{"VisibilityTimeout": "30"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = w.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: answer.QueueUrl}) })
	return *answer.QueueUrl
}

var kinds = map[string]string{
	"softphonemetrics": telemetry.KindStreamStats, "callreport": telemetry.KindCallReport, "apimetrics": telemetry.KindAPIMetric,
}

// write brings the posts of a call to search as pusher and indexer do, and asks for its summary, without a delay.
func (w *world) write(t *testing.T, posts []samplecall.Post) {
	t.Helper()
	var requests []settle.Request
	for _, post := range posts {
		batch, err := telemetry.Decode(kinds[post.Route], post.Body, telemetry.Arrival{
			Tenant: w.slug, Pusher: "test", ReceivedAt: w.now, SourceIP: "192.0.2.7", Privacy: tenant.IPFull, Agents: w.book,
		})
		if err != nil || len(batch.Rejected) > 0 {
			t.Fatal(post.Route, batch.Rejected, err)
		}
		w.index(t, batch.Envelope)
		if request, asked := settle.RequestOf(batch.Envelope, settle.Delays{}); asked {
			requests = append(requests, request)
		}
	}
	if err := w.requests.Ask(t.Context(), settle.Merge(requests)); err != nil {
		t.Fatal(err)
	}
	w.refresh(t)
}

func (w *world) index(t *testing.T, e telemetry.Envelope) {
	t.Helper()
	documents, refused := telemetry.Documents(e, nil)
	if len(refused) > 0 {
		t.Fatalf("refused %+v", refused)
	}
	for i, outcome := range w.sink.Write(t.Context(), documents) {
		if outcome.Verdict != sink.Done {
			t.Fatalf("%s: %+v", documents[i].Source, outcome)
		}
	}
}

func (w *world) refresh(t *testing.T) {
	t.Helper()
	answer, err := w.root.Indices.Refresh(w.root.Indices.Refresh.WithIndex(w.slug.IndexPattern()), w.root.Indices.Refresh.WithContext(t.Context()))
	if err != nil || answer.IsError() {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}

// settle answers the requests after so long, and returns the summaries that were put into the queue, not yet written.
func (w *world) settle(t *testing.T, after time.Duration) (summaries []telemetry.Envelope) {
	t.Helper()
	w.now = w.now.Add(after)
	event := events.SQSEvent{}
	for _, m := range w.take(t, w.requestURL) {
		event.Records = append(event.Records, events.SQSMessage{MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes})
	}
	if len(event.Records) == 0 {
		t.Fatal("nothing was asked for")
	}
	answer, err := w.handler.Handle(t.Context(), event)
	if err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("%+v %v", answer, err)
	}
	for _, m := range w.take(t, w.queueURL) {
		e, err := queue.Decode(*m.Body)
		if err != nil {
			t.Fatal(err)
		}
		summaries = append(summaries, e)
	}
	return summaries
}

// take empties a queue. A receive that finds nothing does not make it empty: the answer to an earlier one may have been lost on
// its way, and its messages come back.
func (w *world) take(t *testing.T, url string) (all []types.Message) {
	t.Helper()
	for w.holds(t, url) {
		answer, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range answer.Messages {
			if _, err := w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, answer.Messages...)
	}
	return all
}

// holds says whether a queue has messages that may be received, now or when their time is over.
func (w *world) holds(t *testing.T, url string) bool {
	t.Helper()
	figures, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range figures.Attributes {
		if count != "0" {
			return true
		}
	}
	return false
}

// found returns the summaries that the tenant's index has.
func (w *world) found(t *testing.T) (summaries []verdict.Summary) {
	t.Helper()
	w.refresh(t)
	answer, err := w.root.Search(w.root.Search.WithIndex(w.slug.KindPattern(telemetry.KindCallSummary)), w.root.Search.WithContext(t.Context()))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	var page struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Doc verdict.Summary `json:"doc"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err != nil || json.Unmarshal(text, &page) != nil {
		t.Fatalf("%s %v", text, err)
	}
	for _, h := range page.Hits.Hits {
		summaries = append(summaries, h.Source.Doc)
	}
	return summaries
}

func (w *world) only(t *testing.T) verdict.Summary {
	t.Helper()
	found := w.found(t)
	if len(found) != 1 {
		t.Fatalf("%d summaries: %+v", len(found), found)
	}
	return found[0]
}

func call(w *world, agent string, scenario samplecall.Scenario, schema int) samplecall.Call {
	return samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Orders EMEA", RoutingProfile: "Retail Voice", Instance: "northwind", Schema: schema, Scenario: scenario,
		Start: w.now.Add(-10 * time.Minute).Truncate(time.Millisecond), Duration: 2 * time.Minute,
	})
}

func without(route string, posts []samplecall.Post) []samplecall.Post {
	return slices.DeleteFunc(slices.Clone(posts), func(p samplecall.Post) bool { return p.Route == route })
}

// Whole calls through the real queue and search, as a manager finds them.
func TestCallsAreSummarised(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                         string
		scenario                     samplecall.Scenario
		schema                       int
		noReport                     bool
		verdict, cause, ended, finds string
	}{
		{"a good call", samplecall.Good, 2, false, verdict.Good, "", verdict.EndedReport, ""},
		{"a good call of an older sender", samplecall.Good, 1, false, verdict.Good, "", verdict.EndedReport, ""},
		{"a lossy uplink", samplecall.LossyUplink, 2, false, verdict.Degraded, verdict.CauseUplink, verdict.EndedReport, verdict.FindingLoss},
		{"jitter", samplecall.Jittery, 2, false, verdict.Degraded, verdict.CauseFarSide, verdict.EndedReport, verdict.FindingJitter},
		{"a silent microphone", samplecall.Silent, 2, false, verdict.Bad, verdict.CauseDevice, verdict.EndedReport, verdict.FindingSilentMicrophone},
		{"silent or muted", samplecall.Silent, 1, false, verdict.Degraded, verdict.CauseDevice, verdict.EndedReport, verdict.FindingSilentMicrophone},
		{"no report", samplecall.Good, 2, true, verdict.Bad, "", verdict.EndedLost, verdict.FindingConnectionLost},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := call(w, "mira.holm", test.scenario, test.schema)
			posts := c.Posts()
			if test.noReport {
				posts = without("callreport", posts)
			}
			w.write(t, posts)
			for _, e := range w.settle(t, 20*time.Minute) {
				w.index(t, e)
			}
			s := w.only(t)
			finds := ""
			if len(s.Findings) > 0 {
				finds = s.Findings[0].ID
			}
			if s.Verdict != test.verdict || test.cause != "" && s.LikelyCause != test.cause || s.Ended != test.ended || !strings.Contains(finds, test.finds) {
				t.Errorf("%s, %s, ended %s: %s %+v", s.Verdict, s.LikelyCause, s.Ended, s.Explanation, s.Findings)
			}
			if s.RecordsSeen != 240 || s.RecordsExpected != 240 || s.Agent != "mira.holm" || s.ContactID != c.ContactID() ||
				s.ContactQueue != "Orders EMEA" || s.RoutingProfile != "Retail Voice" || s.MediaRegion != "eu-west-2" {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

// Many requests for one call, and more of them later, make one summary; an older computation never replaces a newer one.
func TestSummariesAreOneOfEachCall(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := call(w, "mira.holm", samplecall.LossyUplink, 2)
	posts := c.Posts()
	last := len(posts) - 1
	for posts[last].Route != "softphonemetrics" {
		last--
	}
	lateBatch := posts[last]
	w.write(t, slices.Delete(slices.Clone(posts), last, last+1))
	first := w.settle(t, 20*time.Minute)
	if len(first) != 1 {
		t.Fatalf("%d computations", len(first))
	}
	w.index(t, first[0])
	if s := w.only(t); s.RecordsSeen != 180 || s.RecordsExpected != 240 {
		t.Errorf("before: %d of %d", s.RecordsSeen, s.RecordsExpected)
	}
	w.write(t, posts[:2]) // a resend, which adds nothing
	if again := w.settle(t, 20*time.Minute); len(again) != 0 {
		t.Errorf("a resend made %d computations", len(again))
	}
	w.write(t, []samplecall.Post{lateBatch})
	second := w.settle(t, 20*time.Minute)
	if len(second) != 1 {
		t.Fatalf("the late batch made %d computations", len(second))
	}
	w.index(t, second[0])
	w.index(t, first[0]) // delivered once more, after the newer one
	if s := w.only(t); s.RecordsSeen != 240 || s.RecordsExpected != 240 || s.Verdict != verdict.Degraded {
		t.Errorf("after: %d of %d, %s", s.RecordsSeen, s.RecordsExpected, s.Verdict)
	}
}

// A call is read in pages, and nobody else's records are in it.
func TestALongCallIsReadWhole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	long := samplecall.New(samplecall.Options{
		Agent: "mira.holm", ContactID: "long", Schema: 2, Start: w.now.Add(-3 * time.Hour), Duration: 50 * time.Minute,
	})
	w.write(t, long.Posts())
	other := samplecall.New(samplecall.Options{Agent: "kim.example", ContactID: "long", Schema: 2, Start: w.now.Add(-3 * time.Hour), Scenario: samplecall.Silent})
	w.write(t, other.Posts())
	for _, e := range w.settle(t, time.Hour) {
		w.index(t, e)
	}
	found := w.found(t)
	slices.SortFunc(found, func(a, b verdict.Summary) int { return int(a.RecordsSeen - b.RecordsSeen) })
	if len(found) != 2 || found[1].RecordsSeen != 6000 || found[1].RecordsExpected != 6000 || found[1].Verdict != verdict.Good || found[0].Verdict != verdict.Bad {
		t.Errorf("found %+v", found)
	}
}

// The synthetic call asks for nothing.
func TestTheProbeIsNotSummarised(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.write(t, call(w, telemetry.ProbeAgent, samplecall.Good, 2).Posts())
	if asked := w.take(t, w.requestURL); len(asked) > 0 {
		t.Errorf("asked %s", *asked[0].Body)
	}
}
