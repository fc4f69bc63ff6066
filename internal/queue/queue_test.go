package queue_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func sample(ids ...string) telemetry.Envelope {
	e := telemetry.Envelope{V: telemetry.EnvelopeVersion, Kind: telemetry.KindAPIMetric, Tenant: "acme"}
	for _, id := range ids {
		e.Records = append(e.Records, telemetry.Record{ID: id, Doc: json.RawMessage(`{"name":"x"}`)})
	}
	return e
}

// made returns a queue of the emulator's, with the bounds that tenants' queues have.
func made(t *testing.T) (*sqs.Client, string) {
	t.Helper()
	client := sqs.NewFromConfig(testenv.AWS(t))
	answer, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName:  aws.String("q-" + testenv.Slug(t).String()),
		Attributes: map[string]string{"MaximumMessageSize": "1048576", "VisibilityTimeout": "30"},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := answer.QueueUrl
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url}) })
	return client, *url
}

// receive returns n messages.
func receive(t *testing.T, client *sqs.Client, url string, n int) []types.Message {
	t.Helper()
	var got []types.Message
	for len(got) < n {
		answer, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Messages) == 0 {
			t.Fatalf("%d of %d messages came", len(got), n)
		}
		got = append(got, answer.Messages...)
	}
	return got
}

