package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// letterAway is how long a letter that was looked at is hidden from the next look: longer than a round of looks.
	letterAway = 2 * time.Minute
	// longPoll asks all of SQS's servers; a short poll asks some, and may miss letters that are there.
	longPoll = time.Second
)

// Hidden returns about how many letters are in somebody's hands: of a look that left them, failed, or whose answer was lost.
// They can be seen again when the time of that look is over.
func (d *DeadLetters) Hidden(ctx context.Context) (int, error) {
	return d.queue.count(ctx, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
}

// A Redriven says what a look into the dead-letter queue found.
type Redriven struct {
	Moved int // letters that are in the queue again
	Newer int // letters that were left
}

// Redrive takes up to ten letters and sends those that were set aside before an instant back, as they are. A letter is
// deleted here when the queue has it, so none is lost, and one may be sent twice. Nothing found: there are no more but those
// that Hidden counts.
func (d *DeadLetters) Redrive(ctx context.Context, into *Queue, before time.Time) (Redriven, error) {
	answer, err := d.queue.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &d.queue.url, MaxNumberOfMessages: batchSize,
		VisibilityTimeout: int32(letterAway / time.Second), WaitTimeSeconds: int32(longPoll / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return Redriven{}, fmt.Errorf("receive dead letters: %w", err)
	}
	var messages []message
	var done []types.DeleteMessageBatchRequestEntry
	for i, m := range answer.Messages {
		sent, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
		if err == nil && !time.UnixMilli(sent).Before(before) {
			continue
		}
		messages = append(messages, message{body: aws.ToString(m.Body)})
		done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	found := Redriven{Newer: len(answer.Messages) - len(messages)}
	if len(messages) == 0 {
		return found, nil
	}
	if err := into.deliver(ctx, messages); err != nil {
		return found, err
	}
	found.Moved = len(messages)
	deleted, err := d.queue.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &d.queue.url, Entries: done})
	if err != nil {
		return found, fmt.Errorf("delete dead letters: %w", err)
	}
	if n := len(deleted.Failed); n > 0 {
		return found, fmt.Errorf("delete dead letters: %d were not", n)
	}
	return found, nil
}
