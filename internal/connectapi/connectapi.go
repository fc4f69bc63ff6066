// Package connectapi reads the agent directory of Amazon Connect instances in customers' own AWS accounts, and what is set up there
// for us, through the role that the customer made for it. Connect counts requests per account and region, all callers together: two a second, so this
// asks at most once a second and backs off with full jitter.
package connectapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/earshot-hq/earshot/internal/agents"
)

// An Instance is a Connect instance and the role by which it may be read.
type Instance struct {
	ARN        string // arn:<partition>:connect:<region>:<account>:instance/<id>
	Region     string
	RoleARN    string
	ExternalID string
	Session    string // names us in the customer's audit log
}

// Settings say how fast Connect is asked.
type Settings struct {
	Endpoint      string        // of Connect; empty: AWS's own
	RequestPeriod time.Duration // between two requests, whoever's instance they are for
	MaxBackoff    time.Duration // after a request that was throttled
	MaxAttempts   int           // for one request
}

// A Reader reads directories, one request at a time. Use New.
type Reader struct {
	account  aws.Config // our own, which assumes the customers' roles
	settings Settings
	pace     *rate.Limiter
}

// New returns a reader that assumes customers' roles as account.
func New(account aws.Config, s Settings) *Reader {
	return &Reader{account: account, settings: s, pace: rate.NewLimiter(rate.Every(s.RequestPeriod), 1)}
}

// A Tally counts requests to Connect.
type Tally struct{ Requests, Throttled int }

// Read returns the instance's directory as it is now. Its errors hold a fault of package agents that says what an admin can do.
func (r *Reader) Read(ctx context.Context, from Instance) (*agents.Directory, Tally, error) {
	tally := &Tally{}
	client, err := r.enter(ctx, from, tally)
	if err != nil {
		return nil, *tally, err
	}
	run := &run{client: client, from: from, groups: map[string]int32{}, profiles: map[string]int32{}, seen: map[string]int{}}
	err = run.read(ctx)
	if err != nil {
		return nil, *tally, classify(ctx, err)
	}
	return &run.directory, *tally, nil
}

// enter assumes the customer's role and returns Connect as it sees it.
func (r *Reader) enter(ctx context.Context, from Instance, tally *Tally) (*connect.Client, error) {
	role := aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(r.account), from.RoleARN,
		func(o *stscreds.AssumeRoleOptions) {
			o.ExternalID, o.RoleSessionName = aws.String(from.ExternalID), from.Session
		}))
	if _, err := role.Retrieve(ctx); err != nil {
		if codeOf(err) == "AccessDenied" {
			return nil, fmt.Errorf("%w (%w)", agents.ErrRoleRefused, err)
		}
		return nil, fmt.Errorf("assume %s: %w", from.RoleARN, classify(ctx, err))
	}
	options := connect.Options{
		Region: from.Region, Credentials: role,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			// The SDK's back-off is a random time up to a growing bound: full jitter. Its own token bucket would give up early.
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = r.settings.MaxAttempts, r.settings.MaxBackoff, ratelimit.None
		}),
		APIOptions: []func(*middleware.Stack) error{r.paced(tally)},
	}
	if r.settings.Endpoint != "" {
		options.BaseEndpoint = aws.String(r.settings.Endpoint)
	}
	return connect.New(options), nil
}

// paced holds each request back, a repeated one too, until it is time for it.
func (r *Reader) paced(tally *Tally) func(*middleware.Stack) error {
	wait := middleware.FinalizeMiddlewareFunc("Pace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := r.pace.Wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("%w (%w)", agents.ErrOutOfTime, err)
		}
		tally.Requests++
		out, metadata, err := next.HandleFinalize(ctx, in)
		if isThrottled(err) {
			tally.Throttled++
		}
		return out, metadata, err
	})
	return func(stack *middleware.Stack) error { return stack.Finalize.Insert(wait, "Retry", middleware.After) }
}

// classify turns what Connect or the network said into a fault, with its cause for the log.
func classify(ctx context.Context, err error) error {
	for _, known := range []error{agents.ErrOutOfTime, agents.ErrEmpty, agents.ErrTooLarge} {
		if errors.Is(err, known) {
			return err
		}
	}
	kind := agents.ErrUnavailable
	switch {
	case ctx.Err() != nil:
		kind = agents.ErrOutOfTime
	case isThrottled(err):
		kind = agents.ErrThrottled
	case codeOf(err) == "AccessDeniedException":
		kind = agents.ErrAccessDenied
	case codeOf(err) == "ResourceNotFoundException":
		kind = agents.ErrInstanceUnknown
	}
	return fmt.Errorf("%w (%w)", kind, err)
}

func isThrottled(err error) bool {
	_, is := retry.DefaultThrottleErrorCodes[codeOf(err)]
	return is
}

func codeOf(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorCode()
	}
	return ""
}