func TestWhatIsSentComesOut(t *testing.T) {
	t.Parallel()
	client, url := made(t)
	if err := queue.New(client, url).Send(t.Context(), sample("a", "b")); err != nil {
		t.Fatal(err)
	}
	got, err := queue.Decode(*receive(t, client, url, 1)[0].Body)
	if err != nil || len(got.Records) != 2 || got.Records[1].ID != "b" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDeadLettersCarryTheirReason(t *testing.T) {
	t.Parallel()
	client, url := made(t)
	lone, err := queue.LetterOf(sample("a", "b", "c"), 1, "strict_dynamic_mapping_exception", "mapping set to strict\x00\x01")
	if err != nil {
		t.Fatal(err)
	}
	letters := []queue.Letter{
		lone,
		{Body: "junk", Code: "undecodable", Reason: ""},
		{Body: "larger", Code: "undecodable", Reason: strings.Repeat("ü", 5000)},
		{Body: strings.Repeat("x", 1<<20), Code: "undecodable", Reason: "no envelope"},
	}
	if err := queue.NewDeadLetters(client, url).Put(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, m := range receive(t, client, url, len(letters)) {
		body := *m.Body
		if e, err := queue.Decode(body); err == nil {
			body = e.Records[0].ID + strconv.Itoa(len(e.Records))
		}
		reasons[body[:min(len(body), 8)]] = *m.MessageAttributes[queue.AttributeCode].StringValue + ": " +
			*m.MessageAttributes[queue.AttributeReason].StringValue
	}
	for body, want := range map[string]string{
		"b1":       "strict_dynamic_mapping_exception: mapping set to strict",
		"junk":     "undecodable: unknown",
		"larger":   "undecodable: üü",
		"xxxxxxxx": "undecodable: (cut) no envelope",
	} {
		if got := reasons[body]; !strings.HasPrefix(got, want) {
			t.Errorf("%s has the reason %.60q", body, got)
		}
	}
}

func TestPostponedMessagesStayAway(t *testing.T) {
	t.Parallel()
	client, url := made(t)
	q := queue.New(client, url)
	for _, id := range []string{"soon", "late"} {
		if err := q.Send(t.Context(), sample(id)); err != nil {
			t.Fatal(err)
		}
	}
	var returned []queue.Returned
	for _, m := range receive(t, client, url, 2) {
		e, err := queue.Decode(*m.Body)
		if err != nil {
			t.Fatal(err)
		}
		receives := 1
		if e.Records[0].ID == "late" {
			receives = 20
		}
		returned = append(returned, queue.Returned{Receipt: *m.ReceiptHandle, Receives: receives})
	}
	if err := q.Postpone(t.Context(), returned, queue.BackOff{First: time.Second, Most: time.Hour}); err != nil {
		t.Fatal(err)
	}
	again := receive(t, client, url, 1)
	if e, err := queue.Decode(*again[0].Body); err != nil || e.Records[0].ID != "soon" || len(again) != 1 {
		t.Errorf("%d came back, %v", len(again), err)
	}
	if err := q.Postpone(t.Context(), []queue.Returned{{Receipt: "no receipt", Receives: 1}}, queue.BackOff{First: 1, Most: 1}); err == nil {
		t.Error("a wrong receipt was not noticed")
	}
}

// standIn is an SQS that answers a batch as a test says: a status, and ids that succeed and that fail.
type standIn struct {
	mu      sync.Mutex
	answers []batchAnswer // guarded by mu: one a request, the last for ever
	asked   [][]string    // guarded by mu: ids of each request's bodies
}

type batchAnswer struct {
	status       int
	keep         int  // of the entries are successful
	fail         int  // more are failed
	senderFault  bool // of those
	confirmOther bool
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Entries []struct{ ID, MessageBody string }
	}
	_ = json.NewDecoder(r.Body).Decode(&request)
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, entry := range request.Entries {
		ids = append(ids, entry.ID)
	}
	slices.Sort(ids)
	s.asked = append(s.asked, ids)
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if answer.status != 0 {
		w.WriteHeader(answer.status)
		return
	}
	said := map[string][]map[string]any{"Successful": {}, "Failed": {}}
	for i, id := range ids {
		switch {
		case answer.confirmOther:
			said["Successful"] = append(said["Successful"], map[string]any{"Id": "other", "MessageId": "m"})
		case i < answer.keep:
			said["Successful"] = append(said["Successful"], map[string]any{"Id": id, "MessageId": "m"})
		case i < answer.keep+answer.fail:
			said["Failed"] = append(said["Failed"], map[string]any{"Id": id, "Code": "Nope", "SenderFault": answer.senderFault})
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(said)
}

func TestSendTrustsOnlyWhatTheQueueConfirms(t *testing.T) {
	t.Parallel()
	all := batchAnswer{keep: 10}
	tests := []struct {
		name      string
		answers   []batchAnswer
		wantErr   bool
		wantAsked []int // entries of each request
	}{
		{"all at once", []batchAnswer{all}, false, []int{4}},
		{"one at a time", []batchAnswer{{keep: 1, fail: 3}, {keep: 1, fail: 2}, all}, false, []int{4, 3, 2}},
		{"some are not mentioned", []batchAnswer{{keep: 2}, all}, false, []int{4, 2}},
		{"never all", []batchAnswer{{keep: 0, fail: 4}}, true, []int{4, 4, 4, 4}},
		{"nothing is mentioned", []batchAnswer{{}}, true, []int{4, 4, 4, 4}},
		{"others are confirmed", []batchAnswer{{confirmOther: true}}, true, []int{4, 4, 4, 4}},
		{"refused for good", []batchAnswer{{keep: 3, fail: 1, senderFault: true}}, true, []int{4}},
		{"a passing failure of the whole", []batchAnswer{{status: 500}, {status: 503}, all}, false, []int{4, 4, 4}},
		{"a failure of the whole", []batchAnswer{{status: 400}}, true, []int{4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &standIn{answers: test.answers}
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			client := sqs.New(sqs.Options{
				Region: testenv.Region, BaseEndpoint: &server.URL, DisableMessageChecksumValidation: true,
				Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
			})
			letters := []queue.Letter{{Body: "a"}, {Body: "b"}, {Body: "c"}, {Body: "d"}}
			err := queue.NewDeadLetters(client, server.URL+"/queue").Put(t.Context(), letters)
			if (err != nil) != test.wantErr {
				t.Errorf("got %v", err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			var asked []int
			for _, ids := range s.asked {
				asked = append(asked, len(ids))
			}
			if !slices.Equal(asked, test.wantAsked) {
				t.Errorf("asked for %v entries, want %v", asked, test.wantAsked)
			}
		})
	}
}
