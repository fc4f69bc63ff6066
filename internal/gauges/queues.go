package gauges

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// depth counts the messages of the queue that an output of the tenant's stack names.
func depth(ctx context.Context, at place, output string) (*tenant.QueueDepth, error) {
	url := at.outputs[output]
	if url == "" {
		return &tenant.QueueDepth{}, errNoQueue
	}
	found := &tenant.QueueDepth{}
	counts := map[types.QueueAttributeName]*int64{
		types.QueueAttributeNameApproximateNumberOfMessages:           &found.Waiting,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &found.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &found.Delayed,
	}
	input := &sqs.GetQueueAttributesInput{QueueUrl: &url}
	for name := range counts {
		input.AttributeNames = append(input.AttributeNames, name)
	}
	got, err := sqs.NewFromConfig(at.config).GetQueueAttributes(ctx, input)
	if err != nil {
		return found, fmt.Errorf("count the messages of %s: %w", url, err)
	}
	for name, count := range counts {
		if *count, err = strconv.ParseInt(got.Attributes[string(name)], 10, 64); err != nil {
			return found, fmt.Errorf("%s of %s: %w", name, url, err)
		}
	}
	return found, nil
}
