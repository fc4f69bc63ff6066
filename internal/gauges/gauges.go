// Package gauges reads how a tenant does from AWS: what its functions counted, from CloudWatch or from their log groups, and the
// depth of its queues. It holds no key to search.
package gauges

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Source is where functions' figures are kept.
type Source interface {
	// Figures returns what the tenant's functions counted between two instants.
	Figures(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (tenant.Figures, error)
	// Calls returns how many calls were reported between two instants.
	Calls(ctx context.Context, config aws.Config, s slug.Slug, from, to time.Time) (int64, error)
	// OldestSeconds returns the age of the oldest message of a queue, errUnknown where nobody keeps that.
	OldestSeconds(ctx context.Context, config aws.Config, queueURL string, to time.Time) (int64, error)
}

// Config is what Gauges need.
type Config struct {
	Cells   *cellaws.Cells                                     // entered as whoever may only look
	Cell    func(context.Context, string) (tenant.Cell, error) // by name
	Source  Source
	Timeout time.Duration // of each part; all are read at once
	Log     *slog.Logger
}

// Gauges implements tenant.Gauges and tenant.Onlooker.
type Gauges struct{ Config }

var (
	_ tenant.Gauges   = (*Gauges)(nil)
	_ tenant.Onlooker = (*Gauges)(nil)
)

// New returns Gauges.
func New(c Config) *Gauges { return &Gauges{c} }

var (
	errNoStack  = errors.New("the tenant has no stack")
	errUnknown  = errors.New("it is not kept where this installation's figures come from")
	errNoQueue  = errors.New("the tenant's stack names no such queue yet")
	errNoBucket = errors.New("the tenant's stack names no data bucket yet")
)

// place is where one tenant runs.
type place struct {
	config  aws.Config
	tenant  tenant.Tenant
	outputs map[string]string
	to      time.Time // the end of the window
}

// Health reads all parts at once.
func (g *Gauges) Health(ctx context.Context, t tenant.Tenant) tenant.Health {
	return g.read(ctx, t, func(ctx context.Context, at place, health *tenant.Health) (func(), error) {
		found, err := g.Source.Figures(ctx, at.config, t.Slug, at.to.Add(-tenant.HealthWindow), at.to)
		return func() { health.Figures = &found }, err
	})
}

// Snapshot implements tenant.Onlooker: of the figures it reads the day's calls alone, since CloudWatch counts what it is asked for.
func (g *Gauges) Snapshot(ctx context.Context, t tenant.Tenant) tenant.Snapshot {
	var calls *int64
	health := g.read(ctx, t, func(ctx context.Context, at place, _ *tenant.Health) (func(), error) {
		found, err := g.Source.Calls(ctx, at.config, t.Slug, at.to.Truncate(day), at.to)
		return func() { calls = &found }, err
	})
	snapshot := tenant.Snapshot{At: health.At, CallsToday: calls}
	snapshot.Condition, snapshot.Reason = tenant.Judge(t, health)
	return snapshot
}

// day begins at midnight UTC.
const day = 24 * time.Hour

// read reads all parts at once, the figures by what it is given. What a part sets is set when it has been read.
func (g *Gauges) read(ctx context.Context, t tenant.Tenant,
	figures func(context.Context, place, *tenant.Health) (set func(), err error),
) tenant.Health {
	health := tenant.Health{At: time.Now().UTC().Truncate(time.Millisecond), Unreadable: []tenant.Unreadable{}}
	at, err := g.place(ctx, t, health.At)
	if err != nil {
		for _, name := range []string{"figures", "queue", "dead_letters", "directory"} {
			g.miss(ctx, &health, t.Slug, name, err)
		}
		return health
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	read := func(part string, fn func(context.Context) (set func(), err error)) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, g.Timeout)
			defer cancel()
			set, err := fn(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				g.miss(ctx, &health, t.Slug, part, err)
				return
			}
			set()
		})
	}
	read("figures", func(ctx context.Context) (func(), error) { return figures(ctx, at, &health) })
	read("queue", func(ctx context.Context) (func(), error) {
		found, err := depth(ctx, at, "QueueUrl")
		return func() { health.Queue = found }, err
	})
	read("dead_letters", func(ctx context.Context) (func(), error) {
		found, err := depth(ctx, at, "DeadLetterQueueUrl")
		return func() { health.DeadLetters = new(found.Waiting + found.InFlight + found.Delayed) }, err
	})
	read("directory", func(ctx context.Context) (func(), error) {
		found, err := lastRuns(ctx, at)
		return func() { health.Directory = found }, err
	})
	all.Wait()
	if health.Queue != nil {
		g.readOldest(ctx, at, &health)
	}
	slices.SortFunc(health.Unreadable, func(a, b tenant.Unreadable) int { return strings.Compare(a.Part, b.Part) })
	return health
}

// readOldest asks for the age of the oldest message, which an empty queue does not have.
func (g *Gauges) readOldest(ctx context.Context, at place, health *tenant.Health) {
	queue := health.Queue
	if queue.Waiting+queue.InFlight+queue.Delayed == 0 {
		queue.OldestSeconds = new(int64)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	seconds, err := g.Source.OldestSeconds(ctx, at.config, at.outputs["QueueUrl"], at.to)
	if err != nil {
		g.miss(ctx, health, at.tenant.Slug, "oldest_message", err)
		return
	}
	queue.OldestSeconds = &seconds
}

// place finds the tenant's stack, whose outputs name its queues and its bucket.
func (g *Gauges) place(ctx context.Context, t tenant.Tenant, to time.Time) (place, error) {
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	cell, err := g.Cell(ctx, t.Cell)
	if err != nil {
		return place{}, fmt.Errorf("find cell %s: %w", t.Cell, err)
	}
	at := place{config: g.Cells.Config(cell), tenant: t, outputs: map[string]string{}, to: to}
	got, err := cloudformation.NewFromConfig(at.config).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(t.Slug.StackName())})
	var said smithy.APIError
	switch {
	case errors.As(err, &said) && strings.Contains(said.ErrorMessage(), "does not exist"), err == nil && len(got.Stacks) != 1:
		return place{}, errNoStack
	case err != nil:
		return place{}, fmt.Errorf("describe stack %s: %w", t.Slug.StackName(), err)
	}
	for _, output := range got.Stacks[0].Outputs {
		at.outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return at, nil
}

// miss notes that a part is not known. An admin gets our own words or the kind of AWS's error; the rest is for the log.
func (g *Gauges) miss(ctx context.Context, health *tenant.Health, s slug.Slug, part string, err error) {
	reason := "It could not be read; the service's log says why."
	var said smithy.APIError
	switch {
	case errors.Is(err, errNoStack):
		reason = "The tenant has no stack."
	case errors.Is(err, errUnknown):
		reason = "It is not kept where the figures come from."
	case errors.Is(err, errNoQueue), errors.Is(err, errNoBucket):
		reason = "The tenant's stack does not name it yet."
	case errors.Is(err, context.DeadlineExceeded):
		reason = "There was no answer in time."
	case errors.As(err, &said):
		reason = "AWS answered " + said.ErrorCode() + "."
	}
	g.Log.WarnContext(ctx, "a part of a tenant's health is not known", "tenant", s, "part", part, "error", err)
	health.Unreadable = append(health.Unreadable, tenant.Unreadable{Part: part, Reason: reason})
}
