package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
)

// scopeOf writes the actor's scope as the policies read it. It is made from the actor alone: nothing else in a request can
// widen it.
func scopeOf(actor access.Actor) (dbsqlc.SetScopeParams, error) {
	scope := dbsqlc.SetScopeParams{Subject: actor.Subject, Role: string(actor.Role)}
	if actor.Scope.All {
		scope.Scope = "*"
		return scope, nil
	}
	for _, id := range actor.Scope.TenantIDs {
		if !isUUID(id) {
			return scope, fmt.Errorf("scope of %s: %q is no tenant id", actor.Subject, id)
		}
	}
	scope.Scope = strings.Join(actor.Scope.TenantIDs, ",")
	return scope, nil
}

// TenantIDs returns the ids of the tenants that hold the slugs; one that nobody holds is left out. It is asked on behalf of a
// sign-in, whose scope is made of them, and shows nothing else.
func (db *DB) TenantIDs(ctx context.Context, slugs []string) (ids []string, err error) {
	err = db.inTx(ctx, recognition, func(ctx context.Context, t tx) error {
		ids, err = t.TenantsHolding(ctx, slugs)
		return err
	})
	return ids, err
}

// isUUID reports whether id has the one form in which we write ids: 36 characters.
func isUUID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

// nilID sorts before every id.
const nilID = "00000000-0000-0000-0000-000000000000"
