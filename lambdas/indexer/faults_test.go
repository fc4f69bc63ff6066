package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/opensearch-project/opensearch-go/v2"
	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"
	"github.com/rs/zerolog"

	"github.com/earshot-hq/earshot/internal/archive"
	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/sink"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// A ward is an indexer whose every connection can be broken: to search, to the queues, to the archive.
type ward struct {
	*world
	search, queues, bucket *toxiproxy.Proxy
	answers                *answers // of search
	objects                *answers // of the bucket
	sender                 *queue.Queue
	budget                 time.Duration // of an invocation: what Lambda gives it
}

// answers stands before a server and can say something else than it, before or after it has done what was asked for.
type answers struct {
	next http.RoundTripper
	say  atomic.Pointer[func(*http.Request) (*http.Response, error)] // instead of asking
	lose atomic.Bool                                                 // what was answered
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if say := a.say.Load(); say != nil {
		return (*say)(r)
	}
	answer, err := a.next.RoundTrip(r)
	if err == nil && a.lose.Load() {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return answer, err
}

// refuse has every request answered with a status and a body, and returns what ends that.
func (a *answers) refuse(status int, body string) (mend func()) {
	say := func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
	a.say.Store(&say)
	return func() { a.say.Store(nil) }
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{world: setup(t), budget: 45 * time.Second}
	account, node := testenv.AWS(t), testenv.OpenSearch(t)
	w.search = proxy(t, node.URL)
	w.queues, w.bucket = proxy(t, *account.BaseEndpoint), proxy(t, *account.BaseEndpoint)
	w.answers = &answers{next: node.Client(t).Transport}
	client, err := opensearch.NewClient(opensearch.Config{
		Addresses: []string{"https://" + w.search.Listen}, Username: w.slug.WriterRole(), Password: "writer",
		DisableRetry: true, CompressRequestBody: true, Transport: w.answers,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.objects = &answers{next: &http.Transport{}}
	bucket := s3.NewFromConfig(account, func(o *s3.Options) {
		o.UsePathStyle, o.BaseEndpoint, o.HTTPClient, o.RetryMaxAttempts = true, aws.String("http://"+w.bucket.Listen), &http.Client{Transport: w.objects}, 1
	})
	queues := sqs.NewFromConfig(account, func(o *sqs.Options) {
		o.BaseEndpoint, o.RetryMaxAttempts = aws.String("http://"+w.queues.Listen), 1
	})
	w.sender = queue.New(queues, w.queueURL)
	w.handler.Writer, w.handler.Archive = sink.New(client), archive.New(bucket, "data-"+w.slug.String())
	w.handler.Queue, w.handler.DeadLetters = w.sender, queue.NewDeadLetters(queues, w.deadURL)
	return w
}

func proxy(t *testing.T, server string) *toxiproxy.Proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	p := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), t.Name(), "127.0.0.1:0", u.Host)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// poison breaks connections as a toxic of toxiproxy does, and returns what mends them.
func poison(t *testing.T, p *toxiproxy.Proxy, kind, stream string, attributes string) (mend func()) {
	t.Helper()
	toxic := fmt.Sprintf(`{"name":"t","type":%q,"stream":%q,"attributes":%s}`, kind, stream, attributes)
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := p.Toxics.RemoveToxic(context.Background(), "t"); err != nil {
			t.Error(err)
		}
	}
}

// cut takes a server away, and returns what brings it back under the same address.
func cut(t *testing.T, p *toxiproxy.Proxy) (mend func()) {
	t.Helper()
	p.Stop()
	return func() {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
	}
}

const (
	bodies  = 20
	perBody = 10
)

// send puts known records into the queue, as a softphone does that repeats what was not acknowledged, and returns their ids.
func (w *ward) send(t *testing.T, prefix string) (ids []string) {
	t.Helper()
	at := telemetry.InstantOf(time.Now())
	for body := range bodies {
		e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.slug, Ingest: telemetry.Ingest{ReceivedAt: at, Pusher: "test"}}
		for n := range perBody {
			id := fmt.Sprintf("%s-%02d-%02d", prefix, body, n)
			noise := make([]byte, 150)
			for i := range noise {
				noise[i] = byte('a' + rand.N(26))
			}
			e.Records = append(e.Records, telemetry.Record{ID: id, At: at, Doc: json.RawMessage(fmt.Sprintf(`{"agent":%q,"name":%q}`, prefix, noise))})
			ids = append(ids, id)
		}
		w.patiently(t, "send", func() bool { return w.sender.Send(t.Context(), e) == nil })
	}
	return ids
}

