package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	bug := errors.New("a bug")
	for name, row := range map[string]struct{ err, want error }{
		"nothing":               {nil, nil},
		"a fault":               {tenant.ErrNoCell, tenant.ErrNoCell},
		"a rule":                {&pgconn.PgError{Code: "23505", ConstraintName: "tenants_slug_held_uq"}, tenant.ErrSlugTaken},
		"row-level security":    {&pgconn.PgError{Code: "42501", Message: "new row violates row-level security policy"}, access.ErrForbidden},
		"a server that stops":   {fmt.Errorf("x: %w", &pgconn.PgError{Code: "57P01"}), ErrUnavailable},
		"too many connections":  {&pgconn.PgError{Code: "53300"}, ErrUnavailable},
		"a slow statement":      {&pgconn.PgError{Code: "57014"}, ErrUnavailable},
		"a cut connection":      {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), ErrUnavailable},
		"no answer in time":     {context.DeadlineExceeded, ErrUnavailable},
		"a caller who has gone": {context.Canceled, context.Canceled},
		"anything else":         {bug, bug},
	} {
		if got := translate(row.err); !errors.Is(got, row.want) {
			t.Errorf("%s: got %v, want %v", name, got, row.want)
		}
	}
	if f, ok := fault.As(translate(&pgconn.PgError{Code: "42P01"})); ok {
		t.Errorf("a missing table became %v", f)
	}
}

func TestLostDatabase(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Config{URL: "postgres://earshot_app:x@127.0.0.1:1/none", Timeout: time.Second})
	if err != nil {
		t.Fatalf("a service must start while its database is away: %v", err)
	}
	defer db.Close()
	if err := db.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("ping got %v", err)
	}
	if _, err := db.Tenant(t.Context(), access.Actor{Scope: access.Scope{All: true}}, "acme"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a query got %v", err)
	}
}
