// Gateway is where managers come: one address for each tenant of a cell. It signs them in at their tenant's own user pool and
// answers questions about their tenant's calls as that tenant's reader, which can see no other's. Before OpenSearch Dashboards it
// stands so that each person has the space of their tenant, and nothing else.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/tracing"
)

const usage = `usage: gateway

Settings come from the environment; a missing or wrong one is named at the start. All durations are as Go writes them (45s).

  EARSHOT_LISTEN             host and port (127.0.0.1:8081)
  EARSHOT_METRICS_LISTEN     host and port of /metrics, /healthz, /readyz (127.0.0.1:8084)
  EARSHOT_GATEWAY_HOST       under which each tenant has a name, with the port if it is not the usual one: GatewayHost of the cell
  EARSHOT_GATEWAY_SCHEME     how managers come there: https, or http on one machine (https)
  EARSHOT_ROSTER_BUCKET      the cell's bucket, where the worker puts the list of tenants
  EARSHOT_ROSTER_PUBLIC_KEY  of the key that the worker signs it with: 32 bytes in base64
  EARSHOT_ROSTER_EVERY       between two readings of it (5s)
  EARSHOT_COOKIE_KEYS        32 random bytes in base64; with commas between, the first makes cookies and all are believed
  EARSHOT_SEARCH_AUTH        sigv4, or basic where search takes passwords (sigv4)
  EARSHOT_SEARCH_CA_PEM      the authority of search's and Dashboards' certificates, when it is not a public one
  EARSHOT_POOLS_URL          where user pools describe themselves, by their ids, if elsewhere (local emulators only)
  EARSHOT_DASHBOARDS_AUTH    how Dashboards knows a person: none (there is no Dashboards), proxy (headers, a Dashboards of one's own),
                             sigv4 (the one of Amazon OpenSearch Service, as the tenant's reader or editor role) (none)
  EARSHOT_DASHBOARDS_URL     with proxy: where it is; its path is the base path of Dashboards
  EARSHOT_DASHBOARDS_SEARCH  with proxy: the search that it reads, as tenants' SearchEndpoint; tenants of another have none (all have it)
  EARSHOT_DASHBOARDS_PATIENCE   for an answer of it, to the last byte (90s)
  EARSHOT_DASHBOARDS_CACHE_MIB  of its static assets, kept in memory; 0: none (64)
  EARSHOT_TENANT_RATE        requests a second of all people of a tenant (200)
  EARSHOT_PERSON_RATE        requests a second of one of them (20)
  AWS_…                      its own identity, as the AWS SDKs read it: it may enter tenants' reader and editor roles, read the list,
                             and ask pools for their client
  OTEL_EXPORTER_OTLP_ENDPOINT   where traces go, by http/protobuf, with the other OTEL_… variables (none: there are none)
`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, logs io.Writer) error {
	if len(args) > 0 {
		_, err := io.WriteString(out, usage)
		return err
	}
	log := service.NewLogger(logs, "gateway", slog.LevelInfo)
	traces, log, err := tracing.FromEnvironment(ctx, "gateway", log)
	if err != nil {
		return err
	}
	g, err := newGateway(log, traces)
	if err != nil {
		return err
	}
	return service.Until(ctx, g, log)
}
