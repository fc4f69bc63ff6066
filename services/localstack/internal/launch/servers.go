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

// startServers fetches, configures and starts the three at the same time, and returns when all are ready. prepared is called
// with each just before it starts.
func startServers(ctx context.Context, b *part.Bench, supervisor *process.Supervisor, hooks map[string]func(context.Context) error) (*servers, error) {
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
		if b.Ports.StacksMoved {
			b.Report("a port that the stacks carry was taken: the emulator begins anew, and the tenants are built again")
			if err := s.emulator.Forget(); err != nil {
				return err
			}
		}
		one := s.emulator.Part()
		one.Restarted = hooks[one.Name]
		return supervisor.Start(ctx, one)
	})
	return s, group.Wait()
}