func (w *ward) patiently(t *testing.T, what string, do func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !do() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time", what)
		case <-tick.C:
		}
	}
}

// turn takes what is there and has it handled, as the event source does, and says how many messages there were and how many
// came back. With isKilled the function is dead before anything is deleted.
func (w *ward) turn(t *testing.T, isKilled bool) (messages, returned int) {
	t.Helper()
	got, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &w.queueURL, MaxNumberOfMessages: 10, VisibilityTimeout: 2,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	var event events.SQSEvent
	receipts := map[string]*string{}
	for _, m := range got.Messages {
		event.Records = append(event.Records, events.SQSMessage{MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes})
		receipts[*m.MessageId] = m.ReceiptHandle
	}
	if len(event.Records) == 0 {
		return 0, 0
	}
	answer, died := w.invoke(t, event)
	if died || isKilled {
		return len(event.Records), len(event.Records)
	}
	for _, failure := range answer.BatchItemFailures {
		delete(receipts, failure.ItemIdentifier)
	}
	for _, receipt := range receipts {
		_, err := w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queueURL, ReceiptHandle: receipt})
		// Of a message that another turn has received since, two seconds later, SQS keeps silent and the emulator does not.
		if invalid := (*types.ReceiptHandleIsInvalid)(nil); err != nil && !errors.As(err, &invalid) {
			t.Error(err)
		}
	}
	return len(event.Records), len(answer.BatchItemFailures)
}

// invoke reports whether the function died, which a panic is for Lambda.
func (w *ward) invoke(t *testing.T, event events.SQSEvent) (answer events.SQSEventResponse, died bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), w.budget)
	defer cancel()
	defer func() { died = recover() != nil }()
	answer, err := w.handler.Handle(ctx, event)
	if err != nil {
		t.Error(err)
	}
	return answer, false
}

// drain has all that is in the queue handled, whatever comes back.
func (w *ward) drain(t *testing.T) {
	t.Helper()
	w.patiently(t, "drain", func() bool {
		for {
			if n, _ := w.turn(t, false); n == 0 {
				break
			}
		}
		left, err := queue.New(w.sqs, w.queueURL).Waiting(t.Context())
		return err == nil && left == 0
	})
}

// found returns the ids of the documents, of the dead letters and of the archived records that begin with prefix.
func (w *ward) found(t *testing.T, prefix string) (documents, dead, archived []string) {
	t.Helper()
	for id := range w.documents(t) {
		if _, id, _ := strings.Cut(id, " "); strings.HasPrefix(id, prefix+"-") {
			documents = append(documents, id)
		}
	}
	letters := map[string]bool{}
	for {
		got, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.deadURL, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			break
		}
		for _, m := range got.Messages {
			e, err := queue.Decode(*m.Body)
			if err != nil || len(e.Records) != 1 {
				t.Fatalf("a dead letter of %d records, %v", len(e.Records), err)
			}
			letters[e.Records[0].ID] = true
		}
	}
	kept := map[string]bool{}
	for _, e := range w.archived(t) {
		for _, r := range e.Records {
			if strings.HasPrefix(r.ID, prefix+"-") {
				kept[r.ID] = true
			}
		}
	}
	slices.Sort(documents)
	return documents, slices.Sorted(maps.Keys(letters)), slices.Sorted(maps.Keys(kept))
}

// dying is an archive in front of which the function is killed.
type dying struct{ Archive }

func (dying) Keep(context.Context, []telemetry.Envelope) []error { panic("killed") }

