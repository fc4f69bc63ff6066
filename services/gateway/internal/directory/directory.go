// Package directory knows the tenants of the gateway's cell: it reads their list again and again, and keeps the last one that
// was good.
package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/slug"
)

// A Reader reads the list where it lies.
type Reader interface {
	Read(ctx context.Context) (roster.Roster, error)
}

// A Directory is a background part. Its methods may be called from any goroutine.
type Directory struct {
	reader Reader
	every  time.Duration
	log    *slog.Logger

	mu      sync.RWMutex
	tenants map[slug.Slug]roster.Tenant // guarded by mu; nil until a list was read
	madeAt  time.Time                   // guarded by mu

	stop context.CancelFunc
	done chan struct{}
}

// New returns a directory that reads every so often.
func New(reader Reader, every time.Duration, log *slog.Logger) *Directory {
	return &Directory{reader: reader, every: every, log: log}
}

// Start reads the list, and goes on reading. That there is none yet stops nobody: it is asked for again.
func (d *Directory) Start(ctx context.Context) error {
	if err := d.Refresh(ctx); err != nil {
		d.log.WarnContext(ctx, "there is no list of tenants yet", "error", err)
	}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.done = make(chan struct{})
	go func() { // Stop waits for its end
		defer close(d.done)
		ticker := time.NewTicker(d.every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if err := d.Refresh(ctx); err != nil && ctx.Err() == nil {
					d.log.WarnContext(ctx, "the list of tenants is kept as it was", "error", err)
				}
			}
		}
	}()
	return nil
}

// Stop ends the reading.
func (d *Directory) Stop(ctx context.Context) error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errOlder = errors.New("it is older than the one that is known")

// Refresh reads the list once. One that is older than the last is refused: somebody may have put it back.
func (d *Directory) Refresh(ctx context.Context) error {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := d.reader.Read(ctx)
	if err != nil {
		return err
	}
	tenants := make(map[slug.Slug]roster.Tenant, len(list.Tenants))
	for _, t := range list.Tenants {
		if _, err := slug.Parse(t.Slug.String()); err != nil {
			return fmt.Errorf("read the list of tenants: %w", err)
		}
		tenants[t.Slug] = t
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if list.MadeAt.Before(d.madeAt) {
		return errOlder
	}
	d.tenants, d.madeAt = tenants, list.MadeAt
	return nil
}

// Tenant returns a tenant of the list.
func (d *Directory) Tenant(s slug.Slug) (roster.Tenant, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, isThere := d.tenants[s]
	return t, isThere
}

// Ready returns why no tenant is known.
func (d *Directory) Ready(context.Context) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.tenants == nil {
		return errors.New("no list of tenants was read yet")
	}
	return nil
}
