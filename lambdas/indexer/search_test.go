package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/opensearch-project/opensearch-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/erasures"
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
)

// world is a tenant with its access to the real search, and its real queues.
type world struct {
	slug     slug.Slug
	root     *opensearch.Client
	reader   *records.Reader
	sqs      *sqs.Client
	queueURL string
	deadURL  string
	s3       *s3.Client
	archive  *archive.Archive
	handler  *Handler
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{slug: testenv.Slug(t), sqs: sqs.NewFromConfig(testenv.AWS(t))}
	w.root = as(t, "", "")
	admin := searchtenant.New(w.root, searchtenant.Options{
		HasUsers: true, Patience: 5 * time.Minute, Lease: 30 * time.Second, Pause: 20 * time.Millisecond,
	})
	err := admin.Apply(t.Context(), searchtenant.Grant{
		Slug: w.slug, StackID: "s",
		Writer: searchtenant.Identity{Username: w.slug.WriterRole(), Password: "writer"},
		Reader: searchtenant.Identity{Username: w.slug.ReaderRole(), Password: "reader"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.reader = records.New(as(t, w.slug.ReaderRole(), "reader"), w.slug)
	w.queueURL, w.deadURL = w.makeQueue(t, "q"), w.makeQueue(t, "dlq")
	w.s3 = s3.NewFromConfig(testenv.AWS(t), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "data-" + w.slug.String()
	_, err = w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.archive = archive.New(w.s3, bucket)
	w.handler = &Handler{
		Tenant: w.slug, Writer: sink.New(as(t, w.slug.WriterRole(), "writer")), Archive: w.archive,
		Erasures:    erasures.New(w.s3, bucket, "key of the tenant", 0),
		DeadLetters: queue.NewDeadLetters(w.sqs, w.deadURL), Queue: queue.New(w.sqs, w.queueURL),
		Summaries: queue.NewRequests(w.sqs, w.makeQueue(t, "summaries")), Delays: settle.Delays{Quick: time.Minute, Slow: 15 * time.Minute},
		BackOff: queue.BackOff{First: time.Second, Most: time.Second},
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
		QueueName:  aws.String(name + "-" + w.slug.String()),
		Attributes: map[string]string{"MaximumMessageSize": "1048576", "VisibilityTimeout": "30"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = w.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: answer.QueueUrl}) })
	return *answer.QueueUrl
}

// deliver hands what is in the queue to the handler as the event source does, until the queue is empty, and returns how many
// messages went back.
func (w *world) deliver(t *testing.T) (returned int) {
	t.Helper()
	for {
		answer, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.queueURL, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Messages) == 0 {
			return returned
		}
		event := events.SQSEvent{}
		receipts := map[string]*string{}
		for _, m := range answer.Messages {
			event.Records = append(event.Records, events.SQSMessage{
				MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			})
			receipts[*m.MessageId] = m.ReceiptHandle
		}
		said, err := w.handler.Handle(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		for _, failure := range said.BatchItemFailures {
			delete(receipts, failure.ItemIdentifier)
			returned++
		}
		for _, receipt := range receipts {
			if _, err := w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queueURL, ReceiptHandle: receipt}); err != nil {
				t.Fatal(err)
			}
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

// send puts a call into the queue as the pushers do.
func (w *world) send(t *testing.T, call samplecall.Call) {
	t.Helper()
	kinds := map[string]string{
		"softphonemetrics": telemetry.KindStreamStats, "callreport": telemetry.KindCallReport, "apimetrics": telemetry.KindAPIMetric,
	}
	for _, post := range call.Posts() {
		batch, err := telemetry.Decode(kinds[post.Route], post.Body, telemetry.Arrival{
			Tenant: w.slug, Pusher: "test", ReceivedAt: time.Now(), SourceIP: "192.0.2.7", Privacy: tenant.IPFull,
		})
		if err != nil || len(batch.Rejected) > 0 {
			t.Fatal(post.Route, batch.Rejected, err)
		}
		if err := w.handler.Queue.(*queue.Queue).Send(t.Context(), batch.Envelope); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACallIsFoundOnceHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for i, family := range []samplecall.Family{samplecall.Interarrival, samplecall.BufferDelay, samplecall.InterarrivalPlus} {
		callID := fmt.Sprintf("6c1b0f50-0000-4000-8000-00000000000%d", i)
		call := samplecall.New(samplecall.Options{
			Agent: telemetry.ProbeAgent, Start: time.Now().Add(-10 * time.Minute), Schema: 2, Family: family, BatchID: callID, Seed: uint64(i),
		})
		for range 2 {
			w.send(t, call)
			if returned := w.deliver(t); returned != 0 {
				t.Fatalf("%d messages went back", returned)
			}
		}
		w.refresh(t)
		found, err := w.reader.CountProbe(t.Context(), callID)
		if err != nil || fmt.Sprint(found) != fmt.Sprint(call.Documents()) {
			t.Errorf("family %d: found %v of %v, %v", family, found, call.Documents(), err)
		}
	}
	if n := w.waiting(t, w.deadURL); n != "0" {
		t.Errorf("%s dead letters", n)
	}
	if found, err := w.reader.CountProbe(t.Context(), "6c1b0f50-0000-4000-8000-000000000009"); err != nil || found[telemetry.KindCallReport] != 0 {
		t.Errorf("an unknown call: %v, %v", found, err)
	}
}

// The first documents of a tenant make its indices, whose shards take a moment to start: whoever looks then is told how many are found,
// not that search fails.
func TestACallIsLookedForWhileItsIndicesAreMade(t *testing.T) {
	t.Parallel()
	const callID = "6c1b0f50-0000-4000-8000-00000000000b"
	w := setup(t)
	call := samplecall.New(samplecall.Options{
		Agent: telemetry.ProbeAgent, Start: time.Now().Add(-10 * time.Minute), Schema: 2, BatchID: callID,
	})
	w.send(t, call)
	ctx, stop := context.WithCancel(t.Context())
	var lookers errgroup.Group
	for range 2 {
		lookers.Go(func() error {
			for ctx.Err() == nil {
				if found, err := w.reader.CountProbe(ctx, callID); err != nil && ctx.Err() == nil {
					return fmt.Errorf("found %v: %w", found, err)
				}
			}
			return nil
		})
	}
	returned := w.deliver(t)
	stop()
	if err := lookers.Wait(); err != nil || returned != 0 {
		t.Errorf("%d messages went back; %v", returned, err)
	}
}

func (w *world) waiting(t *testing.T, url string) string {
	t.Helper()
	answer, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Attributes["ApproximateNumberOfMessages"]
}

func TestAPoisonedRecordIsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	at := telemetry.InstantOf(time.Now())
	e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.slug, Ingest: telemetry.Ingest{ReceivedAt: at, Pusher: "test"}}
	for id, doc := range map[string]string{
		"good-1": `{"name":"a","time":1}`, "strict": `{"name":"b","nobodyKnows":1}`, "good-2": `{"name":"c"}`, "type": `{"name":"d","time":"soon"}`,
	} {
		e.Records = append(e.Records, telemetry.Record{ID: id, At: at, Doc: []byte(doc)})
	}
	if err := w.handler.Queue.(*queue.Queue).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if returned := w.deliver(t); returned != 0 {
		t.Errorf("%d messages went back", returned)
	}
	w.refresh(t)
	answer, err := w.root.Count(w.root.Count.WithIndex(w.slug.IndexPattern()), w.root.Count.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if text := answer.String(); !strings.Contains(text, `"count":2`) {
		t.Errorf("search holds %s", text)
	}
	got := map[string]string{}
	dead, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &w.deadURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range dead.Messages {
		letter, err := queue.Decode(*m.Body)
		if err != nil || len(letter.Records) != 1 {
			t.Fatal(letter, err)
		}
		got[letter.Records[0].ID] = *m.MessageAttributes[queue.AttributeCode].StringValue
	}
	if len(got) != 2 || got["strict"] != "strict_dynamic_mapping_exception" || got["type"] != "mapper_parsing_exception" {
		t.Errorf("dead letters: %v", got)
	}
}

// door is a search that can be closed.
type door struct {
	next     *opensearch.Client
	isClosed bool
}

func (d *door) Perform(r *http.Request) (*http.Response, error) {
	if d.isClosed {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: io.NopCloser(bytes.NewReader(nil))}, nil
	}
	return d.next.Perform(r)
}

func TestAnOutageIsADelay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	d := &door{next: as(t, w.slug.WriterRole(), "writer"), isClosed: true}
	w.handler.Writer = sink.New(d)
	call := samplecall.New(samplecall.Options{
		Agent: telemetry.ProbeAgent, Start: time.Now().Add(-10 * time.Minute), Schema: 2, BatchID: "6c1b0f50-0000-4000-8000-00000000000a",
	})
	w.send(t, call)
	if returned := w.deliver(t); returned == 0 {
		t.Fatal("a closed search took everything")
	}
	d.isClosed = false
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		w.deliver(t)
		w.refresh(t)
		found, err := w.reader.CountProbe(ctx, "6c1b0f50-0000-4000-8000-00000000000a")
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(found) == fmt.Sprint(call.Documents()) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("found %v of %v", found, call.Documents())
		case <-tick.C:
		}
	}
}