// TestNothingIsLostAndNothingDoubled sends known records, breaks something while they are on their way, mends it, and finds
// exactly these records in search and in the archive. Search, queues and bucket are real; so are the broken connections.
func TestNothingIsLostAndNothingDoubled(t *testing.T) {
	t.Parallel()
	const rejected = `{"error":{"type":"opensearch_rejected_execution_exception","reason":"queue is full"},"status":429}`
	faults := map[string]struct {
		spoil    func(*testing.T, *ward) (mend func())
		isKilled bool
		passes   bool // the messages do not come back
	}{
		"search is not there": {spoil: func(t *testing.T, w *ward) func() { t.Helper(); return cut(t, w.search) }},
		"search goes in the middle of a bulk": {spoil: func(t *testing.T, w *ward) func() {
			t.Helper()
			return poison(t, w.search, "limit_data", "upstream", `{"bytes":8000}`)
		}},
		"search hangs": {spoil: func(t *testing.T, w *ward) func() {
			t.Helper()
			w.budget = afterBulk + 2*time.Second
			mend := poison(t, w.search, "timeout", "downstream", `{"timeout":0}`)
			return func() { mend(); w.budget = 45 * time.Second }
		}},
		"search is slow": {passes: true, spoil: func(t *testing.T, w *ward) func() {
			t.Helper()
			return poison(t, w.search, "latency", "downstream", `{"latency":1500}`)
		}},
		"search resets": {spoil: func(t *testing.T, w *ward) func() {
			t.Helper()
			return poison(t, w.search, "reset_peer", "downstream", `{"timeout":0}`)
		}},
		"search answers 503":  {spoil: func(_ *testing.T, w *ward) func() { return w.answers.refuse(503, "") }},
		"search is throttled": {spoil: func(_ *testing.T, w *ward) func() { return w.answers.refuse(429, rejected) }},
		"search answers half": {spoil: func(_ *testing.T, w *ward) func() {
			return w.answers.refuse(200, `{"took":1,"errors":false,"items":[{"cre`)
		}},
		"the answer is lost when all is written": {spoil: func(_ *testing.T, w *ward) func() {
			w.answers.lose.Store(true)
			return func() { w.answers.lose.Store(false) }
		}},
		"indices are read-only for want of disk": {spoil: func(t *testing.T, w *ward) func() {
			t.Helper()
			w.block(t, "true")
			return func() { w.block(t, "null") }
		}},
		"the writer has lost its rights":           {spoil: func(t *testing.T, w *ward) func() { t.Helper(); return w.disarm(t) }},
		"the function is killed before it deletes": {isKilled: true, spoil: func(*testing.T, *ward) func() { return func() {} }},
		"the function is killed before it archives": {spoil: func(_ *testing.T, w *ward) func() {
			whole := w.handler.Archive
			w.handler.Archive = dying{whole}
			return func() { w.handler.Archive = whole }
		}},
		"the archive is not there": {spoil: func(t *testing.T, w *ward) func() { t.Helper(); return cut(t, w.bucket) }},
		"the archive refuses":      {spoil: func(_ *testing.T, w *ward) func() { return w.objects.refuse(403, "") }},
		"the archive's answer is lost": {spoil: func(_ *testing.T, w *ward) func() {
			w.objects.lose.Store(true)
			return func() { w.objects.lose.Store(false) }
		}},
		"the queues cannot be told": {passes: true, spoil: func(t *testing.T, w *ward) func() { t.Helper(); return cut(t, w.queues) }},
	}
	w := newWard(t)
	w.send(t, "first") // the indices are there before one is blocked
	w.drain(t)
	for n, name := range slices.Sorted(maps.Keys(faults)) {
		fault := faults[name]
		t.Run(name, func(t *testing.T) {
			prefix := fmt.Sprintf("fault%d", n)
			want := w.send(t, prefix)
			mend := fault.spoil(t, w)
			messages, returned := w.turn(t, fault.isKilled)
			if messages == 0 || fault.passes && returned > 0 || !fault.passes && returned != messages {
				t.Errorf("%d of %d messages came back", returned, messages)
			}
			mend()
			w.drain(t)
			documents, dead, archived := w.found(t, prefix)
			if !slices.Equal(documents, want) || len(dead) > 0 || !slices.Equal(archived, want) {
				t.Errorf("of %d records %d are documents, %d archived, dead letters %v", len(want), len(documents), len(archived), dead)
			}
		})
	}
}

