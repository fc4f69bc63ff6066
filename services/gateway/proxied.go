package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// dashboardsSettings are those of OpenSearch Dashboards behind the gateway.
type dashboardsSettings struct {
	Auth     string        `env:"AUTH" envDefault:"none"`
	URL      string        `env:"URL"`
	Search   string        `env:"SEARCH"`
	Patience time.Duration `env:"PATIENCE" envDefault:"90s"`
	CacheMiB int64         `env:"CACHE_MIB" envDefault:"64"`
}

// check returns what is wrong or missing.
func (s dashboardsSettings) check() error {
	switch s.Auth {
	case "none", "sigv4":
		if s.URL != "" || s.Search != "" {
			return fmt.Errorf("settings: EARSHOT_DASHBOARDS_URL and EARSHOT_DASHBOARDS_SEARCH are for EARSHOT_DASHBOARDS_AUTH=proxy, and that is %s", s.Auth)
		}
	case "proxy":
		at, err := url.Parse(s.URL)
		if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
			return errors.New("settings: EARSHOT_DASHBOARDS_URL must be an http or https URL without user and query")
		}
	default:
		return fmt.Errorf("settings: EARSHOT_DASHBOARDS_AUTH is %q, want none, proxy or sigv4", s.Auth)
	}
	if s.Patience <= 0 || s.CacheMiB < 0 {
		return errors.New("settings: EARSHOT_DASHBOARDS_PATIENCE must be above 0, EARSHOT_DASHBOARDS_CACHE_MIB not below")
	}
	return nil
}

// proxy returns what stands before Dashboards, nil where there is none.
func (s dashboardsSettings) proxy(entered *roles, caPem string, log *slog.Logger) (web.Dashboards, error) {
	var who dashboards.Authenticator
	switch s.Auth {
	case "proxy":
		at, err := url.Parse(strings.TrimSuffix(s.URL, "/"))
		if err != nil {
			return nil, errors.New("settings: EARSHOT_DASHBOARDS_URL is no URL")
		}
		who = dashboards.Headers{URL: at, Search: s.Search}
	case "sigv4":
		who = newSigned(entered, time.Now)
	default:
		return nil, nil
	}
	wire, err := s.transport(caPem)
	if err != nil {
		return nil, err
	}
	const mebibyte = 20
	return dashboards.New(dashboards.Config{Authenticator: who, Transport: wire, Patience: s.Patience, CacheBytes: s.CacheMiB << mebibyte, Log: log}), nil
}

func (s dashboardsSettings) transport(caPem string) (*http.Transport, error) {
	const conns, dial = 256, 5 * time.Second
	wire := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dial}).DialContext,
		TLSHandshakeTimeout:    dial,
		ResponseHeaderTimeout:  s.Patience,
		IdleConnTimeout:        time.Minute,
		MaxIdleConns:           conns,
		MaxIdleConnsPerHost:    conns / 2,
		MaxConnsPerHost:        conns,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // what is passed on stays packed as it was
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if caPem == "" {
		return wire, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(caPem)) {
		return nil, errors.New("settings: EARSHOT_SEARCH_CA_PEM holds no certificate")
	}
	wire.TLSClientConfig.RootCAs = roots
	return wire, nil
}
