package queue

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// The attributes of a dead letter.
const (
	AttributeCode   = "code"   // what kind of failure, in one word
	AttributeReason = "reason" // in words
)

const maxReason = 1024 // bytes

// A Letter is a message that never will be written as it is, with the reason.
type Letter struct {
	Body   string
	Code   string
	Reason string
}

// LetterOf returns the letter of one record of an envelope, as an envelope of its own, so that it can be sent again.
func LetterOf(e telemetry.Envelope, record int, code, reason string) (Letter, error) {
	e.Records = e.Records[record : record+1 : record+1]
	body, err := Encode(e)
	return Letter{Body: body, Code: code, Reason: reason}, err
}

// DeadLetters is one tenant's dead-letter queue. Use NewDeadLetters.
type DeadLetters struct{ queue *Queue }

// NewDeadLetters returns the dead-letter queue at url.
func NewDeadLetters(client *sqs.Client, url string) *DeadLetters {
	return &DeadLetters{queue: New(client, url)}
}

// Put sets the letters aside and returns only when the queue has each. It retries transient errors itself: after an error
// the messages must go back where they came from.
func (d *DeadLetters) Put(ctx context.Context, letters []Letter) error {
	messages := make([]message, 0, len(letters))
	for _, letter := range letters {
		// A body that we did not write may fill a message to its end; then what does not fit is cut, and the reason says so.
		if len(letter.Body) > maxBody {
			letter.Body, letter.Reason = letter.Body[:maxBody], "(cut) "+letter.Reason
		}
		messages = append(messages, message{body: clean(letter.Body), attributes: map[string]types.MessageAttributeValue{
			AttributeCode:   text(letter.Code),
			AttributeReason: text(letter.Reason),
		}})
	}
	return d.queue.deliver(ctx, messages)
}

func text(value string) types.MessageAttributeValue {
	if len(value) > maxReason {
		value = value[:maxReason]
	}
	if value = clean(value); value == "" {
		value = "unknown"
	}
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// clean removes the characters that SQS refuses: those that XML 1.0 has no place for.
func clean(value string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF:
			return -1
		}
		return r
	}, value)
}
