package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// world is a tenant's archive, queue and dead-letter queue.
type world struct {
	*Handler
	s3       *s3.Client
	sqs      *sqs.Client
	bucket   string
	archive  *archive.Archive
	queueURL string
	deadURL  string
}

func setup(t *testing.T) *world {
	t.Helper()
	name := testenv.Slug(t)
	w := &world{
		s3:  s3.NewFromConfig(testenv.AWS(t), func(o *s3.Options) { o.UsePathStyle = true }),
		sqs: sqs.NewFromConfig(testenv.AWS(t)), bucket: "data-" + name.String(),
	}
	_, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &w.bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: testenv.Region},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.archive = archive.New(w.s3, w.bucket)
	w.queueURL, w.deadURL = w.made(t, "q-"+name.String()), w.made(t, "dlq-"+name.String())
	w.Handler = &Handler{
		Tenant: name, Archive: w.archive, Queue: queue.New(w.sqs, w.queueURL), DeadLetters: queue.NewDeadLetters(w.sqs, w.deadURL),
		MaxWaiting: 1000, ChunkTime: time.Minute,
	}
	return w
}

func (w *world) made(t *testing.T, name string) string {
	t.Helper()
	answer, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{"MaximumMessageSize": "1048576", "VisibilityTimeout": "30"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = w.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: answer.QueueUrl}) })
	return *answer.QueueUrl
}

