package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// BackOff says how long a message stays away after each receive: First, doubled each time, up to Most.
type BackOff struct {
	First time.Duration
	Most  time.Duration // ten days of it must stay under the queue's maxReceiveCount
}

// A Returned message was received and not dealt with.
type Returned struct {
	Receipt  string
	Receives int // with this one
}

// after returns the delay after so many receives, with jitter so that an outage does not end in one wave.
func (b BackOff) after(receives int) time.Duration {
	delay := b.Most
	if doublings := max(receives-1, 0); doublings < 20 && b.First<<doublings < b.Most {
		delay = b.First << doublings
	}
	return delay*3/4 + rand.N(delay/4+1) //nolint:gosec // jitter needs no secrecy
}

// Postpone keeps the messages away for a while that grows with their receives. After an error some of them come back when
// the queue's own visibility timeout ends, which loses nothing.
func (q *Queue) Postpone(ctx context.Context, messages []Returned, by BackOff) error {
	var failed []error
	for batch := range slices.Chunk(messages, batchSize) {
		input := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for i, m := range batch {
			seconds := by.after(m.Receives).Round(time.Second) / time.Second
			input.Entries = append(input.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.Receipt, VisibilityTimeout: int32(seconds),
			})
		}
		answer, err := q.client.ChangeMessageVisibilityBatch(ctx, input)
		if err != nil {
			failed = append(failed, fmt.Errorf("postpone messages: %w", err))
		} else if n := len(answer.Failed); n > 0 {
			failed = append(failed, fmt.Errorf("postpone messages: %d were not", n))
		}
	}
	return errors.Join(failed...)
}
