package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
)

// StartReplay implements operation.Starter.
func (db *DB) StartReplay(ctx context.Context, actor access.Actor, s slug.Slug, span operation.Span, w operation.Write) (operation.Started, error) {
	text, err := json.Marshal(span)
	if err != nil {
		return operation.Started{}, fmt.Errorf("write span: %w", err)
	}
	return db.startResend(ctx, actor, s, dbsqlc.AddOperationParams{Kind: string(operation.Replay), Span: text}, w)
}

// StartRedrive implements operation.Starter.
func (db *DB) StartRedrive(ctx context.Context, actor access.Actor, s slug.Slug, w operation.Write) (operation.Started, error) {
	return db.startResend(ctx, actor, s, dbsqlc.AddOperationParams{Kind: string(operation.Redrive)}, w)
}

func (db *DB) startResend(ctx context.Context, actor access.Actor, s slug.Slug, op dbsqlc.AddOperationParams, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		if err := t.mayChange(ctx, found, true); err != nil {
			return starting{}, err
		}
		op.TenantID, op.State = found.ID, string(operation.Running)
		return t.record(ctx, &found, op, map[string]any{"slug": s})
	})
}
