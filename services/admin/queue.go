package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/problem"
)

// queueClient is River's client as it is used here.
type queueClient interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
}

// queue is River as a part of a process: it starts when the database is there, whenever that is.
type queue struct {
	client queueClient
	log    *slog.Logger

	mu      sync.Mutex
	works   bool               // guarded by mu
	giveUp  context.CancelFunc // ends the tries to start; nil before Start
	starter sync.WaitGroup
}

// Start begins to start. River asks the database first; while that is away, it is tried again.
func (q *queue) Start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // River ends with Stop, not with the signal
	tries, giveUp := context.WithCancel(ctx)
	q.giveUp = giveUp
	q.starter.Go(func() { q.start(ctx, tries) })
	return nil
}

func (q *queue) start(ctx, tries context.Context) {
	const pause = time.Second
	for tries.Err() == nil {
		err := q.client.Start(ctx)
		if err == nil {
			q.set(true)
			q.log.InfoContext(ctx, "working")
			return
		}
		q.log.WarnContext(ctx, "the queue cannot start yet", "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-tries.Done():
			timer.Stop()
		}
	}
}

// set notes whether the queue works, and returns whether it did.
func (q *queue) set(works bool) (before bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before, q.works = q.works, works
	return before
}

// ready is a health check.
func (q *queue) ready(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.works {
		return problem.ErrUnavailable
	}
	return nil
}

// softStop is how long steps under way have for their end. A step that is cut off then runs again.
const softStop = 10 * time.Second

// Stop takes no new jobs and lets those under way end, for softStop at most.
func (q *queue) Stop(ctx context.Context) error {
	if q.giveUp == nil {
		return nil
	}
	q.giveUp()
	q.starter.Wait()
	if !q.set(false) {
		return nil
	}
	soft, cancel := context.WithTimeout(ctx, softStop)
	defer cancel()
	err := q.client.Stop(soft)
	if errors.Is(err, context.DeadlineExceeded) {
		err = q.client.StopAndCancel(ctx)
	}
	return err
}