// take empties a queue and returns the ids of the records in it, in order, and the envelopes. An id may have been sent twice:
// the client repeats what the emulator's answer to was lost.
func (w *world) take(t *testing.T, url string) (ids []string, envelopes []telemetry.Envelope) {
	t.Helper()
	for {
		answer, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Messages) == 0 {
			if left, err := queue.New(w.sqs, url).Waiting(t.Context()); err != nil || left > 0 {
				continue // in the hands of a request whose answer was lost
			}
			slices.Sort(ids)
			return slices.Compact(ids), envelopes
		}
		for _, m := range answer.Messages {
			e, err := queue.Decode(*m.Body)
			if err != nil {
				ids = append(ids, *m.Body)
			}
			for _, r := range e.Records {
				ids = append(ids, r.ID)
			}
			envelopes = append(envelopes, e)
			if _, err := w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (w *world) ask(t *testing.T, request any) Answer {
	t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// replay asks until it is done and returns the sum, as the worker does.
func (w *world) replay(t *testing.T, r Replay) (sum Answer, chunks int) {
	t.Helper()
	share := 0.0
	for !sum.Done {
		r.Cursor = sum.Cursor
		said := w.ask(t, Request{Replay: &r})
		if said.Share < share || said.Share > 1 {
			t.Errorf("the share goes from %v to %v", share, said.Share)
		}
		share = said.Share
		sum.Messages, sum.Records, sum.TooOld = sum.Messages+said.Messages, sum.Records+said.Records, sum.TooOld+said.TooOld
		sum.Damaged, sum.Cursor, sum.Done = append(sum.Damaged, said.Damaged...), said.Cursor, said.Done
		if chunks++; chunks > 500 {
			t.Fatal("the replay does not end")
		}
	}
	return sum, chunks
}

var nine = time.Now().UTC().Truncate(time.Hour).Add(-10 * time.Hour)

func (w *world) kept(t *testing.T, kind string, receivedAt time.Time, ids ...string) {
	t.Helper()
	e := telemetry.Envelope{Kind: kind, Tenant: w.Tenant, Ingest: telemetry.Ingest{ReceivedAt: telemetry.InstantOf(receivedAt)}}
	for i, id := range ids {
		at := telemetry.InstantOf(receivedAt.Add(-time.Duration(i) * time.Hour)) // each record is an hour older
		e.Records = append(e.Records, telemetry.Record{ID: id, At: at, Doc: json.RawMessage(`{"name":"x"}`)})
	}
	for _, err := range w.archive.Keep(t.Context(), []telemetry.Envelope{e}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReplayIsCompleteWhereverItIsCut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var want []string
	for hour := range 5 {
		for n := range 3 {
			for _, kind := range telemetry.Measured {
				id := fmt.Sprintf("%s-%d-%d", kind, hour, n)
				w.kept(t, kind, nine.Add(time.Duration(hour)*time.Hour+time.Duration(n)*time.Minute), id)
				want = append(want, id)
			}
		}
	}
	slices.Sort(want)
	asked := Replay{From: nine, To: nine.Add(5 * time.Hour), Kinds: telemetry.Measured}
	sum, chunks := w.replay(t, asked)
	if ids, sent := w.take(t, w.queueURL); !slices.Equal(ids, want) || chunks != 1 || sum.Messages != 45 || sum.Records != 45 {
		t.Errorf("%d chunks of %+v sent %v", chunks, sum, ids)
	} else if slices.ContainsFunc(sent, func(e telemetry.Envelope) bool { return !e.Replay }) {
		t.Error("an envelope does not say that it is replayed")
	}
	w.ChunkTime = time.Nanosecond // one object each
	if sum, chunks = w.replay(t, asked); chunks < 10 || sum.Messages != 45 {
		t.Errorf("%d chunks of %+v", chunks, sum)
	}
	if ids, _ := w.take(t, w.queueURL); !slices.Equal(ids, want) {
		t.Errorf("in %d chunks %v", chunks, ids)
	}
}

func TestAReplayBringsBackWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.kept(t, telemetry.KindAPIMetric, nine.Add(-time.Minute), "before")
	w.kept(t, telemetry.KindAPIMetric, nine.Add(time.Minute), "early")
	w.kept(t, telemetry.KindAPIMetric, nine.Add(10*time.Minute), "first", "an-hour-old", "two-hours-old")
	w.kept(t, telemetry.KindCallReport, nine.Add(20*time.Minute), "report")
	w.kept(t, telemetry.KindStreamStats, nine.Add(20*time.Minute), "second")
	w.kept(t, telemetry.KindAPIMetric, nine.Add(30*time.Minute), "end")
	sum, _ := w.replay(t, Replay{
		From: nine.Add(10 * time.Minute), To: nine.Add(30 * time.Minute),
		Kinds: []string{telemetry.KindAPIMetric, telemetry.KindCallReport}, NotBefore: nine.Add(-65 * time.Minute),
	})
	ids, _ := w.take(t, w.queueURL)
	if !slices.Equal(ids, []string{"an-hour-old", "first", "report"}) || sum.TooOld != 1 || sum.Records != 3 || sum.Messages != 2 {
		t.Errorf("sent %v: %+v", ids, sum)
	}
}

// A replay adds nothing to a queue that is full, of whatever, and goes on when it is not.
func TestAReplayYieldsToLiveData(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.MaxWaiting = 4
	for n := range 20 {
		w.kept(t, telemetry.KindAPIMetric, nine.Add(time.Duration(n)*time.Minute), strconv.Itoa(100+n))
	}
	asked := Replay{From: nine, To: nine.Add(time.Hour), Kinds: []string{telemetry.KindAPIMetric}}
	var all []string
	for sum := (Answer{}); !sum.Done; {
		asked.Cursor = sum.Cursor
		sum = w.ask(t, Request{Replay: &asked})
		if !sum.Done {
			if again := w.ask(t, Request{Replay: &Replay{From: asked.From, To: asked.To, Kinds: asked.Kinds, Cursor: sum.Cursor}}); !again.IsWaiting || again.Messages != 0 {
				t.Fatalf("a full queue got more: %+v", again)
			}
		}
		ids, _ := w.take(t, w.queueURL)
		if len(ids) > w.MaxWaiting {
			t.Errorf("%d messages waited", len(ids))
		}
		all = append(all, ids...)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 20 {
		t.Errorf("sent %v", all)
	}
	text := "live"
	for range w.MaxWaiting {
		if _, err := w.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.queueURL, MessageBody: &text, DelaySeconds: 60}); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Cursor = ""; !w.ask(t, Request{Replay: &asked}).IsWaiting {
		t.Error("delayed messages are not counted")
	}
}

func TestADamagedObjectIsNamedAndTheRestComes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.kept(t, telemetry.KindAPIMetric, nine, "one")
	w.kept(t, telemetry.KindAPIMetric, nine.Add(2*time.Hour), "three")
	key := archive.Folder(telemetry.KindAPIMetric) + nine.Add(time.Hour).Format("2006-01-02T15") + "/broken"
	if _, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: strings.NewReader("junk")}); err != nil {
		t.Fatal(err)
	}
	sum, _ := w.replay(t, Replay{From: nine, To: nine.Add(5 * time.Hour), Kinds: telemetry.Measured})
	if ids, _ := w.take(t, w.queueURL); !slices.Equal(ids, []string{"one", "three"}) || !slices.Equal(sum.Damaged, []string{key}) {
		t.Errorf("sent %v, damaged %v", ids, sum.Damaged)
	}
}

