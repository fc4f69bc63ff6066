package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
	"github.com/earshot-hq/earshot/internal/slug"
)

// StartErase implements operation.Starter. Neither the audit event nor the operation's story has the name.
func (db *DB) StartErase(ctx context.Context, actor access.Actor, s slug.Slug, agent string, w operation.Write) (operation.Started, error) {
	return db.start(ctx, actor, w, func(ctx context.Context, t tx) (starting, error) {
		found, err := t.lockedTenant(ctx, s)
		if err != nil {
			return starting{}, err
		}
		erasure, err := operation.NewErasure(found, agent, time.Now())
		if err != nil {
			return starting{}, err
		}
		if err := t.mayChange(ctx, found, true); err != nil {
			return starting{}, err
		}
		text, err := json.Marshal(erasure)
		if err != nil {
			return starting{}, fmt.Errorf("write erasure: %w", err)
		}
		return t.record(ctx, &found, dbsqlc.AddOperationParams{
			TenantID: found.ID, Kind: string(operation.Erase), State: string(operation.Running), Erasure: text,
		}, map[string]any{"slug": s, "subject": erasure.Subject})
	})
}
