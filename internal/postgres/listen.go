package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Listen calls ready when it hears, and then heard with the id of each operation that has a new event or another state, in whichever
// process that was written. It has a connection of its own. It returns when that breaks or ctx ends; what is written until it
// listens again is not told. An id says nothing of a tenant: what is new is read within a scope, as ever.
func (db *DB) Listen(ctx context.Context, ready func(), heard func(id string)) error {
	config := db.pool.Config().ConnConfig
	line, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return translate(fmt.Errorf("connect to listen: %w", err))
	}
	defer func() { _ = line.Close(context.WithoutCancel(ctx)) }() // nothing is under way
	if _, err := line.Exec(ctx, "listen earshot_operations"); err != nil {
		return translate(fmt.Errorf("listen: %w", err))
	}
	ready()
	for {
		told, err := line.WaitForNotification(ctx)
		if err != nil {
			return translate(fmt.Errorf("wait for news: %w", err))
		}
		heard(told.Payload)
	}
}
