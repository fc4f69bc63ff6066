package part

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/services/localstack/internal/process"
	"github.com/earshot-hq/earshot/services/localstack/internal/workspace"
)

// database is the control plane's, and appRole is whom its services sign in as; the migrations make the role.
const (
	database = "earshot"
	appRole  = "earshot_app"
)

// An Admin is the admin service's binary: `serve` and `work` run, `migrate` prepares the database for both.
type Admin struct {
	bench    *Bench
	postgres *Postgres
	binary   string
	password string // the service role's
	cells    string // the file that names the cells to migrate
}

// A Cell is an entry of the file that tells `migrate` which cells there are.
type Cell struct {
	Name       string `json:"name"`
	Region     string `json:"region"`
	StackName  string `json:"stack_name"`
	RoleARN    string `json:"role_arn"`
	ExternalID string `json:"external_id"`
	MaxTenants int    `json:"max_tenants"`
}

// An Identity is what the services need from AWS: who signs admins in, and a key for each.
type Identity struct {
	Issuer, ClientID, DiscoveryURL string
	Worker, API                    Key
	Endpoint                       string
}

// A Key is an IAM user's access key.
type Key struct{ ID, Secret string }

// environment is what the AWS SDKs read of a key.
func (i Identity) environment(key Key) []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret, "AWS_REGION=" + Region, "AWS_ENDPOINT_URL=" + i.Endpoint,
	}
}

// BuildService builds a service's binary from the sources as they are.
func BuildService(ctx context.Context, root, name, binary string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./services/"+name)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, output)
	}
	return nil
}

// NewAdmin returns the service whose binary BuildService has made.
func NewAdmin(b *Bench, postgres *Postgres, binary string) (*Admin, error) {
	password, err := b.Secrets.Get("postgres-app")
	return &Admin{bench: b, postgres: postgres, binary: binary, password: password, cells: b.Workspace.Path("cells.json")}, err
}

// URL is where the admin API answers.
func (a *Admin) URL() string { return "http://" + Loopback(a.bench.Ports.Admin) }

// PortalURL is where browsers reach the portal: Cognito takes no other name of this machine (aws.md 6.5).
func (a *Admin) PortalURL() string {
	return "http://localhost:" + strconv.Itoa(a.bench.Ports.Admin) + "/"
}

// MetricsURL is where the admin service's metrics are.
func (a *Admin) MetricsURL() string {
	return "http://" + Loopback(a.bench.Ports.AdminMetrics) + "/metrics"
}

// Migrate makes the database, its roles and tables, and adds the cells.
func (a *Admin) Migrate(ctx context.Context, cells []Cell) error {
	if err := a.createDatabase(ctx); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	content, err := json.Marshal(cells)
	if err != nil {
		return err
	}
	if err := workspace.WriteFile(a.cells, 0o600, content); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, a.binary, "migrate")
	command.Env = append(plainEnvironment(a.bench.Workspace.State), "EARSHOT_DATABASE_URL="+a.DatabaseURL(),
		"EARSHOT_MIGRATE_DATABASE_URL="+a.SuperuserURL(), "EARSHOT_CELLS_FILE="+a.cells)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, output)
	}
	return nil
}

func (a *Admin) createDatabase(ctx context.Context) error {
	connection, err := pgx.Connect(ctx, a.postgres.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }() // the statements have been answered
	var exists bool
	if err := connection.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = connection.Exec(ctx, "create database "+database)
	return err
}

// DatabaseURL is how the services reach the database: as a role that row-level security binds.
func (a *Admin) DatabaseURL() string { return a.postgres.urlAs(appRole, a.password, database) }

// SuperuserURL is how a person reaches the same database to look at all of it.
func (a *Admin) SuperuserURL() string { return a.postgres.URL(database) }

// Part is the API as a process, under an IAM identity of its own, which may only look into cells.
func (a *Admin) Part(identity Identity) process.Part {
	ready := a.URL() + "/readyz"
	return a.part("admin", "serve", ready, append(identity.environment(identity.API),
		"EARSHOT_HEALTH_FIGURES=logs", // the emulator makes no metrics of log lines
		"EARSHOT_STRANGER_RATE=200", "EARSHOT_STRANGER_BURST=2000",
		"EARSHOT_RATE=200", "EARSHOT_BURST=2000", // everybody on this machine is the same admin
		"EARSHOT_PORTAL_URL="+a.PortalURL(), "EARSHOT_LISTEN="+Loopback(a.bench.Ports.Admin), "EARSHOT_METRICS_LISTEN="+Loopback(a.bench.Ports.AdminMetrics),
		"EARSHOT_OIDC_ISSUER="+identity.Issuer, "EARSHOT_OIDC_CLIENT_ID="+identity.ClientID, "EARSHOT_OIDC_DISCOVERY_URL="+identity.DiscoveryURL)...)
}

func (a *Admin) part(name, command, ready string, environment ...string) process.Part {
	return process.Part{
		Name: name, Patience: patience, StopSignal: syscall.SIGTERM,
		Command: func() (process.Command, error) {
			home := a.bench.Workspace.State
			plain := append(append(plainEnvironment(home), telemetryEnvironment()...), "EARSHOT_DATABASE_URL="+a.DatabaseURL())
			return process.Command{Path: a.binary, Arguments: []string{command}, Environment: append(plain, environment...), Dir: home}, nil
		},
		Ready: answers(freshClient(nil), ready, nil),
	}
}
