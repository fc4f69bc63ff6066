package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/directories"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/resender"
	"github.com/earshot-hq/earshot/internal/residue"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/rosters"
	"github.com/earshot-hq/earshot/internal/sendonce"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/spaces"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/services/admin/internal/jobs"
)

type workSettings struct {
	DatabaseURL    string        `env:"DATABASE_URL,required,notEmpty"`
	DatabaseTime   time.Duration `env:"DATABASE_TIMEOUT" envDefault:"10s"`
	MetricsListen  string        `env:"METRICS_LISTEN" envDefault:"127.0.0.1:8083"`
	WorkerID       string        `env:"WORKER_ID"`
	Workers        int           `env:"WORKERS" envDefault:"10"`
	Lease          time.Duration `env:"LEASE" envDefault:"45s"`
	Poll           time.Duration `env:"POLL" envDefault:"5s"`
	Fetch          time.Duration `env:"FETCH" envDefault:"500ms"`
	TakeOverEvery  time.Duration `env:"TAKEOVER_EVERY" envDefault:"5s"`
	StackCalls     int           `env:"STACK_CALLS" envDefault:"20"` // of CloudFormation, a cell, in ten seconds
	StackTimeout   time.Duration `env:"STACK_TIMEOUT" envDefault:"75m"`
	ProbeTimeout   time.Duration `env:"PROBE_TIMEOUT" envDefault:"5m"`
	PurgeTimeout   time.Duration `env:"PURGE_TIMEOUT" envDefault:"15m"`
	ResendTimeout  time.Duration `env:"RESEND_TIMEOUT" envDefault:"24h"`
	RebuildMissing bool          `env:"REBUILD_MISSING"`
	RebuildEvery   time.Duration `env:"REBUILD_EVERY" envDefault:"2m"`
	EraseTimeout   time.Duration `env:"ERASE_TIMEOUT" envDefault:"24h"`
	EraseSettle    time.Duration `env:"ERASE_SETTLE" envDefault:"2m"`
	EraseQueueWait time.Duration `env:"ERASE_QUEUE_WAIT" envDefault:"30m"`
	RetentionEvery time.Duration `env:"RETENTION_EVERY" envDefault:"6h"`
	// PeriodsByVolume has index periods follow what is measured, as far as people's choices let them.
	PeriodsByVolume bool `env:"PERIODS_BY_VOLUME" envDefault:"true"`
	// HealthEvery is between two looks at how each tenant does, for lists; 0: nobody looks.
	HealthEvery   time.Duration `env:"HEALTH_EVERY" envDefault:"1m"`
	HealthFigures string        `env:"HEALTH_FIGURES" envDefault:"cloudwatch"`
	HealthTimeout time.Duration `env:"HEALTH_TIMEOUT" envDefault:"3s"`
	RosterKey     string        `env:"ROSTER_KEY"`
	RosterEvery   time.Duration `env:"ROSTER_EVERY" envDefault:"5s"`
}

// A cloud is where tenants' stacks live.
type cloud struct {
	operation.Stacks
	operation.Prober
	operation.Purger
	operation.Resender
	jobs.Expirer
	jobs.Gauge
	operation.Eraser
	operation.Spaces
	operation.Directories
	jobs.Publisher // nil: no gateway is told of tenants
}

// work is the worker as a process.
type work struct {
	settings workSettings
	log      *slog.Logger
	traces   *tracing.Tracing
	cloud    cloud           // AWS, unless a test has put another here
	onlooker tenant.Onlooker // AWS's, unless a test has put another cloud; nil: nobody looks at how tenants do
	db       *postgres.DB
	metrics  *service.Server
	group    service.Group
	rescue   time.Duration // when River takes up jobs of a dead worker by itself; 0: a minute
}

func newWork(log *slog.Logger, traces *tracing.Tracing) (*work, error) {
	s, err := settings.Load[workSettings]()
	return &work{settings: s, log: log, traces: traces}, err
}

// Run starts working. Neither the database nor AWS need be there.
func (m *work) Run(ctx context.Context) (err error) {
	metrics := service.NewMetrics()
	var identity *aws.Config
	if m.cloud.Stacks == nil {
		if identity, err = m.identify(ctx, metrics.Registry); err != nil {
			return err
		}
		if m.cloud, err = m.enterAWS(*identity); err != nil {
			return err
		}
	}
	s := m.settings
	if m.db, err = postgres.Open(ctx, postgres.Config{
		URL: s.DatabaseURL, MaxConns: int32(s.Workers) + 5, Timeout: s.DatabaseTime, Log: m.log,
		Tracer: traceStatements(m.traces), Jobs: traceJobs(m.traces),
	}); err != nil {
		return err
	}
	if identity != nil {
		if m.onlooker, err = newGauges(*identity, s.HealthFigures, s.HealthTimeout, m.db, m.log); err != nil {
			return err
		}
	}
	holder := m.holder()
	queue, err := m.queue(holder, operation.NewRunner(operation.RunnerConfig{
		Store: m.db, Stacks: m.cloud, Prober: m.cloud, Purger: m.cloud, Resender: m.cloud, Eraser: m.cloud, Spaces: m.cloud, Directories: m.cloud,
		Holder: holder, Lease: s.Lease, Poll: s.Poll,
		StackTimeout: s.StackTimeout, ProbeTimeout: s.ProbeTimeout, PurgeTimeout: s.PurgeTimeout, ResendTimeout: s.ResendTimeout,
		EraseTimeout: s.EraseTimeout, EraseSettle: s.EraseSettle, EraseQueueWait: s.EraseQueueWait, Log: m.log,
	}), watchJobs(metrics.Registry))
	if err != nil {
		return err
	}
	health := service.NewHealth(m.log)
	health.Add("database", m.db.Ping)
	health.Add("queue", queue.ready)
	m.metrics = service.NewServer(s.MetricsListen, metrics.Handler(health), m.log, nil)
	abandoned := &takeover{db: m.db, holder: holder, lease: s.Lease, every: s.TakeOverEvery, log: m.log}
	return m.group.Start(ctx, m.metrics, abandoned, queue)
}

