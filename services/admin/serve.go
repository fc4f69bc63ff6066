package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/directories"
	"github.com/earshot-hq/earshot/internal/managers"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/sendonce"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/signin"
	"github.com/earshot-hq/earshot/internal/spaces"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/feed"
	"github.com/earshot-hq/earshot/services/admin/internal/pages"
)

type serveSettings struct {
	DatabaseURL   string `env:"DATABASE_URL,required,notEmpty"`
	Listen        string `env:"LISTEN" envDefault:"127.0.0.1:8080"`
	MetricsListen string `env:"METRICS_LISTEN" envDefault:"127.0.0.1:8082"`
	Issuer        string `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID      string `env:"OIDC_CLIENT_ID,required,notEmpty"`
	DiscoveryURL  string `env:"OIDC_DISCOVERY_URL"`

	Audience     string                 `env:"OIDC_AUDIENCE"`
	Algorithms   []string               `env:"OIDC_ALGORITHMS" envDefault:"RS256"`
	RoleClaim    string                 `env:"OIDC_ROLE_CLAIM" envDefault:"cognito:groups"`
	Roles        map[string]access.Role `env:"OIDC_ROLES" envDefault:"owner=owner,operator=operator,auditor=auditor" envKeyValSeparator:"="`
	TenantsClaim string                 `env:"OIDC_TENANTS_CLAIM"`

	TrustedProxies []string `env:"TRUSTED_PROXIES"`

	// How many requests a second one caller may send, and how many at once after a pause.
	Rate  float64 `env:"RATE" envDefault:"50"`
	Burst int     `env:"BURST" envDefault:"500"`
	// Tries without a valid sign-in, from one address.
	StrangerRate  float64 `env:"STRANGER_RATE" envDefault:"5"`
	StrangerBurst int     `env:"STRANGER_BURST" envDefault:"100"`

	PortalURL          string `env:"PORTAL_URL"`
	ConnectTemplateURL string `env:"CONNECT_TEMPLATE_URL"`
	// Where tenants' figures come from, and how long each part of their health may take.
	HealthFigures string        `env:"HEALTH_FIGURES" envDefault:"cloudwatch"`
	HealthTimeout time.Duration `env:"HEALTH_TIMEOUT" envDefault:"3s"`
	// How long a change of a manager may take; below the database's time-out, in whose transaction it is written down.
	ManagersTimeout time.Duration `env:"MANAGERS_TIMEOUT" envDefault:"6s"`
	// How long an import into a space, or an export, may take; below the database's time-out too.
	SpacesTimeout time.Duration `env:"SPACES_TIMEOUT" envDefault:"8s"`
	// How long a look at what a customer has set up may take, the start of the tenant's function included.
	SetupTimeout time.Duration `env:"SETUP_TIMEOUT" envDefault:"15s"`
}

// setupLimit bounds looks at one Connect instance: each is two or three requests, of the two a second that Connect grants the
// customer's whole account.
var setupLimit = throttle.Limit{PerSecond: 0.2, Burst: 3}

// signIn says whose tokens are taken.
func (s serveSettings) signIn(db *postgres.DB) signin.Config {
	return signin.Config{
		Issuer: s.Issuer, ClientID: s.ClientID, DiscoveryURL: s.DiscoveryURL, Audience: s.Audience, Algorithms: s.Algorithms,
		RoleClaim: s.RoleClaim, Roles: s.Roles, TenantsClaim: s.TenantsClaim, Tenants: db.TenantIDs,
	}
}

// serve is the admin API, and the portal in front of it, as a process.
type serve struct {
	settings serveSettings
	log      *slog.Logger
	traces   *tracing.Tracing
	people   tenant.Managers // AWS's, unless a test has put others here
	boards   tenant.Spaces   // AWS's, likewise
	setups   tenant.Setups   // AWS's, likewise
	db       *postgres.DB
	api      *service.Server
	metrics  *service.Server
	group    service.Group
}

func newServe(log *slog.Logger, traces *tracing.Tracing) (*serve, error) {
	s, err := settings.Load[serveSettings]()
	return &serve{settings: s, log: log, traces: traces}, err
}

// Run starts the API and its metrics. Neither database nor sign-in need be there.
func (m *serve) Run(ctx context.Context) (err error) {
	if m.db, err = postgres.Open(ctx, postgres.Config{
		URL: m.settings.DatabaseURL, Log: m.log, Tracer: traceStatements(m.traces), Jobs: traceJobs(m.traces),
	}); err != nil {
		return err
	}
	verifier, err := signin.New(m.settings.signIn(m.db))
	if err != nil {
		return err
	}
	health := service.NewHealth(m.log)
	health.Add("database", m.db.Ping)
	health.Add("sign_in", verifier.Ping)
	metrics := service.NewMetrics()
	metrics.Registry.MustRegister(figures{m.db, m.log})
	identity, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("read the API's AWS identity: %w", err)
	}
	sendonce.Apply(&identity)
	watchAWS(&identity, metrics.Registry, m.traces)
	gauges, err := newGauges(identity, m.settings.HealthFigures, m.settings.HealthTimeout, m.db, m.log)
	if err != nil {
		return err
	}
	if m.people == nil {
		m.people = managers.New(managers.Config{
			Cells: cellaws.NewAs(identity, cellaws.ManagersRole), Cell: cellsOf(m.db), Timeout: m.settings.ManagersTimeout,
		})
	}
	if m.boards == nil {
		m.boards = spaces.NewKeeper(spaces.KeeperConfig{
			Cells: cellaws.NewAs(identity, cellaws.SpacesRole), Cell: cellsOf(m.db), Timeout: m.settings.SpacesTimeout,
		})
	}
	if m.setups == nil {
		m.setups = directories.NewChecker(directories.CheckerConfig{
			Cells: cellaws.NewAs(identity, cellaws.SetupsRole), Cell: cellsOf(m.db), Timeout: m.settings.SetupTimeout, Log: m.log,
		})
	}
	news := feed.New(feed.Config{History: m.db, Listen: m.db.Listen, Log: m.log})
	handler, err := api.New(api.Config{
		Directory: m.db, Starter: m.db, Rollouts: m.db, Cells: m.db, History: m.db, Feed: news, Ledger: m.db, Keys: m.db,
		Recorder: m.db, Gauges: gauges, Managers: m.people, Spaces: m.boards, Setups: m.setups, SetupLimit: setupLimit,
		ConnectTemplateURL: m.settings.ConnectTemplateURL,
		TrustedProxies:     m.settings.TrustedProxies,
		Limit:              throttle.Limit{PerSecond: m.settings.Rate, Burst: m.settings.Burst},
		Strangers:          throttle.Limit{PerSecond: m.settings.StrangerRate, Burst: m.settings.StrangerBurst},
		Verifier:           verifier, Ready: health.Ready, Observe: metrics.Observe, Log: m.log,
	})
	if err != nil {
		return err
	}
	site, err := pages.Site()
	if err != nil {
		return err
	}
	portal, err := pages.New(pages.Config{
		Site: site, API: handler, SignIn: verifier.Endpoints, ClientID: m.settings.ClientID, URL: m.settings.PortalURL, Log: m.log,
	})
	if err != nil {
		return err
	}
	m.api = service.NewServer(m.settings.Listen, m.traces.Handler(portal), m.log, handler.CloseStreams)
	m.metrics = service.NewServer(m.settings.MetricsListen, metrics.Handler(health), m.log, nil)
	return m.group.Start(ctx, m.metrics, news, m.api)
}

// Close stops taking requests, waits for those under way, and closes the database's connections.
func (m *serve) Close(ctx context.Context) error {
	err := m.group.Stop(ctx)
	if m.db != nil {
		m.db.Close()
	}
	m.traces.Stop(ctx)
	return err
}
