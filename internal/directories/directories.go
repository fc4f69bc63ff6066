// Package directories has a tenant's function for agent directories work when somebody waits for it, besides its schedule: read a
// directory, or look at what the customer has set up for it.
package directories

import (
	"context"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Reader implements operation.Directories.
type Reader struct{ cells *cellaws.Cells }

// NewReader returns a Reader that enters cells by way of cells.
func NewReader(cells *cellaws.Cells) *Reader { return &Reader{cells: cells} }

// Read has the tenant's function read the directory of one Connect instance. That takes minutes and is not waited for: what came
// of it is in the tenant's health.
func (r *Reader) Read(ctx context.Context, cell tenant.Cell, s slug.Slug, alias string) error {
	return r.cells.Ask(ctx, cell, s.FunctionName("agent-directory"), request{Alias: alias})
}

// request is what lambdas/agent-directory takes for one instance.
type request struct {
	Alias string `json:"alias"`
}
