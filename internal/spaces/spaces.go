// Package spaces asks a cell's provider about the spaces of its tenants.
package spaces

import (
	"context"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Spaces implements operation.Spaces.
type Spaces struct{ cells *cellaws.Cells }

// New returns Spaces of the cells that are entered by way of cells.
func New(cells *cellaws.Cells) *Spaces { return &Spaces{cells: cells} }

// Provision has the provider write what the space lacks of its templates, and returns what it found and did.
func (s *Spaces) Provision(ctx context.Context, cell tenant.Cell, of slug.Slug) (operation.SpaceReport, error) {
	var report operation.SpaceReport
	err := s.cells.InvokeProvider(ctx, cell, map[string]any{"action": "provision", "slug": of.String()}, &report)
	return report, err
}
