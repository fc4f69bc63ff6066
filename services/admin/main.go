// Admin is Earshot's control plane: the admin API (serve), the worker that carries operations out (work), and the
// migrations of their database (migrate).
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

const usage = `usage: admin serve | work | migrate

  serve    answer the admin API
  work     carry operations out
  migrate  bring the database up to date, and end

Settings come from the environment; a missing or wrong one is named at the start. All durations are as Go writes them (45s).

  serve    EARSHOT_DATABASE_URL      as role earshot_app
           EARSHOT_LISTEN            host and port of the API (127.0.0.1:8080)
           EARSHOT_METRICS_LISTEN    host and port of /metrics, /healthz, /readyz (127.0.0.1:8082)
           EARSHOT_TRUSTED_PROXIES   networks, with commas between, whose X-Forwarded-For says where a request came from; name
                                     the load balancer's (none: the address of the connection is taken)
           EARSHOT_RATE              requests a second that one admin or API key may send; 0 for no limit (50)
           EARSHOT_BURST             and how many at once after a pause (500)
           EARSHOT_STRANGER_RATE     tries a second without a valid sign-in, from one address; 0 for no limit (5)
           EARSHOT_STRANGER_BURST    and how many at once after a pause (100)
           EARSHOT_OIDC_ISSUER       of the admins' sign-in
           EARSHOT_OIDC_CLIENT_ID    whose access tokens are taken
           EARSHOT_OIDC_AUDIENCE     what their aud must name (none: the client's id must stand in client_id, as in Cognito's)
           EARSHOT_OIDC_ALGORITHMS   with which they may be signed (RS256); shared secrets are refused
           EARSHOT_OIDC_ROLE_CLAIM   the claim that says the role: a name, or a JSON pointer (cognito:groups)
           EARSHOT_OIDC_ROLES        which value is which role (owner=owner,operator=operator,auditor=auditor)
           EARSHOT_OIDC_TENANTS_CLAIM  the claim with the slugs of the tenants that its holder reaches, or * (none: everybody
                                     reaches all; with it, who lacks the claim reaches none)
           EARSHOT_CONNECT_TEMPLATE_URL  where customers' consoles find infra/customer-connect.yaml: an S3 address that
                                     everybody may read (none: no setup_url is shown)
           EARSHOT_PORTAL_URL        where browsers reach the portal: the sign-in's callback, exactly (wherever it was opened)
           EARSHOT_OIDC_DISCOVERY_URL  where the issuer is described, if elsewhere (local emulators only)
           EARSHOT_HEALTH_FIGURES    where tenants' figures come from: cloudwatch, or logs on one machine (cloudwatch)
           EARSHOT_HEALTH_TIMEOUT    for each part of a tenant's health (3s)
           EARSHOT_MANAGERS_TIMEOUT  for a change of a tenant's manager; below ten seconds (6s)
           EARSHOT_SPACES_TIMEOUT    for an import into a tenant's space, or an export; below ten seconds (8s)
           EARSHOT_SETUP_TIMEOUT     for a look at what a customer has set up in Amazon Connect (15s)
           AWS_…                     the API's own identity, as the AWS SDKs read it; it may look into cells, and keep managers
  work     EARSHOT_DATABASE_URL      as role earshot_app
           EARSHOT_DATABASE_TIMEOUT  for one transaction (10s)
           EARSHOT_METRICS_LISTEN    host and port of /metrics, /healthz, /readyz (127.0.0.1:8083)
           EARSHOT_WORKER_ID         names this worker, in 100 characters at most; two never have the same (made up)
           EARSHOT_WORKERS           how many steps at once (10)
           EARSHOT_LEASE             how long a worker has an operation to itself; a step may take two thirds of it (45s)
           EARSHOT_POLL              between two looks at a stack, a call or a store (5s)
           EARSHOT_FETCH             between two looks for jobs (500ms)
           EARSHOT_TAKEOVER_EVERY    between two looks for what dead workers had in hand (5s)
           EARSHOT_STACK_CALLS       of CloudFormation, in each cell, in ten seconds (20)
           EARSHOT_STACK_TIMEOUT     (75m)
           EARSHOT_PROBE_TIMEOUT     (5m)
           EARSHOT_PURGE_TIMEOUT     (15m)
           EARSHOT_RESEND_TIMEOUT    for a replay or a redrive that comes no further (24h)
           EARSHOT_REBUILD_MISSING   build lost stacks again (false; local emulators only)
           EARSHOT_REBUILD_EVERY     (2m)
           EARSHOT_ERASE_TIMEOUT     for a step of an erasure that comes no further (24h)
           EARSHOT_ERASE_SETTLE      until no indexer goes by an older list of who was erased (2m)
           EARSHOT_ERASE_QUEUE_WAIT  for a tenant's queue to be seen empty (30m)
           EARSHOT_RETENTION_EVERY   between two deletions of a tenant's expired indices (6h)
           EARSHOT_PERIODS_BY_VOLUME  let index periods follow what is measured, as far as people's choices allow (true)
           EARSHOT_HEALTH_EVERY      between two looks at how each tenant does, for lists (1m; 0: nobody looks)
           EARSHOT_HEALTH_FIGURES    where tenants' figures come from: cloudwatch, or logs on one machine (cloudwatch)
           EARSHOT_HEALTH_TIMEOUT    for each part of a look (3s)
           EARSHOT_ROSTER_KEY        signs the list of tenants that gateways go by: a seed of Ed25519, 32 random bytes in base64
                                     (none: no list is written)
           EARSHOT_ROSTER_EVERY      between two looks whether it has changed (5s)
           AWS_…                     the worker's own identity, as the AWS SDKs read it
  both     OTEL_EXPORTER_OTLP_ENDPOINT  where traces go, by http/protobuf, with the other OTEL_… variables (none: there are none)
  migrate  EARSHOT_MIGRATE_DATABASE_URL  as the owner, or as a role that may make roles
           EARSHOT_DATABASE_URL      as role earshot_app: it gets this password
           EARSHOT_CELLS_FILE        JSON list of cells to add or change
`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "admin:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, logs io.Writer) error {
	command := ""
	if len(args) == 1 {
		command = args[0]
	}
	name := "admin-" + command
	log := service.NewLogger(logs, name, slog.LevelInfo)
	switch command {
	case "serve":
		traces, log, err := tracing.FromEnvironment(ctx, name, log)
		if err != nil {
			return err
		}
		m, err := newServe(log, traces)
		if err != nil {
			return err
		}
		return service.Until(ctx, m, log)
	case "work":
		traces, log, err := tracing.FromEnvironment(ctx, name, log)
		if err != nil {
			return err
		}
		m, err := newWork(log, traces)
		if err != nil {
			return err
		}
		return service.Until(ctx, m, log)
	case "migrate":
		return migrate(ctx, log)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	}
	return fmt.Errorf("unknown command\n%s", usage)
}
