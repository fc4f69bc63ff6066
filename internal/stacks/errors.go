package stacks

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/operation"
)

func codeOf(err error) string {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return ""
	}
	return answered.ErrorCode()
}

func isThrottled(err error) bool {
	return slices.Contains([]string{"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}, codeOf(err))
}

// isCut reports that the answer was lost with the connection. Against a server that answers at once this happens in the SDK
// itself, once in some hundred calls: it closes the request's body when the answer begins, and net/http, still at the end
// of writing it, then closes the connection.
func isCut(err error) bool {
	return err != nil && retry.RetryableConnectionError{}.IsErrorRetryable(err) == aws.TrueTernary
}

// isAbsent reports that there is no such stack, which CloudFormation calls a validation error like any other.
func isAbsent(err error) bool {
	return codeOf(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist")
}

// asFailure turns what CloudFormation refuses for good into a failure of the operation; other errors stay as they are.
func asFailure(err error) error {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return err
	}
	failure := &operation.Failure{Code: "stack.refused", Reason: trim(answered.ErrorMessage())}
	switch answered.ErrorCode() {
	case "ValidationError", "InsufficientCapabilitiesException":
		failure.Advice = "The cell's template does not take what this release sends: bring both to the same release, or change what the reason names."
	case "LimitExceededException":
		failure.Advice = "The cell's account holds as many stacks as it may: raise its quota, or use another cell."
	case "AccessDenied", "AccessDeniedException":
		failure.Advice = "The cell's worker role lacks a right: update the cell's stack."
	default:
		return err
	}
	return failure
}
