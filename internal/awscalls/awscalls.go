// Package awscalls watches the calls that the AWS SDK makes: which operation of which service, how it ended, how long it took.
package awscalls

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// An Observer is told of each call once, its repeats by the SDK included. The code is AWS's own of an error, "ok" of none, and
// "unanswered" where no answer came.
type Observer func(service, operation, code string, took time.Duration)

// Watch has every client that is made of the configuration from now on tell the observer.
func Watch(config *aws.Config, observe Observer) {
	config.APIOptions = append(config.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("earshot:watch", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			began := time.Now()
			out, metadata, err := next.HandleInitialize(ctx, in)
			observe(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), codeOf(err), time.Since(began))
			return out, metadata, err
		}), middleware.After)
	})
}

func codeOf(err error) string {
	var answered smithy.APIError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &answered):
		return answered.ErrorCode()
	}
	return "unanswered"
}
