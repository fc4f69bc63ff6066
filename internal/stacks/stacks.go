// Package stacks drives tenants' CloudFormation stacks: create, update, delete, status, events, and the first resource that
// failed.
package stacks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Options are how hard CloudFormation is asked. AWS counts calls per account, so they hold for a cell.
type Options struct {
	Calls   int           // at most so many calls in any ten seconds; default 20
	MaxWait time.Duration // a call that would wait longer for its turn is ErrThrottled; default 5 s
}

// Stacks implements operation.Stacks. It is safe for use by several goroutines; workers share one.
type Stacks struct {
	cells     *cellaws.Cells
	options   Options
	templates templates

	mu    sync.Mutex
	known map[string]*cell // by the cell's name; guarded by mu
}

// cell is one cell's CloudFormation.
type cell struct {
	api   *cloudformation.Client
	pace  *pace
	crowd *crowd
}

// New returns Stacks that enters cells by way of cells.
func New(cells *cellaws.Cells, options Options) *Stacks {
	if options.Calls == 0 {
		options.Calls = 20
	}
	if options.MaxWait == 0 {
		options.MaxWait = 5 * time.Second
	}
	return &Stacks{cells: cells, options: options, known: map[string]*cell{}}
}

func (s *Stacks) cell(c tenant.Cell) *cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[c.Name]; known != nil {
		return known
	}
	made := &cell{pace: newPace(s.options.Calls, s.options.MaxWait), crowd: newCrowd(s.options.Calls)}
	// The SDK's own retries would come on top of the pace.
	made.api = cloudformation.NewFromConfig(s.cells.Config(c), func(o *cloudformation.Options) { o.Retryer = aws.NopRetryer{} })
	s.known[c.Name] = made
	return made
}

// Describe returns the tenant's stack, StackAbsent when there is none. While many stacks are in motion, one list serves them
// all, so a stack in motion may be told as it was some seconds ago; any other answer is fresh.
func (s *Stacks) Describe(ctx context.Context, in tenant.Cell, of slug.Slug) (operation.StackView, error) {
	c := s.cell(in)
	view, inMotion, err := c.crowd.look(ctx, of, c.listInMotion)
	if err != nil || inMotion {
		return view, err
	}
	if view, err = c.describe(ctx, of.StackName()); err != nil {
		return view, err
	}
	return view, c.crowd.seen(ctx, of, view)
}

// describe returns the stack with a name or id.
func (c *cell) describe(ctx context.Context, name string) (operation.StackView, error) {
	var got *cloudformation.DescribeStacksOutput
	err := c.call(ctx, func() (err error) {
		got, err = c.api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(name)})
		return err
	})
	if isAbsent(err) || err == nil && len(got.Stacks) == 0 {
		return operation.StackView{Status: operation.StackAbsent}, nil
	}
	if err != nil {
		return operation.StackView{}, fmt.Errorf("describe stack %s: %w", name, err)
	}
	return viewOf(got.Stacks[0]), nil
}

// call makes one call in its turn, and again in a later one when it is throttled or its connection breaks. Every call that
// changes something carries a token, so that making it twice is making it once.
func (c *cell) call(ctx context.Context, do func() error) error {
	const tries = 3
	var err error
	for range tries {
		if waited := c.pace.wait(ctx); waited != nil {
			return because(waited, err)
		}
		switch err = do(); {
		case isThrottled(err):
			c.pace.slower()
		case isCut(err):
		default:
			c.pace.faster()
			return err
		}
	}
	if isThrottled(err) {
		err = because(operation.ErrThrottled, err)
	}
	return err
}

// because joins two errors in one line; there may be no cause.
func because(err, cause error) error {
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, cause)
}

func viewOf(stack types.Stack) operation.StackView {
	view := operation.StackView{
		ID: aws.ToString(stack.StackId), Status: statusOf(stack.StackStatus), Raw: string(stack.StackStatus),
		Outputs: make(map[string]string, len(stack.Outputs)), Parameters: make(map[string]string, len(stack.Parameters)),
	}
	for _, p := range stack.Parameters {
		view.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, output := range stack.Outputs {
		view.Outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	view.ArtifactVersion = view.Outputs["ArtifactVersion"]
	view.IndexPeriods = periodsOf(stack.Parameters)
	return view
}

// statusOf groups CloudFormation's statuses. One that is new to us is waited for, not acted upon.
func statusOf(status types.StackStatus) operation.StackStatus {
	switch status {
	case types.StackStatusDeleteComplete:
		return operation.StackAbsent
	case types.StackStatusCreateInProgress:
		return operation.StackCreating
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusImportComplete:
		return operation.StackReady
	case types.StackStatusUpdateRollbackComplete, types.StackStatusUpdateFailed, types.StackStatusImportRollbackComplete,
		types.StackStatusImportRollbackFailed:
		return operation.StackReverted
	case types.StackStatusRollbackInProgress:
		return operation.StackRollingBack
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed,
		types.StackStatusReviewInProgress:
		return operation.StackRolledBack
	case types.StackStatusUpdateRollbackFailed:
		return operation.StackStuck
	case types.StackStatusDeleteInProgress:
		return operation.StackDeleting
	case types.StackStatusDeleteFailed:
		return operation.StackUndeletable
	default:
		return operation.StackUpdating
	}
}
