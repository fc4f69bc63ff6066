package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/earshot-hq/earshot/internal/awscalls"
	"github.com/earshot-hq/earshot/internal/insights"
	"github.com/earshot-hq/earshot/internal/pools"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/rosters"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/sendonce"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/internal/tracing"
	"github.com/earshot-hq/earshot/services/gateway/internal/directory"
	"github.com/earshot-hq/earshot/services/gateway/internal/gate"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

type gatewaySettings struct {
	Listen        string             `env:"LISTEN" envDefault:"127.0.0.1:8081"`
	MetricsListen string             `env:"METRICS_LISTEN" envDefault:"127.0.0.1:8084"`
	Host          string             `env:"GATEWAY_HOST,required,notEmpty"`
	Scheme        string             `env:"GATEWAY_SCHEME" envDefault:"https"`
	RosterBucket  string             `env:"ROSTER_BUCKET,required,notEmpty"`
	RosterKey     string             `env:"ROSTER_PUBLIC_KEY,required,notEmpty"`
	RosterEvery   time.Duration      `env:"ROSTER_EVERY" envDefault:"5s"`
	CookieKeys    []string           `env:"COOKIE_KEYS,required,notEmpty"`
	SearchAuth    searchconn.Auth    `env:"SEARCH_AUTH" envDefault:"sigv4"`
	SearchCAPem   string             `env:"SEARCH_CA_PEM"`
	PoolsURL      string             `env:"POOLS_URL"`
	Dashboards    dashboardsSettings `envPrefix:"DASHBOARDS_"`
	TenantRate    float64            `env:"TENANT_RATE" envDefault:"200"`
	PersonRate    float64            `env:"PERSON_RATE" envDefault:"20"`
}

// gateway is the process.
type gateway struct {
	settings gatewaySettings
	log      *slog.Logger
	traces   *tracing.Tracing
	server   *service.Server
	metrics  *service.Server
	group    service.Group
}

func newGateway(log *slog.Logger, traces *tracing.Tracing) (*gateway, error) {
	s, err := settings.Load[gatewaySettings]()
	if err == nil && s.Scheme != "https" && s.Scheme != "http" {
		err = fmt.Errorf("settings: EARSHOT_GATEWAY_SCHEME is %q, want https or http", s.Scheme)
	}
	if err == nil {
		err = s.Dashboards.check()
	}
	return &gateway{settings: s, log: log, traces: traces}, err
}

// burst is how many seconds' requests may come at once: a dashboard asks for all its parts together.
const burst = 5

// Run starts the gateway. Neither list, pools nor search need be there.
func (g *gateway) Run(ctx context.Context) error {
	s := g.settings
	identity, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("read the gateway's AWS identity: %w", err)
	}
	sendonce.Apply(&identity)
	if g.traces != nil {
		awscalls.Trace(&identity, g.traces.Provider())
	}
	key, err := roster.PublicKey(s.RosterKey)
	if err != nil {
		return fmt.Errorf("EARSHOT_ROSTER_PUBLIC_KEY: %w", err)
	}
	jar, err := g.jar()
	if err != nil {
		return err
	}
	tenants := directory.New(rosters.NewReader(identity, s.RosterBucket, key), s.RosterEvery, g.log)
	door := gate.New(gate.Config{
		Pools: pools.New(identity), DiscoveryURL: s.PoolsURL, Now: time.Now,
		PublicURL: func(t roster.Tenant) string { return s.Scheme + "://" + t.Slug.String() + "." + s.Host },
	})
	entered := newRoles(identity)
	proxy, err := s.Dashboards.proxy(entered, s.SearchCAPem, g.log)
	if err != nil {
		return err
	}
	metrics := service.NewMetrics()
	handler, err := web.New(web.Config{
		Host: s.Host, Secure: s.Scheme == "https", Directory: tenants, Gate: door, Jar: jar, Calls: g.readers(identity, entered).of, Dashboards: proxy,
		Limits: web.Limits{Tenant: limit(s.TenantRate), Person: limit(s.PersonRate)}, Observe: metrics.Observe, Log: g.log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	health := service.NewHealth(g.log)
	health.Add("tenants", tenants.Ready)
	g.server = service.NewServer(s.Listen, g.traces.Handler(handler), g.log, nil)
	g.metrics = service.NewServer(s.MetricsListen, metrics.Handler(health), g.log, nil)
	return g.group.Start(ctx, g.metrics, tenants, g.server)
}

// Close takes no new requests and waits for those under way.
func (g *gateway) Close(ctx context.Context) error {
	err := g.group.Stop(ctx)
	g.traces.Stop(ctx)
	return err
}

func limit(perSecond float64) throttle.Limit {
	return throttle.Limit{PerSecond: perSecond, Burst: int(perSecond * burst)}
}

func (g *gateway) jar() (*session.Jar, error) {
	var keys [][]byte
	for i, text := range g.settings.CookieKeys {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("EARSHOT_COOKIE_KEYS: key %d is no base64", i+1) // its text stays out of the log
		}
		keys = append(keys, key)
	}
	return session.NewJar(keys, g.settings.Scheme == "https", time.Now)
}

func (g *gateway) readers(identity aws.Config, entered *roles) *readers {
	return &readers{identity: identity, roles: entered, auth: g.settings.SearchAuth, caPem: g.settings.SearchCAPem, known: map[roster.Tenant]insights.Reader{}}
}
