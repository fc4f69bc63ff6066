package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// watchers measures the event streams of operations: what one of two hundred that are open costs the admin service in memory, and
// how long after a step is saved its event arrives, for one watcher, for two hundred of one operation, and for two hundred of an
// operation each. The steps are saved here, as a worker does; nothing else uses the service.
func watchers(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const many, events = 200, 100
	var figures []sheet.Figure
	alone := math.NaN()
	for _, c := range []struct {
		id, what             string
		operations, watchers int
	}{
		{"one", "one watcher", 1, 1},
		{"200_of_one", "200 watchers of one operation", 1, many},
		{"200_of_200", "200 watchers of an operation each", many, many},
	} {
		lags, memory, err := b.watch(ctx, "bench_watch_"+c.id, c.operations, c.watchers, events)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
		if c.watchers == 1 {
			alone = sheet.Percentile(lags, 50)
		}
		figures = append(figures, sheet.Figure{
			ID: "event_stream_lag_" + c.id, Value: sheet.Percentile(lags, 50), Unit: "ms", Runs: events,
			What: fmt.Sprintf("%s: from the beginning of a step's save until half of its events have arrived; 99 %% within %.1f ms; over one watcher %.1f",
				c.what, sheet.Percentile(lags, 99), sheet.Percentile(lags, 50)/alone),
		})
		if c.watchers > 1 {
			figures = append(figures, sheet.Figure{
				ID: "event_stream_memory_" + c.id, Value: memory, Unit: "KiB", Runs: 1, What: c.what + ": the admin service's memory for each, as the kernel counts it",
			})
		}
	}
	return figures, nil
}

// watch opens streams of so many operations, and saves a step of one after the other. It returns the milliseconds that each delivery
// took, and the KiB that a stream costs the service.
func (b *bench) watch(ctx context.Context, database string, operations, watchers, events int) (lags []float64, memory float64, err error) {
	o, err := b.newOffice(ctx, database, 0)
	if err != nil {
		return nil, 0, err
	}
	defer o.close()
	db, err := postgres.Open(ctx, postgres.Config{URL: o.database, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	inHand := make([]operation.Operation, operations)
	for i := range inHand {
		if inHand[i], err = takeInHand(ctx, db, slug.Slug(fmt.Sprintf("watched%d", i))); err != nil {
			return nil, 0, err
		}
	}
	before, err := o.residentKiB(ctx)
	if err != nil {
		return nil, 0, err
	}
	ctx, hangUp := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	defer func() { _ = group.Wait() }() // what matters has been returned
	defer hangUp()
	arrivals := make(chan time.Time, watchers)
	for i := range watchers {
		stream, err := o.admin.Stream(ctx, "/v1/operations/"+inHand[i%operations].ID+"/events")
		if err != nil {
			return nil, 0, err
		}
		group.Go(func() error {
			defer func() { _ = stream.Close() }() // read only
			for lines := bufio.NewScanner(stream); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "data: ") {
					arrivals <- time.Now()
				}
			}
			return nil
		})
	}
	await := func(since time.Time, deliveries int) error {
		for range deliveries {
			select {
			case at := <-arrivals:
				lags = append(lags, float64(at.Sub(since).Microseconds())/1000)
			case <-time.After(time.Minute):
				return fmt.Errorf("only %d of %d events have arrived", len(lags), deliveries)
			}
		}
		return nil
	}
	if err := await(time.Now(), watchers); err != nil { // the first event of each is there from the start
		return nil, 0, err
	}
	lags = nil
	after, err := o.residentKiB(ctx)
	if err != nil {
		return nil, 0, err
	}
	for n := range events {
		began := time.Now()
		if err := say(ctx, db, inHand[n%operations], fmt.Sprintf("event %d of the benchmark", n)); err != nil {
			return nil, 0, err
		}
		if err := await(began, watchers/operations); err != nil {
			return nil, 0, err
		}
	}
	return lags, (after - before) / float64(watchers), nil
}

// takeInHand makes a tenant whose onboarding has begun, and one event of it.
func takeInHand(ctx context.Context, db *postgres.DB, s slug.Slug) (operation.Operation, error) {
	draft, err := tenant.Draft{
		Slug: s.String(), DisplayName: "Watched", Settings: tenant.DefaultSettings(),
		ConnectInstances: []tenant.ConnectInstance{{
			Alias: "main", ARN: "arn:aws:connect:eu-west-2:111122223333:instance/" + uuid.NewString(), CCPURL: "https://" + s.String() + ".my.connect.aws/ccp-v2",
		}},
	}.Check()
	if err != nil {
		return operation.Operation{}, err
	}
	bench := access.Actor{Subject: "bench", Name: "bench", Role: access.Owner, Scope: access.Scope{All: true}}
	started, err := db.StartOnboard(ctx, bench, draft, operation.Write{})
	if err != nil {
		return operation.Operation{}, err
	}
	claimed, err := db.Claim(ctx, started.Tenant.ID, started.Operation.ID, "bench", time.Hour)
	return claimed.Operation, err
}

// say saves a step with one event.
func say(ctx context.Context, db *postgres.DB, op operation.Operation, message string) error {
	return db.Save(ctx, operation.Progress{Operation: op, Events: []operation.Event{{
		Level: "info", Message: message, Resource: "WriterRole", Status: "CREATE_COMPLETE",
	}}})
}
