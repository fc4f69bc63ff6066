package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func TestNewsIsHeardInEveryProcess(t *testing.T) {
	t.Parallel()
	writer := postgrestest.New(t, testenv.Postgres(t))
	reader, err := postgres.Open(t.Context(), postgres.Config{URL: writer.AppURL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	ctx, hangUp := context.WithCancel(t.Context())
	ready, heard, ended := make(chan struct{}), make(chan string, 10), make(chan error)
	go func() { ended <- reader.Listen(ctx, func() { close(ready) }, func(id string) { heard <- id }) }()
	<-ready
	started, err := writer.StartOnboard(t.Context(), owner, postgrestest.Draft(t, "acme"), operation.Write{})
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := writer.Claim(t.Context(), started.Tenant.ID, started.Operation.ID, "worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	op := claimed.Operation
	op.Percent = 1
	if err := writer.Save(t.Context(), operation.Progress{Operation: op}); err != nil { // nothing that a stream tells
		t.Fatal(err)
	}
	told := operation.Progress{Operation: op, Events: []operation.Event{{Level: "info", Message: "one"}, {Level: "info", Message: "two"}}}
	if err := writer.Save(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	told.Operation.Generation--
	if err := writer.Save(t.Context(), told); !errors.Is(err, operation.ErrLost) { // rolled back, and so not told
		t.Fatal(err)
	}
	op.State, op.FinishedAt = operation.Succeeded, time.Now()
	if err := writer.Save(t.Context(), operation.Progress{Operation: op}); err != nil {
		t.Fatal(err)
	}
	got := []string{<-heard, <-heard}
	hangUp()
	if err := <-ended; err == nil {
		t.Error("it ended without an error")
	}
	close(heard)
	for more := range heard {
		got = append(got, more)
	}
	if want := []string{op.ID, op.ID}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v: the two events together, and the end", got, want)
	}
}
