package world

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/queue"
	"github.com/earshot-hq/earshot/internal/slug"
)

// Hold stops the tenant's indexer from taking messages, so that they can be looked at where they wait, and returns what lets it
// go on.
func (w *World) Hold(t *testing.T, s slug.Slug) (release func()) {
	t.Helper()
	functions := lambda.NewFromConfig(w.AWS())
	sources, err := functions.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: aws.String(s.FunctionName("indexer"))})
	if err != nil || len(sources.EventSourceMappings) != 1 {
		t.Fatalf("the event source of %s's indexer: %v (%v)", s, sources, err)
	}
	enable := func(is bool) {
		if _, err := functions.UpdateEventSourceMapping(context.WithoutCancel(t.Context()), &lambda.UpdateEventSourceMappingInput{
			UUID: sources.EventSourceMappings[0].UUID, Enabled: &is,
		}); err != nil {
			t.Fatal(err)
		}
	}
	enable(false)
	return func() { enable(true) }
}

// Waiting returns the messages of a queue that nobody has in hands, and leaves them there.
func (w *World) Waiting(t *testing.T, url string) []types.Message {
	t.Helper()
	client := sqs.NewFromConfig(w.AWS())
	var all []types.Message
	for {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 600, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			break
		}
		all = append(all, got.Messages...)
	}
	for _, message := range all {
		if _, err := client.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: message.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Open returns all that a message says: its body, unpacked too where it is an envelope, and its attributes.
func Open(t *testing.T, message types.Message) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(aws.ToString(message.Body) + "\n")
	if envelope, err := queue.Decode(aws.ToString(message.Body)); err == nil {
		raw, err := envelope.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		text.Write(raw)
	}
	for name, value := range message.MessageAttributes {
		fmt.Fprintf(&text, "\n%s: %s", name, aws.ToString(value.StringValue))
	}
	return text.String()
}

// Length is how many messages a queue has, those in somebody's hands included.
func (w *World) Length(ctx context.Context, t *testing.T, url string) int {
	t.Helper()
	got, err := sqs.NewFromConfig(w.AWS()).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		n, err := strconv.Atoi(got.Attributes[name])
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}
