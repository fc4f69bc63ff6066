package stacks

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// FirstFailure returns the failure of the first resource that failed by itself in the call with this token: not of those that
// were cancelled because of it, nor the stack's own summary. Others that failed by themselves are named in the reason.
func (s *Stacks) FirstFailure(ctx context.Context, in tenant.Cell, stackID, token string) (*operation.Failure, error) {
	events, err := s.cell(in).since(ctx, stackID, token, "")
	if err != nil {
		return nil, err
	}
	var first *operation.Failure
	var others []string
	for _, e := range slices.Backward(events) {
		resource, reason := aws.ToString(e.LogicalResourceId), trim(aws.ToString(e.ResourceStatusReason))
		switch {
		case isOfStack(e), !isFailed(e.ResourceStatus), isCancelled(reason):
		case first == nil:
			first = &operation.Failure{
				Code: "stack.resource_failed", Reason: reason, Resource: resource, Type: aws.ToString(e.ResourceType),
			}
			first.Advice = advise(first.Type, reason)
		case resource != first.Resource:
			others = append(others, resource+": "+reason)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		first.Reason += " Also " + strings.Join(slices.Compact(others), " ")
	}
	return first, nil
}

func isFailed(status types.ResourceStatus) bool { return strings.HasSuffix(string(status), "_FAILED") }

// isCancelled reports that a resource failed only because another one did.
func isCancelled(reason string) bool {
	return strings.HasPrefix(reason, "Resource ") && strings.Contains(reason, " cancelled")
}

var (
	handler   = regexp.MustCompile(`(?s)^Resource handler returned message: "(.*)"(?: \(RequestToken: .*\))?$`)
	technical = regexp.MustCompile(`\s*\((?:Service|RequestToken|Request ID|SDK Attempt Count|Status Code)[:=][^()]*\)`)
)

// trim cuts from a reason what tells an admin nothing: service, request ids, proxy, and how it was handed on.
func trim(reason string) string {
	reason = strings.TrimSpace(reason)
	if inner := handler.FindStringSubmatch(reason); inner != nil {
		reason = inner[1]
	}
	return strings.TrimSpace(technical.ReplaceAllString(reason, ""))
}

// advices are what to do about reasons met before, the most telling first.
var advices = []struct{ kind, word, advice string }{
	{"AWS::Cognito::UserPoolDomain", "already", "another prefix: the name is taken in this region, perhaps by somebody else's account"},
	{"AWS::S3::Bucket", "not empty", "Empty the bucket, with all versions and unfinished uploads, then retry."},
	{"", "must detach", "Detach what was attached by hand, then retry."},
	{"", "must be deleted first", "Delete what was added by hand, then retry."},
	{"", "already exist", "Something of this name is left from before: delete it, then retry."},
	{"", "Too Many Requests", "AWS was busy: retry."},
	{"", "Rate exceeded", "AWS was busy: retry."},
	{"", "imit", "The account's quota is reached: raise it, or use another cell."},
	{"", "not authorized", "The cell's CloudFormation role lacks a right: update the cell's stack, then retry."},
	{"", "Access denied", "The cell's CloudFormation role lacks a right: update the cell's stack, then retry."},
}

func advise(kind, reason string) string {
	for _, a := range advices {
		if (a.kind == "" || a.kind == kind) && strings.Contains(reason, a.word) {
			return a.advice
		}
	}
	return ""
}
