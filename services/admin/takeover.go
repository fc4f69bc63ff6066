package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres"
)

// takeover gives the queue back what dead workers had in hand. Every worker does this for all: River's own rescue is done
// by one elected worker, which may be the dead one, and comes later.
type takeover struct {
	db     *postgres.DB
	holder string
	lease  time.Duration
	every  time.Duration
	log    *slog.Logger

	end   context.CancelFunc // nil before Start
	ended sync.WaitGroup
}

// Start begins to look, at once and then every so often.
func (t *takeover) Start(ctx context.Context) error {
	ctx, t.end = context.WithCancel(context.WithoutCancel(ctx))
	began := time.Now()
	t.ended.Go(func() {
		ticks := time.NewTicker(t.every)
		defer ticks.Stop()
		for ctx.Err() == nil {
			t.look(ctx, began)
			select {
			case <-ticks.C:
			case <-ctx.Done():
			}
		}
	})
	return nil
}

func (t *takeover) look(ctx context.Context, began time.Time) {
	everything := access.Actor{Subject: "worker", Name: "worker", Role: access.System, Scope: access.Scope{All: true}}
	taken, err := t.db.TakeOver(ctx, everything, postgres.Survivor{Holder: t.holder, Began: began, Lease: t.lease})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		t.log.WarnContext(ctx, "cannot look for abandoned jobs", "error", err)
	case taken > 0:
		t.log.WarnContext(ctx, "jobs of workers that are gone go on", "jobs", taken)
	}
}

// Stop ends the looking and waits for its end.
func (t *takeover) Stop(context.Context) error {
	if t.end != nil {
		t.end()
		t.ended.Wait()
	}
	return nil
}
