package api

import (
	"context"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// ListCells lists cells.
func (a *API) ListCells(ctx context.Context, _ apigen.ListCellsRequestObject) (apigen.ListCellsResponseObject, error) {
	cells, err := a.Cells.Cells(ctx, callOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	list := apigen.ListCells200JSONResponse{Items: make([]apigen.Cell, 0, len(cells))}
	for _, c := range cells {
		list.Items = append(list.Items, cellTo(c))
	}
	return list, nil
}

// GetCell shows a cell.
func (a *API) GetCell(ctx context.Context, r apigen.GetCellRequestObject) (apigen.GetCellResponseObject, error) {
	c, err := a.Cells.Cell(ctx, callOf(ctx).actor, r.Name)
	if err != nil {
		return nil, err
	}
	return apigen.GetCell200JSONResponse{Body: cellTo(c), Headers: apigen.GetCell200ResponseHeaders{ETag: tagOf(c.Version)}}, nil
}

// AddCell adds a cell.
func (a *API) AddCell(ctx context.Context, r apigen.AddCellRequestObject) (apigen.AddCellResponseObject, error) {
	c := tenant.Cell{
		Name: r.Body.Name, Region: r.Body.Region, StackName: r.Body.StackName, RoleARN: r.Body.RoleArn, ExternalID: r.Body.ExternalId,
		MaxTenants: r.Body.MaxTenants, MaxShards: orZero(r.Body.MaxShards),
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	c, err := a.Cells.AddCell(ctx, callOf(ctx).actor, c)
	if err != nil {
		return nil, err
	}
	return apigen.AddCell201JSONResponse{Body: cellTo(c), Headers: apigen.AddCell201ResponseHeaders{ETag: tagOf(c.Version)}}, nil
}

// ChangeCell changes a cell's capacity, or drains it.
func (a *API) ChangeCell(ctx context.Context, r apigen.ChangeCellRequestObject) (apigen.ChangeCellResponseObject, error) {
	seen, err := versionsOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	change := tenant.CellChange{MaxTenants: r.Body.MaxTenants, MaxShards: r.Body.MaxShards, Draining: r.Body.Draining}
	c, err := a.Cells.ChangeCell(ctx, callOf(ctx).actor, r.Name, change, seen)
	if err != nil {
		return nil, err
	}
	return apigen.ChangeCell200JSONResponse{Body: cellTo(c), Headers: apigen.ChangeCell200ResponseHeaders{ETag: tagOf(c.Version)}}, nil
}

func cellTo(c tenant.Cell) apigen.Cell {
	return apigen.Cell{
		Name: c.Name, Region: c.Region, StackName: c.StackName, RoleArn: c.RoleARN, MaxTenants: c.MaxTenants, Tenants: c.Tenants,
		MaxShards: c.MaxShards, Shards: c.Shards, Draining: c.Draining, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}
