// Package resender has a tenant's resend function send again what the tenant's queue had once.
package resender

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Resender implements operation.Resender.
type Resender struct{ cells *cellaws.Cells }

// New returns a Resender that enters cells by way of cells.
func New(cells *cellaws.Cells) *Resender { return &Resender{cells: cells} }

// request is what lambdas/resend takes: one of the two.
type request struct {
	Replay  *replay  `json:"replay,omitempty"`
	Redrive *redrive `json:"redrive,omitempty"`
}

type replay struct {
	operation.Span
	NotBefore time.Time `json:"not_before"`
	Cursor    string    `json:"cursor"`
}

type redrive struct {
	Before time.Time `json:"before"`
}

type answer struct {
	Cursor   string   `json:"cursor"`
	Share    float64  `json:"share"`
	Messages int      `json:"messages"`
	Records  int      `json:"records"`
	TooOld   int      `json:"too_old"`
	Damaged  []string `json:"damaged"`
	Newer    int      `json:"newer"`
	Hidden   int      `json:"hidden"`
	Done     bool     `json:"done"`
	Waiting  bool     `json:"waiting"`
}

// Replay has the function send one chunk of the archive.
func (r *Resender) Replay(
	ctx context.Context, cell tenant.Cell, s slug.Slug, span operation.Span, notBefore time.Time, cursor string,
) (operation.Resent, error) {
	return r.invoke(ctx, cell, s, request{Replay: &replay{span, notBefore, cursor}})
}

// Redrive has the function send some dead letters back.
func (r *Resender) Redrive(ctx context.Context, cell tenant.Cell, s slug.Slug, before time.Time) (operation.Resent, error) {
	return r.invoke(ctx, cell, s, request{Redrive: &redrive{before}})
}

func (r *Resender) invoke(ctx context.Context, cell tenant.Cell, s slug.Slug, asked request) (operation.Resent, error) {
	var said answer
	err := r.cells.Invoke(ctx, cell, s.FunctionName("resend"), asked, &said)
	return operation.Resent(said), err
}