// block sets the block that a node sets when its disk is full.
func (w *ward) block(t *testing.T, value string) {
	t.Helper()
	answer, err := opensearchapi.IndicesPutSettingsRequest{
		Index: []string{w.slug.IndexPattern()}, Body: strings.NewReader(`{"index.blocks.read_only_allow_delete":` + value + `}`),
	}.Do(t.Context(), w.root)
	if err != nil || answer.IsError() {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}

// disarm takes the writer's right to the tenant's indices, as a damaged security configuration would: search refuses item by item.
func (w *ward) disarm(t *testing.T) (mend func()) {
	t.Helper()
	role := "/_plugins/_security/api/roles/" + w.slug.WriterRole()
	send := func(method, body string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, role, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := w.root.Perform(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode >= 300 {
			t.Fatal(method, answer.Status, string(text), err)
		}
		return string(text)
	}
	var had map[string]map[string]json.RawMessage
	if err := json.Unmarshal([]byte(send(http.MethodGet, "")), &had); err != nil {
		t.Fatal(err)
	}
	put := func(indexPermissions json.RawMessage) {
		t.Helper()
		body, err := json.Marshal(map[string]json.RawMessage{
			"cluster_permissions": had[w.slug.WriterRole()]["cluster_permissions"], "index_permissions": indexPermissions,
		})
		if err != nil {
			t.Fatal(err)
		}
		send(http.MethodPut, string(body))
	}
	put(json.RawMessage(`[{"index_patterns": ["none"], "allowed_actions": ["read"]}]`))
	return func() { t.Helper(); put(had[w.slug.WriterRole()]["index_permissions"]) }
}

// A message is delivered twice at once, by two functions, while half of a batch is poison and nobody takes dead letters.
func TestABulkHalfGoodDeliveredTwice(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	at := telemetry.InstantOf(time.Now())
	var good, bad []string
	for body := range 4 {
		e := telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.slug, Ingest: telemetry.Ingest{ReceivedAt: at, Pusher: "test"}}
		for n := range 10 {
			id, doc := fmt.Sprintf("half-%d-%d", body, n), `{"name":"x","time":1}`
			if n%2 == 1 {
				doc = `{"name":"x","time":"soon"}` // a mapping conflict
				bad = append(bad, id)
			} else {
				good = append(good, id)
			}
			e.Records = append(e.Records, telemetry.Record{ID: id, At: at, Doc: json.RawMessage(doc)})
		}
		if err := w.sender.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	mend := cut(t, w.queues)
	if messages, returned := w.turn(t, false); returned != messages || messages != 4 {
		t.Errorf("nobody took the dead letters, and %d of %d messages came back", returned, messages)
	}
	mend()
	w.patiently(t, "the messages are there again", func() bool { n, _ := w.turn(t, true); return n == 4 })
	w.drain(t)
	documents, dead, archived := w.found(t, "half")
	if !slices.Equal(documents, good) || !slices.Equal(dead, bad) || len(archived) != len(good)+len(bad) {
		t.Errorf("documents %v, dead letters %v, %d archived", documents, dead, len(archived))
	}
}

// The queue takes nothing for a while, and then answers of what it took are lost: the sender keeps what was not acknowledged.
func TestASenderRepeatsWhatTheQueueDidNotConfirm(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	mend := cut(t, w.queues)
	if err := w.sender.Send(t.Context(), telemetry.Envelope{Kind: telemetry.KindAPIMetric, Tenant: w.slug}); err == nil {
		t.Error("a queue that is not there took something")
	}
	mend()
	remove := poison(t, w.queues, "slow_close", "downstream", `{"delay":1}`)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // connections break every now and then
		defer close(done)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				w.queues.Stop()
				_ = w.queues.Start()
			}
		}
	}()
	want := w.send(t, "broken")
	close(stop)
	<-done
	remove()
	w.drain(t)
	if documents, dead, archived := w.found(t, "broken"); !slices.Equal(documents, want) || len(dead) > 0 || !slices.Equal(archived, want) {
		t.Errorf("of %d records %d are documents, %d archived, dead letters %v", len(want), len(documents), len(archived), dead)
	}
}

// A browser's clock is two days ahead for half of its records: these are answered with an error, make no index of another
// time, and cost the others nothing.
func TestAClockTwoDaysAhead(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.handler.Periods = telemetry.Periods{telemetry.KindAPIMetric: {{Period: tenant.Day}}}
	now := time.Now()
	var metrics []map[string]any
	for n := range 20 {
		at := now.Add(time.Duration(-n) * time.Millisecond)
		if n%2 == 1 {
			at = at.Add(48 * time.Hour)
		}
		metrics = append(metrics, map[string]any{"name": "getAgentSnapshot", "time": n, "timestamp": at.UTC().Format(time.RFC3339Nano)})
	}
	body, err := json.Marshal(map[string]any{"agent": "ahead.example", "API_METRIC": metrics})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := telemetry.Decode(telemetry.KindAPIMetric, body, telemetry.Arrival{
		Tenant: w.slug, Pusher: "test", ReceivedAt: now, SourceIP: "192.0.2.7", Privacy: tenant.IPFull,
	})
	if err != nil || len(batch.Rejected) != 10 || len(batch.Envelope.Records) != 10 {
		t.Fatalf("%d rejected, %d records, %v", len(batch.Rejected), len(batch.Envelope.Records), err)
	}
	var want []string
	for i, r := range batch.Rejected {
		if r.Code != "timestamp_out_of_range" || r.Index != 2*i+1 {
			t.Errorf("rejected %+v", r)
		}
	}
	for _, r := range batch.Envelope.Records {
		want = append(want, w.slug.Index(telemetry.KindAPIMetric, now.UTC().Format("2006.01.02"))+" "+r.ID)
	}
	if err := w.sender.Send(t.Context(), batch.Envelope); err != nil {
		t.Fatal(err)
	}
	w.drain(t)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(w.documents(t))); !slices.Equal(got, want) {
		t.Errorf("documents %v, want %v", got, want)
	}
}
