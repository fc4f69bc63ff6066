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
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
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

// Trace has each call of every client that is made of the configuration from now on be a span of the context's trace, its repeats by
// the SDK included.
func Trace(config *aws.Config, provider trace.TracerProvider) {
	tracer := provider.Tracer("github.com/earshot-hq/earshot/internal/awscalls")
	config.APIOptions = append(config.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("earshot:trace", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
			ctx, span := tracer.Start(ctx, service+"."+operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("rpc.system.name", "aws-api"), attribute.String("rpc.method", service+"/"+operation),
				attribute.String("aws.region", awsmiddleware.GetRegion(ctx)),
			))
			defer span.End()
			out, metadata, err := next.HandleInitialize(ctx, in)
			if id, isKnown := awsmiddleware.GetRequestIDMetadata(metadata); isKnown {
				span.SetAttributes(attribute.String("aws.request_id", id))
			}
			if err != nil {
				span.SetStatus(codes.Error, "")
				span.SetAttributes(attribute.String("error.type", codeOf(err)))
			}
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
