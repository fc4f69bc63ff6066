package stacks

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
)

const (
	crowded  = 4           // from so many stacks in motion asked about, one list is cheaper than a call each
	askedOf  = time.Minute // how long a stack counts as asked about
	listCost = 4           // a list may be as old as so many calls last,
	eachCost = 3           // and by so large a part of a call more for each stack asked about
)

// A crowd answers for many stacks in motion from one list, and shares the calls for their events out evenly. Only "in motion"
// is ever said from the list: late by some seconds, it makes the caller wait once more and nothing else.
type crowd struct {
	turn    chan struct{} // holds one token: who has it may touch the rest
	asked   map[slug.Slug]time.Time
	listed  map[string]operation.StackView // by stack name
	at      time.Time
	moving  map[string]bool      // by stack id: the last answer was that it is in motion, from the list
	told    map[string]time.Time // by stack id: when its events were last read
	perCall time.Duration        // how much time of the pace an answer costs
}

// newCrowd shares out a pace of so many calls in ten seconds.
func newCrowd(calls int) *crowd {
	c := &crowd{
		turn: make(chan struct{}, 1), asked: map[slug.Slug]time.Time{}, moving: map[string]bool{}, told: map[string]time.Time{},
		perCall: span / time.Duration(calls) * 3 / 2, // some calls are refused
	}
	c.turn <- struct{}{}
	return c
}

// enter waits for the turn; the caller gives it back with leave.
func (c *crowd) enter(ctx context.Context) error {
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *crowd) leave() { c.turn <- struct{}{} }

// look returns the tenant's stack from the list, and true, when many are asked about and this one is in motion.
func (c *crowd) look(
	ctx context.Context, of slug.Slug, list func(context.Context) (map[string]operation.StackView, error),
) (operation.StackView, bool, error) {
	if err := c.enter(ctx); err != nil {
		return operation.StackView{}, false, err
	}
	defer c.leave()
	now := time.Now()
	c.asked[of] = now
	for other, last := range c.asked {
		if now.Sub(last) > askedOf {
			delete(c.asked, other)
		}
	}
	if len(c.asked) < crowded {
		clear(c.moving)
		clear(c.told)
		return operation.StackView{}, false, nil
	}
	if now.Sub(c.at) > listCost*c.perCall+time.Duration(len(c.asked))*c.perCall/eachCost {
		listed, err := list(ctx)
		if err != nil {
			return operation.StackView{}, false, err
		}
		c.listed, c.at = listed, time.Now()
	}
	view, found := c.listed[of.StackName()]
	if found {
		c.moving[view.ID] = true
	}
	return view, found, nil
}

// seen notes that a stack was just seen by itself, whatever the list said. One that rests is none of the crowd.
func (c *crowd) seen(ctx context.Context, of slug.Slug, view operation.StackView) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.leave()
	delete(c.moving, view.ID)
	if !isMoving(view.Status) {
		delete(c.asked, of)
	}
	return nil
}

func isMoving(status operation.StackStatus) bool {
	switch status {
	case operation.StackCreating, operation.StackUpdating, operation.StackRollingBack, operation.StackDeleting:
		return true
	default:
		return false
	}
}

// isEarly reports that the events of a stack in motion were read so recently that it is the others' turn. A stack that is
// at rest is never early: nobody would ask for its last events again.
func (c *crowd) isEarly(ctx context.Context, stackID string) (bool, error) {
	if err := c.enter(ctx); err != nil {
		return false, err
	}
	defer c.leave()
	share := time.Duration(len(c.asked)) * c.perCall
	return c.moving[stackID] && time.Since(c.told[stackID]) < share, nil
}

// hasTold notes that the events of a stack were read.
func (c *crowd) hasTold(ctx context.Context, stackID string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.leave()
	c.told[stackID] = time.Now()
	return nil
}

var inMotion = []types.StackStatus{
	types.StackStatusCreateInProgress, types.StackStatusRollbackInProgress, types.StackStatusDeleteInProgress,
	types.StackStatusUpdateInProgress, types.StackStatusUpdateCompleteCleanupInProgress,
	types.StackStatusUpdateRollbackInProgress, types.StackStatusUpdateRollbackCompleteCleanupInProgress,
}

// listInMotion returns the tenants' stacks in motion by name.
func (c *cell) listInMotion(ctx context.Context) (map[string]operation.StackView, error) {
	listed := map[string]operation.StackView{}
	pages := cloudformation.NewListStacksPaginator(c.api, &cloudformation.ListStacksInput{StackStatusFilter: inMotion})
	for pages.HasMorePages() {
		var page *cloudformation.ListStacksOutput
		err := c.call(ctx, func() (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list stacks in motion: %w", err)
		}
		for _, stack := range page.StackSummaries {
			name := aws.ToString(stack.StackName)
			if _, ours := slug.FromStackName(name); ours {
				listed[name] = operation.StackView{
					ID: aws.ToString(stack.StackId), Status: statusOf(stack.StackStatus), Raw: string(stack.StackStatus),
				}
			}
		}
	}
	return listed, nil
}
