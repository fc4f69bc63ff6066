package customresource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

const (
	maxReason = 1024             // bytes; CloudFormation reads 4,096 of the whole answer
	spare     = 15 * time.Second // kept of the function's time for the answer
	tries     = 5
)

// A Provider serves one type of custom resource.
type Provider struct {
	// Suffix makes the physical id, <stack name>/<suffix>: the same for ever, so that no update is a replacement.
	Suffix string
	// Apply does what the request asks for. It may be called twice, late, and for Delete of what never was.
	Apply func(ctx context.Context, r Request) error
}

// Serve handles the event and answers CloudFormation whatever happens: a panic and a lack of time are failures with a
// reason. A Delete that may not be asked for does nothing and succeeds, or the stack could never be deleted: nothing was
// made for it. The error is that of the answer itself.
func (p Provider) Serve(ctx context.Context, e cfn.Event) error {
	response := cfn.NewResponse(&e)
	response.Status = cfn.StatusSuccess
	response.PhysicalResourceID = p.physicalID(e)
	if err := p.apply(ctx, e); err != nil {
		response.Status = cfn.StatusFailed
		response.Reason = bounded(err.Error())
	}
	slog.InfoContext(ctx, "custom resource", "type", e.ResourceType, "request", e.RequestType, "stack", e.StackID,
		"status", response.Status, "reason", response.Reason)
	return send(ctx, response)
}

func (p Provider) apply(ctx context.Context, e cfn.Event) (err error) {
	if deadline, isSet := ctx.Deadline(); isSet {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-spare))
		defer cancel()
	}
	defer func() {
		if thrown := recover(); thrown != nil {
			slog.ErrorContext(ctx, "custom resource panicked", "panic", fmt.Sprint(thrown), "stack_trace", string(debug.Stack()))
			err = errors.New("the provider broke down; its log says where")
		}
	}()
	request, err := requestOf(e)
	switch {
	case err != nil && e.RequestType == cfn.RequestDelete:
		slog.WarnContext(ctx, "delete of a foreign request ignored", "stack", e.StackID, "reason", err.Error())
		return nil
	case err != nil:
		return err
	}
	return p.Apply(ctx, request)
}

// physicalID derives from the stack alone, so every path of every request gives the same.
func (p Provider) physicalID(e cfn.Event) string {
	if name := stackName(e.StackID); name != "" {
		return name + "/" + p.Suffix
	}
	if e.PhysicalResourceID != "" {
		return e.PhysicalResourceID
	}
	return "unknown/" + p.Suffix
}

// send puts the answer where CloudFormation waits for it. Without one the stack hangs for an hour, so it is tried again.
func send(ctx context.Context, response *cfn.Response) error {
	var err error
	for try := range tries {
		if err = response.Send(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("answer CloudFormation: %w", withoutURL(err))
		case <-time.After(time.Duration(1<<try) * 100 * time.Millisecond):
		}
	}
	return fmt.Errorf("answer CloudFormation: %w", withoutURL(err))
}

// withoutURL cuts the presigned address out: who has it can answer in our place.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// bounded cuts a reason to what CloudFormation takes, at a character's end.
func bounded(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason] + "…"
	}
	return strings.ToValidUTF8(reason, "")
}
