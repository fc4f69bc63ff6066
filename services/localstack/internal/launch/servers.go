package launch

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// servers are the three that are not ours.
type servers struct {
	postgres   *part.Postgres
	opensearch *part.OpenSearch
	emulator   *part.Emulator
}

// start starts parts at the same time and returns when all are ready.
func start(ctx context.Context, supervisor *process.Supervisor, parts ...process.Part) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range parts {
		group.Go(func() error { return supervisor.Start(ctx, one) })
	}
	return group.Wait()
}

// startServers fetches, configures and starts the three at the same time, and returns when all are ready.
func startServers(ctx context.Context, b *part.Bench, supervisor *process.Supervisor) (*servers, error) {
	s := &servers{}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if s.opensearch, err = part.NewOpenSearch(ctx, b); err != nil {
			return err
		}
		return supervisor.Start(ctx, s.opensearch.Part())
	})
	group.Go(func() (err error) {
		if s.postgres, err = part.NewPostgres(ctx, b); err != nil {
			return err
		}
		return supervisor.Start(ctx, s.postgres.Part())
	})
	group.Go(func() (err error) {
		if s.emulator, err = part.NewEmulator(ctx, b); err != nil {
			return err
		}
		return supervisor.Start(ctx, s.emulator.Part())
	})
	return s, group.Wait()
}