// Close lets the steps under way end, and closes the database's connections.
func (m *work) Close(ctx context.Context) error {
	err := m.group.Stop(ctx)
	if m.db != nil {
		m.db.Close()
	}
	m.traces.Stop(ctx)
	return err
}

// identify reads who the worker is to AWS.
func (m *work) identify(ctx context.Context, registry prometheus.Registerer) (*aws.Config, error) {
	identity, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the worker's AWS identity: %w", err)
	}
	sendonce.Apply(&identity)
	watchAWS(&identity, registry, m.traces)
	return &identity, nil
}

func (m *work) enterAWS(identity aws.Config) (cloud, error) {
	cells := cellaws.New(identity)
	left := residue.New(cells)
	entered := cloud{stacks.New(cells, stacks.Options{Calls: m.settings.StackCalls}), prober.New(cells), left, resender.New(cells), left, left, left, spaces.New(cells), directories.NewReader(cells), nil}
	if m.settings.RosterKey != "" {
		key, err := roster.PrivateKey(m.settings.RosterKey)
		if err != nil {
			return cloud{}, fmt.Errorf("EARSHOT_ROSTER_KEY: %w", err)
		}
		entered.Publisher = rosters.NewPublisher(cells, key)
	}
	return entered, nil
}

// holder names this worker. Two workers of one name would take each other's operations over.
func (m *work) holder() string {
	if m.settings.WorkerID != "" {
		return m.settings.WorkerID
	}
	host, _ := os.Hostname() // only for people who read it
	return host + "-" + rand.Text()
}

// looksAtOnce is at how many tenants one round looks at a time: each is four or five requests to AWS.
const looksAtOnce = 8

// rescueAfter is when River takes up jobs of a dead worker by itself; those that drive operations and rollouts were taken over before.
const rescueAfter = time.Minute

// cooldown is the least time between two looks for jobs, however many are told of. One that comes within it waits for its end: the
// looks that nobody asked for, every Fetch, would make it wait half of that time on average.
const cooldown = 20 * time.Millisecond

// jobTimeout ends a step well before its lease ends, so that no other worker begins it while it lasts.
func jobTimeout(lease time.Duration) time.Duration { return lease * 2 / 3 }

func (m *work) queue(holder string, runner *operation.Runner, watch rivertype.Middleware) (*queue, error) {
	c := jobs.Config{
		Advancer: runner, Rollouts: m.db, RolloutEvery: m.settings.Poll, Keeper: m.db, RebuildEvery: m.settings.RebuildEvery, Scheduler: m.db, ExpireEvery: m.settings.RetentionEvery,
		Retention: &jobs.Retention{Directory: m.db, Cells: m.db, Expirer: m.cloud, Auditor: m.db, Log: m.log}, Log: m.log,
	}
	if m.settings.PeriodsByVolume {
		c.Periods = &jobs.Periods{Directory: m.db, Cells: m.db, Gauge: m.cloud, Updater: m.db, Log: m.log, Now: time.Now}
	}
	if m.cloud.Publisher != nil {
		c.Publishing, c.PublishEvery = &jobs.Publishing{Directory: m.db, Cells: m.db, Publisher: m.cloud}, m.settings.RosterEvery
	}
	if m.onlooker != nil && m.settings.HealthEvery > 0 {
		c.Looks = &jobs.Looks{
			Onlooker: m.onlooker, Snapshots: m.db, Every: m.settings.HealthEvery, Time: m.settings.Lease / 3, AtOnce: looksAtOnce, Log: m.log,
		}
	}
	if m.settings.RebuildMissing {
		c.Rebuilder = &jobs.Rebuilder{Directory: m.db, Cells: m.db, Stacks: m.cloud, Starter: m.db, Log: m.log}
	}
	client, err := river.NewClient(riverpgxv5.New(m.db.Pool()), &river.Config{
		ID:                   holder,
		Schema:               postgres.RiverSchema,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: m.settings.Workers}},
		Workers:              jobs.Workers(c),
		PeriodicJobs:         jobs.Periodic(c),
		Middleware:           append(traceJobs(m.traces), watch),
		ErrorHandler:         failures{m.log},
		FetchPollInterval:    m.settings.Fetch,
		FetchCooldown:        min(m.settings.Fetch, cooldown),
		JobTimeout:           jobTimeout(m.settings.Lease),
		RescueStuckJobsAfter: max(cmp.Or(m.rescue, rescueAfter), m.settings.Lease),
		ReindexerSchedule:    river.NeverSchedule(), // only who owns an index may rebuild it, and the service owns nothing
		Logger:               m.log,
	})
	if err != nil {
		return nil, fmt.Errorf("make the queue: %w", err)
	}
	return &queue{client: client, log: m.log}, nil
}

var _ queueClient = (*river.Client[pgx.Tx])(nil)
