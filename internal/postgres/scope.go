package postgres

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/dbsqlc"
)

// scopeOf writes the actor's scope as the policies read it. It is made from the actor alone: nothing else in a request can
// widen it.
func scopeOf(actor access.Actor) (dbsqlc.SetScopeParams, error) {
	scope := dbsqlc.SetScopeParams{Subject: actor.Subject}
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

// isUUID reports whether id has the one form in which we write ids: 36 characters.
func isUUID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }

// nilID sorts before every id.
const nilID = "00000000-0000-0000-0000-000000000000"
