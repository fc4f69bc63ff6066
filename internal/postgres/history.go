package postgres

import (
	"context"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// Operation implements operation.History.
func (db *DB) Operation(ctx context.Context, actor access.Actor, id string) (op operation.Operation, err error) {
	if !isUUID(id) {
		return op, operation.ErrNotFound
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		op, err = t.operationByID(ctx, id)
		return err
	})
	return op, err
}

// operationPlace is where a page of operations ends.
type operationPlace struct {
	At time.Time `json:"a"`
	ID string    `json:"i"`
}

// Operations implements operation.History.
func (db *DB) Operations(ctx context.Context, actor access.Actor, f operation.Filter) (list []operation.Operation, next string, err error) {
	filter := []string{"operations", f.Tenant.String(), string(f.Kind), string(f.State)}
	before, err := readCursor(f.Cursor, filter, operationPlace{})
	if err != nil || f.Cursor != "" && (!isUUID(before.ID) || before.At.IsZero()) {
		return nil, "", tenant.ErrCursor
	}
	limit := pageSize(f.Limit)
	query := dbsqlc.OperationsBeforeParams{
		Slug: f.Tenant.String(), Kind: string(f.Kind), State: string(f.State), AtMost: limit + 1,
		BeforeAt: orNull(before.At), BeforeID: before.ID,
	}
	if query.BeforeAt == nil {
		query.BeforeID = nilID
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		rows, err := t.OperationsBefore(ctx, query)
		if err != nil {
			return err
		}
		next = ""
		if len(rows) > int(limit) {
			rows = rows[:limit]
			last := rows[limit-1].Operation
			next = writeCursor(filter, operationPlace{At: last.CreatedAt, ID: last.ID})
		}
		list = make([]operation.Operation, 0, len(rows))
		for _, row := range rows {
			op, err := operationFrom(row.Operation, row.Slug)
			if err != nil {
				return err
			}
			list = append(list, op)
		}
		return nil
	})
	return list, next, err
}

// Events implements operation.History.
func (db *DB) Events(ctx context.Context, actor access.Actor, id string, after int64, limit int) (events []operation.Event, err error) {
	if !isUUID(id) {
		return nil, operation.ErrNotFound
	}
	err = db.inTx(ctx, actor, func(ctx context.Context, t tx) error {
		op, err := t.operationByID(ctx, id)
		if err != nil {
			return err
		}
		rows, err := t.EventsAfter(ctx, dbsqlc.EventsAfterParams{
			TenantID: op.TenantID, OperationID: op.ID, After: after, AtMost: pageSize(limit),
		})
		if err != nil {
			return err
		}
		events = make([]operation.Event, 0, len(rows))
		for _, row := range rows {
			events = append(events, operation.Event{
				Sequence: row.Sequence, At: row.At.UTC(), Step: row.Step, Level: row.Level, Message: row.Message,
				Resource: row.Resource, Status: row.Status, Percent: int(row.Percent),
			})
		}
		return nil
	})
	return events, err
}

func (t tx) operationByID(ctx context.Context, id string) (operation.Operation, error) {
	row, err := t.OperationByID(ctx, id)
	if err != nil {
		return operation.Operation{}, orNotFound(err, operation.ErrNotFound)
	}
	return operationFrom(row.Operation, row.Slug)
}
