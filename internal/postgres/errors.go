package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// ErrUnavailable is the fault of a database that cannot be reached or does not answer in time.
var ErrUnavailable = fault.New(fault.Unavailable, "database.unavailable",
	"The database cannot be reached. Try again in a moment, with the same Idempotency-Key.")

// rules are the constraints whose violation means something to a caller.
var rules = map[string]*fault.Fault{
	"tenants_slug_held_uq":          tenant.ErrSlugTaken,
	"connect_instances_arn_held_uq": tenant.ErrARNTaken,
	"operations_one_running_uq":     operation.ErrRunning,
	"operations_one_queued_uq":      operation.ErrRunning,
}

// translate turns what the database says into a fault where it is one, and leaves any other error as it is.
func translate(err error) error {
	if _, isFault := fault.As(err); err == nil || isFault {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if rule := rules[pg.ConstraintName]; rule != nil {
			return fmt.Errorf("%w (%s)", rule, pg.ConstraintName)
		}
		if pg.Code == "42501" && strings.Contains(pg.Message, "row-level security") {
			return fmt.Errorf("%w: %s", access.ErrForbidden, pg.Message)
		}
		if isAway(pg.Code) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	}
	if isLost(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// isAway reports the codes of a server that is stopping, starting, full or too slow.
func isAway(code string) bool {
	switch code {
	case "55P03", "57014", "25P03", "25006": // lock_timeout, statement_timeout, idle in transaction, read-only after a failover
		return true
	}
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "53")
}

// isLost reports errors of the connection itself. A caller who has gone away (Canceled) is none.
func isLost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}

func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}
