package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/services/localstack/internal/bundle"
	"github.com/earshot-hq/earshot/services/localstack/internal/cloud"
	"github.com/earshot-hq/earshot/services/localstack/internal/part"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/relay"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

const (
	ownerEmail   = "owner@earshot.example" // the admin of the local stack
	managerEmail = "manager@acme.example"  // of the demonstration tenant
)

// A stack is one running product.
type stack struct {
	*Launcher
	bench           *part.Bench
	supervisor      *process.Supervisor
	postgres        *part.Postgres
	opensearch      *part.OpenSearch
	dedicated       *part.OpenSearch // nil without one
	relay           *relay.Relay     // for somebody's Dashboards; nil without one
	emulator        *part.Emulator
	simulator       *part.Simulator
	admin           *part.Admin
	gateway         *part.Gateway
	cloud           *cloud.Cloud
	bundle          bundle.Bundle
	password        string // of the owner
	managerPassword string // of the demonstration tenant's manager
	externalID      string

	mu       sync.Mutex
	identity part.Identity // guarded by mu
	healthy  bool          // from when on endpoints.json is kept; guarded by mu
}

// Up starts the product, onboards the demonstration tenant, and returns when ctx has ended and all is stopped.
func (l *Launcher) Up(ctx context.Context) error {
	if err := part.CheckMachine(ctx); err != nil {
		return err
	}
	if err := l.forgetAbandoned(); err != nil {
		return err
	}
	w, err := workspace.Open(l.Root, l.Settings.Local)
	if err != nil {
		return err
	}
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if left, err := process.StopLeftovers(ctx, w.State); err != nil {
		return err
	} else if left > 0 {
		l.Console.Line("launcher", fmt.Sprintf("stopped %d processes that an earlier run had left", left))
	}
	if err := os.Remove(endpointsFile(w.State)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, err := l.bench(w, false)
	if err != nil {
		return err
	}
	s := &stack{Launcher: l, bench: b}
	s.supervisor = process.New(w.State, s.watch)
	defer s.down()
	if err := s.start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// start brings everything up and returns when all is healthy and written down.
func (s *stack) start(ctx context.Context) error {
	if err := s.readSecrets(); err != nil {
		return err
	}
	searchKnown := make(chan struct{})
	group, starting := errgroup.WithContext(ctx)
	group.Go(func() error { return s.startSearch(starting, searchKnown) })
	group.Go(func() error { return s.startPlatform(starting, searchKnown) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.checkLoopback(); err != nil {
		return err
	}
	tenant, err := s.onboardDemo(ctx)
	if err != nil {
		return err
	}
	if err := s.connectDemo(ctx, tenant); err != nil {
		return err
	}
	if err := s.inviteDemo(ctx); err != nil {
		return err
	}
	if err := s.becomeHealthy(); err != nil {
		return err
	}
	s.printAddresses(tenant)
	return nil
}

// startSearch closes known when certificates and passwords are made; the nodes themselves start while the rest is built.
func (s *stack) startSearch(ctx context.Context, known chan struct{}) (err error) {
	if s.opensearch, err = part.NewOpenSearch(ctx, s.bench); err != nil {
		return err
	}
	nodes := []process.Part{s.opensearch.Part()}
	if s.bench.HasDedicated {
		if s.dedicated, err = s.opensearch.NewDedicated(); err != nil {
			return err
		}
		nodes = append(nodes, s.dedicated.Part())
	}
	close(known)
	if s.bench.HasDashboards {
		if s.relay, err = relay.Start(ctx, part.Loopback(s.bench.Ports.Relay), part.Loopback(s.bench.Ports.OpenSearch), part.DashboardsAddress); err != nil {
			return err
		}
	}
	return start(ctx, s.supervisor, nodes...)
}

func (s *stack) readSecrets() (err error) {
	// Cognito asks for upper case too.
	if s.password, err = s.bench.Secrets.Get("owner"); err != nil {
		return err
	}
	s.password = "E" + s.password
	if s.managerPassword, err = s.bench.Secrets.Get("demo-manager"); err != nil {
		return err
	}
	s.managerPassword = "M" + s.managerPassword
	s.externalID, err = s.bench.Secrets.Get("external-id")
	return err
}

// startPlatform starts all but search. What needs nothing of each other goes at the same time: compiling takes longest.
func (s *stack) startPlatform(ctx context.Context, searchKnown chan struct{}) error {
	binary, simulator, gateway := s.common("bin", "admin"), s.common("bin", "simulator"), s.common("bin", "gateway")
	s.simulator = part.NewSimulator(s.bench, simulator, filepath.Join(s.Root, "softphone"), s.Settings.RTC, demoInstance)
	group, starting := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if s.postgres, err = part.NewPostgres(starting, s.bench); err != nil {
			return err
		}
		return s.supervisor.Start(starting, s.postgres.Part())
	})
	group.Go(func() error { return s.startEmulator(starting) })
	group.Go(func() error {
		return s.build(starting, map[string]string{"admin": binary, "simulator": simulator, "gateway": gateway})
	})
	if err := group.Wait(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-searchKnown:
	}
	var err error
	if err := s.supervisor.Start(ctx, s.simulator.Part()); err != nil {
		return err
	}
	if s.admin, err = part.NewAdmin(s.bench, s.postgres, binary); err != nil {
		return err
	}
	if s.gateway, err = part.NewGateway(s.bench, gateway); err != nil {
		return err
	}
	return s.deploy(ctx)
}

func (s *stack) startEmulator(ctx context.Context) (err error) {
	if s.emulator, err = part.NewEmulator(ctx, s.bench); err != nil {
		return err
	}
	s.cloud = cloud.New(s.emulator.URL(), part.Region, filepath.Join(s.Root, "infra"))
	if s.bench.Ports.StacksMoved {
		s.Console.Line("aws", "begins anew, since a port that its stacks carry was taken; the tenants are built again")
		if err := s.emulator.Forget(); err != nil {
			return err
		}
	}
	emulator := s.emulator.Part()
	emulator.Restarted = func(ctx context.Context) error {
		s.Console.Line("aws", "what it had not saved is lost (queues, buckets, people): building control plane and cell again, the worker builds the tenants")
		s.supervisor.Stop("gateway", "worker", "admin")
		return s.deploy(ctx)
	}
	return s.supervisor.Start(ctx, emulator)
}

// build makes the functions first and the services then: they share most packages, and one build uses all processors. The
// portal, which the admin service embeds, is built beside the functions.
func (s *stack) build(ctx context.Context, binaries map[string]string) error {
	began := time.Now()
	group, building := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.bundle, err = s.builder(s.bench.Workspace, runtime.GOARCH).Build(building)
		return err
	})
	group.Go(func() error { return s.embedPortal(building, s.bench.Workspace) })
	if err := group.Wait(); err != nil {
		return err
	}
	s.Console.Took("artifacts", "built version "+s.bundle.Version, time.Since(began))
	began = time.Now()
	lock, err := workspace.Wait(s.common("build", ".services.lock")) // several stacks of a checkout share the binaries, and link them once
	if err != nil {
		return err
	}
	defer lock.Unlock()
	for name, binary := range binaries {
		if err := part.BuildService(ctx, s.Root, name, binary); err != nil {
			return err
		}
	}
	s.Console.Took("services", "built", time.Since(began))
	return nil
}

// watch tells a person what happens to the parts, and writes down what changed.
func (s *stack) watch(e process.Event) {
	s.tell(e)
	if err := s.writeEndpoints(); err != nil {
		s.Console.Line("launcher", "endpoints.json: "+err.Error())
	}
}

// down stops all in order: first who uses the others; the emulator saves its state before search goes.
func (s *stack) down() {
	s.mu.Lock()
	s.healthy = false
	s.mu.Unlock()
	_ = os.Remove(endpointsFile(s.bench.Workspace.State)) // it is not there before all is healthy
	s.supervisor.Close("gateway", "worker", "admin", "aws")
	if s.relay != nil {
		_ = s.relay.Close() // the process ends
	}
}
