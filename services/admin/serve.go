package main

import (
	"context"
	"log/slog"

	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/signin"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
)

type serveSettings struct {
	DatabaseURL   string `env:"DATABASE_URL,required,notEmpty"`
	Listen        string `env:"LISTEN" envDefault:"127.0.0.1:8080"`
	MetricsListen string `env:"METRICS_LISTEN" envDefault:"127.0.0.1:8082"`
	Issuer        string `env:"OIDC_ISSUER,required,notEmpty"`
	ClientID      string `env:"OIDC_CLIENT_ID,required,notEmpty"`
	DiscoveryURL  string `env:"OIDC_DISCOVERY_URL"`
}

// serve is the admin API as a process.
type serve struct {
	settings serveSettings
	log      *slog.Logger
	db       *postgres.DB
	api      *service.Server
	metrics  *service.Server
	group    service.Group
}

func newServe(log *slog.Logger) (*serve, error) {
	s, err := settings.Load[serveSettings]()
	return &serve{settings: s, log: log}, err
}

// Run starts the API and its metrics. Neither database nor sign-in need be there.
func (m *serve) Run(ctx context.Context) (err error) {
	if m.db, err = postgres.Open(ctx, postgres.Config{URL: m.settings.DatabaseURL, Log: m.log}); err != nil {
		return err
	}
	verifier := signin.New(signin.Config{
		Issuer: m.settings.Issuer, ClientID: m.settings.ClientID, DiscoveryURL: m.settings.DiscoveryURL,
	})
	health := service.NewHealth(m.log)
	health.Add("database", m.db.Ping)
	health.Add("sign_in", verifier.Ping)
	metrics := service.NewMetrics()
	metrics.Registry.MustRegister(figures{m.db, m.log})
	handler, err := api.New(api.Config{
		Directory: m.db, Starter: m.db, History: m.db, Verifier: verifier, Ready: health.Ready, Observe: metrics.Observe, Log: m.log,
	})
	if err != nil {
		return err
	}
	m.api = service.NewServer(m.settings.Listen, handler, m.log, handler.CloseStreams)
	m.metrics = service.NewServer(m.settings.MetricsListen, metrics.Handler(health), m.log, nil)
	return m.group.Start(ctx, m.metrics, m.api)
}

// Close stops taking requests, waits for those under way, and closes the database's connections.
func (m *serve) Close(ctx context.Context) error {
	err := m.group.Stop(ctx)
	if m.db != nil {
		m.db.Close()
	}
	return err
}
