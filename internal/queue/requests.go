package queue

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/settle"
)

// Requests is one tenant's queue of requests for summaries. Use NewRequests.
type Requests struct{ queue *Queue }

// NewRequests returns the queue of requests at url.
func NewRequests(client *sqs.Client, url string) *Requests { return &Requests{queue: New(client, url)} }

// Ask puts the requests into the queue, each to come after its delay, and returns only when the queue has each. It retries
// transient errors itself: after an error the documents that they are about must be written again. To ask twice is harmless.
func (r *Requests) Ask(ctx context.Context, requests []settle.Request) error {
	messages := make([]message, 0, len(requests))
	for _, request := range requests {
		text, err := request.Marshal()
		if err != nil {
			return fmt.Errorf("ask for summaries: %w", err)
		}
		messages = append(messages, message{body: string(text), delay: request.Delay})
	}
	return r.queue.deliver(ctx, messages)
}