func (w *world) dead(t *testing.T, ids ...string) {
	t.Helper()
	var letters []queue.Letter
	for _, id := range ids {
		letter, err := queue.LetterOf(telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.Tenant, Records: []telemetry.Record{{ID: id, Doc: json.RawMessage(`{}`)}}}, 0, "code", "reason")
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	if err := w.DeadLetters.Put(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
}

func TestARedriveEmptiesTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var want []string
	for n := range 25 {
		want = append(want, strconv.Itoa(100+n))
	}
	w.dead(t, want...)
	junk := "junk"
	if _, err := w.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.deadURL, MessageBody: &junk}); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(time.Millisecond)
	w.later(t, before)
	w.dead(t, "newer-1", "newer-2")
	sum := w.ask(t, Request{Redrive: &Redrive{Before: before}})
	if ids, _ := w.take(t, w.queueURL); !slices.Equal(ids, append(want, junk)) || sum.Messages != 26 || !sum.Done || sum.Newer != 2 {
		t.Errorf("sent %v: %+v", ids, sum)
	}
	answer, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &w.deadURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := answer.Attributes["ApproximateNumberOfMessages"] + "+" + answer.Attributes["ApproximateNumberOfMessagesNotVisible"]; n != "0+2" {
		t.Errorf("%s letters are left", n)
	}
}

// later waits until an instant has passed.
func (w *world) later(t *testing.T, than time.Time) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(time.Until(than) + time.Millisecond):
	}
}

func TestALetterThatTheQueueDoesNotTakeStays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.dead(t, "a")
	w.Queue = queue.New(w.sqs, w.queueURL+"-that-is-not-there")
	text, _ := json.Marshal(Request{Redrive: &Redrive{Before: time.Now().Add(time.Hour)}})
	if answer, err := w.Handle(t.Context(), text); err == nil {
		t.Errorf("answered %+v", answer)
	}
	found, err := w.DeadLetters.Redrive(t.Context(), w.Queue, time.Now().Add(time.Hour))
	if err == nil {
		t.Errorf("found %+v", found)
	}
	answer, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &w.deadURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if n, m := answer.Attributes["ApproximateNumberOfMessages"], answer.Attributes["ApproximateNumberOfMessagesNotVisible"]; err != nil || n == m {
		t.Errorf("%s and %s letters are left, %v", n, m, err)
	}
}

// deaf is an HTTP client to which the answers of some receives are lost, after the queue has done what they asked for.
type deaf struct {
	http.Client
	mu       sync.Mutex
	lose     int      // guarded by mu: how many answers are still lost
	receipts []string // guarded by mu: of the letters in them
}

