// Package sendonce keeps the AWS SDK from doing a request twice that was answered at once.
//
// smithy-go closes a request's body as soon as the head of the answer is there. net/http may not have asked the body yet whether
// it holds more than its Content-Length said; it does so through io.WriterTo where there is one, and that of a closed body answers
// io.EOF, which net/http takes for a failed write: it ends the connection with the answer unread. The SDK calls that a network
// error and silently sends the request again, so that a create "already exists", and what a first receive took from a queue stays
// hidden. It takes an answer within microseconds and a busy machine: the emulator, tests, an endpoint beside the caller.
// A body that can only be read answers the same question with a plain end.
package sendonce

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const id = "earshot:sendonce"

// Apply has every client that is made of the configuration from now on send bodies that can only be read. Once more changes nothing.
func Apply(config *aws.Config) {
	config.APIOptions = append(slices.Clip(config.APIOptions), func(stack *middleware.Stack) error {
		if _, isThere := stack.Finalize.Get(id); isThere {
			return nil
		}
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc(id, hideWriterTo), middleware.After)
	})
}

func hideWriterTo(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	request, isHTTP := in.Request.(*smithyhttp.Request)
	if !isHTTP {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("send once: a request of another transport: %T", in.Request)
	}
	if stream := request.GetStream(); stream != nil {
		plain, err := request.SetStream(onlyReads(stream))
		if err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("send once: %w", err)
		}
		in.Request = plain
	}
	return next.HandleFinalize(ctx, in)
}

func onlyReads(stream io.Reader) io.Reader {
	if seekable, is := stream.(io.ReadSeeker); is {
		return struct{ io.ReadSeeker }{seekable}
	}
	return struct{ io.Reader }{stream}
}
