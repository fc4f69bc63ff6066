package api

import (
	"context"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// ListOperations lists operations, newest first.
func (a *API) ListOperations(ctx context.Context, r apigen.ListOperationsRequestObject) (apigen.ListOperationsResponseObject, error) {
	p := r.Params
	list, next, err := a.History.Operations(ctx, callOf(ctx).actor, operation.Filter{
		Tenant: slug.Slug(orZero(p.Tenant)), Kind: operation.Kind(orZero(p.Kind)), State: operation.State(orZero(p.State)),
		Limit: orZero(p.Limit), Cursor: orZero(p.Cursor),
	})
	if err != nil {
		return nil, err
	}
	page := apigen.ListOperations200JSONResponse{Items: make([]apigen.Operation, 0, len(list)), NextCursor: orNil(next)}
	for _, o := range list {
		page.Items = append(page.Items, operationTo(o))
	}
	return page, nil
}

// GetOperation shows an operation.
func (a *API) GetOperation(ctx context.Context, r apigen.GetOperationRequestObject) (apigen.GetOperationResponseObject, error) {
	o, err := a.History.Operation(ctx, callOf(ctx).actor, r.Id)
	if err != nil {
		return nil, err
	}
	return apigen.GetOperation200JSONResponse(operationTo(o)), nil
}

// ListOperationEvents shows an operation's events: as a page, or as they happen.
func (a *API) ListOperationEvents(ctx context.Context, r apigen.ListOperationEventsRequestObject) (apigen.ListOperationEventsResponseObject, error) {
	caller := callOf(ctx)
	after := max(orZero(r.Params.After), orZero(r.Params.LastEventID))
	if caller.takes("text/event-stream") {
		op, err := a.History.Operation(ctx, caller.actor, r.Id)
		if err != nil {
			return nil, err
		}
		return stream{api: a, ctx: ctx, op: op, after: after}, nil
	}
	events, err := a.History.Events(ctx, caller.actor, r.Id, after, orZero(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	page := apigen.ListOperationEvents200JSONResponse{Items: make([]apigen.OperationEvent, 0, len(events))}
	for _, e := range events {
		page.Items = append(page.Items, eventTo(e))
	}
	return page, nil
}
