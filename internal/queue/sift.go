package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// siftWait asks all of SQS's servers; a short poll may miss letters that are there.
const siftWait = time.Second

// Sift looks at up to ten letters, hides them for a while from whoever looks, and takes out of each what must not stay: what
// sift returns of a body replaces it, and a letter of which nothing is to stay is deleted. It returns how many letters there
// were; none means that every letter was looked at within that while. What was to go and is still there after an error is found
// again.
func (d *DeadLetters) Sift(ctx context.Context, hide time.Duration, sift func(body string) (rest string, isChanged bool)) (seen int, err error) {
	answer, err := d.queue.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &d.queue.url, MaxNumberOfMessages: batchSize, MessageAttributeNames: []string{"All"},
		VisibilityTimeout: int32(hide / time.Second), WaitTimeSeconds: int32(siftWait / time.Second),
	})
	if err != nil {
		return 0, fmt.Errorf("receive dead letters: %w", err)
	}
	for _, letter := range answer.Messages {
		rest, isChanged := sift(aws.ToString(letter.Body))
		if !isChanged {
			continue
		}
		if rest != "" {
			if err := d.queue.deliver(ctx, []message{{body: rest, attributes: letter.MessageAttributes}}); err != nil {
				return 0, err
			}
		}
		if _, err := d.queue.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.queue.url, ReceiptHandle: letter.ReceiptHandle}); err != nil {
			return 0, fmt.Errorf("delete a dead letter: %w", err)
		}
	}
	return len(answer.Messages), nil
}
