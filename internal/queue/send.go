package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

const (
	sendTries  = 4
	firstPause = 50 * time.Millisecond
)

// A Queue is one tenant's queue. Use New.
type Queue struct {
	client *sqs.Client
	url    string
}

// New returns the queue at url.
func New(client *sqs.Client, url string) *Queue { return &Queue{client: client, url: url} }

// Send puts the envelope into the queue, in several messages if one is too small, and returns only when the queue has each
// record. It retries transient errors itself: an error means that some records are not known to be kept. Sending the same
// envelope again is harmless.
func (q *Queue) Send(ctx context.Context, e telemetry.Envelope) error {
	return q.SendAll(ctx, []telemetry.Envelope{e})
}

// SendAll does so with many, in as few requests as the bounds allow.
func (q *Queue) SendAll(ctx context.Context, envelopes []telemetry.Envelope) error {
	messages := make([]message, 0, len(envelopes))
	for _, e := range envelopes {
		packed, err := bodies(e)
		if err != nil {
			return fmt.Errorf("send to queue: %w", err)
		}
		for _, body := range packed {
			messages = append(messages, message{body: body})
		}
	}
	return q.deliver(ctx, messages)
}

// Waiting returns about how many messages the queue has, those in somebody's hands and those that are kept away included.
func (q *Queue) Waiting(ctx context.Context) (int, error) {
	return q.count(ctx, types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
}

// count adds up some of the queue's counts of messages.
func (q *Queue) count(ctx context.Context, counted ...types.QueueAttributeName) (sum int, err error) {
	answer, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: counted})
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	for _, name := range counted {
		n, err := strconv.Atoi(answer.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("count messages: %s is %q", name, answer.Attributes[string(name)])
		}
		sum += n
	}
	return sum, nil
}

// message is what one entry of a batch carries.
type message struct {
	body       string
	attributes map[string]types.MessageAttributeValue
	delay      time.Duration // whole seconds, at most 15 minutes
}

func (m message) size() int {
	size := len(m.body)
	for name, value := range m.attributes {
		size += len(name) + len(aws.ToString(value.DataType)) + len(aws.ToString(value.StringValue))
	}
	return size
}

// deliver sends all messages in as few requests as the bounds allow.
func (q *Queue) deliver(ctx context.Context, messages []message) error {
	for len(messages) > 0 {
		n, size := 0, 0
		for n < len(messages) && n < batchSize && (n == 0 || size+messages[n].size() <= maxMessage) {
			size += messages[n].size()
			n++
		}
		if err := q.deliverBatch(ctx, messages[:n]); err != nil {
			return fmt.Errorf("send to queue: %w", err)
		}
		messages = messages[n:]
	}
	return nil
}

// deliverBatch repeats a batch until the queue has confirmed every message of it by its id.
func (q *Queue) deliverBatch(ctx context.Context, messages []message) error {
	waiting := make(map[string]message, len(messages))
	for i, m := range messages {
		waiting[strconv.Itoa(i)] = m
	}
	var err error
	for try := range sendTries {
		if try > 0 && pause(ctx, firstPause<<try) != nil {
			return err
		}
		var isFinal bool
		if isFinal, err = q.try(ctx, waiting); isFinal {
			return err
		}
	}
	return err
}

// try sends what is waiting once and removes what the queue confirmed. Without an error nothing is waiting any more.
func (q *Queue) try(ctx context.Context, waiting map[string]message) (isFinal bool, err error) {
	input := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
	for id, m := range waiting {
		input.Entries = append(input.Entries, types.SendMessageBatchRequestEntry{
			Id: &id, MessageBody: &m.body, MessageAttributes: m.attributes, DelaySeconds: int32(m.delay / time.Second),
		})
	}
	answer, err := q.client.SendMessageBatch(ctx, input)
	if err != nil {
		return true, err // deliver says what was done; the client has retried already
	}
	for _, sent := range answer.Successful {
		delete(waiting, aws.ToString(sent.Id))
	}
	for _, failed := range answer.Failed {
		if failed.SenderFault {
			return true, fmt.Errorf("the queue refuses a message: %s", aws.ToString(failed.Code))
		}
	}
	if len(waiting) > 0 {
		return false, errors.New("the queue did not confirm every message")
	}
	return true, nil
}

func pause(ctx context.Context, longest time.Duration) error {
	timer := time.NewTimer(longest/2 + rand.N(longest/2)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