func (d *deaf) Do(r *http.Request) (*http.Response, error) {
	answer, err := d.Client.Do(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || d.lose == 0 || r.Header.Get("X-Amz-Target") != "AmazonSQS.ReceiveMessage" {
		return answer, err
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Messages []struct{ ReceiptHandle string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return nil, err
	}
	for _, m := range said.Messages {
		d.receipts = append(d.receipts, m.ReceiptHandle)
	}
	d.lose--
	return nil, syscall.ECONNRESET
}

// A look whose answer is lost hides letters that nobody has seen. The redrive does not say that it is done until they can be
// seen again and are sent.
func TestALostAnswerIsNoEnd(t *testing.T) {
	t.Parallel()
	for name, newer := range map[string][]string{"alone": nil, "beside newer letters": {"newer-1", "newer-2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			want := []string{"a", "b", "c"}
			w.dead(t, want...)
			before := time.Now().Add(time.Millisecond)
			w.later(t, before)
			asked := Request{Redrive: &Redrive{Before: before}}
			line := &deaf{lose: 1}
			w.DeadLetters = queue.NewDeadLetters(sqs.NewFromConfig(testenv.AWS(t), func(o *sqs.Options) { o.HTTPClient = line }), w.deadURL)
			if answer := w.ask(t, asked); answer.Done || answer.Hidden != len(want) || answer.Messages != 0 || len(line.receipts) != len(want) {
				t.Fatalf("answered %+v after %d letters were lost sight of", answer, len(line.receipts))
			}
			w.dead(t, newer...)
			if answer := w.ask(t, asked); answer.Done || answer.Hidden != len(want) || answer.Newer != len(newer) {
				t.Errorf("answered %+v", answer)
			}
			for _, receipt := range line.receipts { // their time is over
				if _, err := w.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &w.deadURL, ReceiptHandle: &receipt}); err != nil {
					t.Fatal(err)
				}
			}
			moved := w.ask(t, asked)
			if ids, _ := w.take(t, w.queueURL); !slices.Equal(ids, want) || moved.Messages != len(want) {
				t.Errorf("sent %v: %+v", ids, moved)
			}
			if moved.Done != (len(newer) == 0) { // the newer ones are hidden, by the look before, and of whom nobody knows
				t.Errorf("answered %+v", moved)
			}
		})
	}
}

// What the queue did not take is hidden for a while, and no end either.
func TestAfterAFailureTheLettersAreWaitedFor(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.dead(t, "a", "b")
	request := Request{Redrive: &Redrive{Before: time.Now().Add(time.Hour)}}
	sane := w.Queue
	w.Queue = queue.New(w.sqs, w.queueURL+"-that-is-not-there")
	if found, err := w.DeadLetters.Redrive(t.Context(), w.Queue, request.Redrive.Before); err == nil {
		t.Fatalf("moved %+v", found)
	}
	w.Queue = sane
	if answer := w.ask(t, request); answer.Done || answer.Hidden != 2 {
		t.Errorf("answered %+v", answer)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	w := setup(t)
	span := `"from":"2026-11-24T09:00:00Z","to":"2026-11-24T10:00:00Z","not_before":"2026-01-01T00:00:00Z"`
	for event, isGood := range map[string]bool{
		`{"replay":{` + span + `,"kinds":["apimetric"],"cursor":""}}`: true,
		`{"redrive":{"before":"2026-11-24T09:00:00Z"}}`:               true,
		``: false, `null`: false, `{}`: false, `[]`: false,
		`{"replay":{` + span + `,"kinds":["apimetric"]},"redrive":{"before":"2026-11-24T09:00:00Z"}}`:  false,
		`{"replay":{` + span + `,"kinds":["../directory"]}}`:                                           false,
		`{"replay":{` + span + `,"kinds":[]}}`:                                                         false,
		`{"replay":{` + span + `,"kinds":["apimetric"],"cursor":"directory/x"}}`:                       false,
		`{"replay":{` + span + `,"kinds":["apimetric"],"cursor":"archive/callreport/x"}}`:              false,
		`{"replay":{` + span + `,"kinds":["apimetric"],"bucket":"another"}}`:                           false,
		`{"replay":{"from":"2026-11-24T10:00:00Z","to":"2026-11-24T10:00:00Z","kinds":["apimetric"]}}`: false,
		`{"redrive":{"before":"yesterday"}}`:                                                           false,
		`{"redrive":{"before":"2026-11-24T09:00:00Z","queue":"` + w.queueURL + `"}}`:                   false,
	} {
		if answer, err := w.Handle(t.Context(), json.RawMessage(event)); (err == nil) != isGood {
			t.Errorf("%s: %+v, %v", event, answer, err)
		}
	}
}
