package part

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/services/localstack/internal/depot"
	"github.com/earshot-hq/earshot/services/localstack/internal/process"
)

// A Postgres is the database server.
type Postgres struct {
	bench    *Bench
	software string
	data     string
	password string
}

func postgresArchive() (depot.Pin, bool) {
	pin, ok := depot.Postgres[runtime.GOARCH]
	return pin, ok
}

// NewPostgres fetches the server and makes its data folder, each unless it is there.
func NewPostgres(ctx context.Context, b *Bench) (*Postgres, error) {
	p := &Postgres{bench: b}
	pin, _ := postgresArchive() // CheckMachine has looked
	var err error
	if p.software, err = b.Workspace.Install("postgres-"+pin.SHA256[:12], func(dir string) error { return unpackPostgres(ctx, b, pin, dir) }); err != nil {
		return nil, err
	}
	if p.password, err = b.Secrets.Get("postgres"); err != nil {
		return nil, err
	}
	if _, err := b.Workspace.ServerFolder("postgres"); err != nil {
		return nil, err
	}
	p.data = b.Workspace.ServerPath("postgres", "data")
	return p, p.initialize(ctx)
}

func unpackPostgres(ctx context.Context, b *Bench, pin depot.Pin, dir string) error {
	jar, err := b.Depot.Get(ctx, pin)
	if err != nil {
		return err
	}
	archive, reader, err := depot.OpenInZip(jar, ".txz")
	if err != nil {
		return err
	}
	defer func() { _, _ = archive.Close(), reader.Close() }() // read only
	return depot.UntarXZ(archive, dir)
}

// initialize makes the data folder in one step, so that a run that was cut off leaves nothing half made.
func (p *Postgres) initialize(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(p.data, "PG_VERSION")); err == nil {
		return nil
	}
	partial := p.data + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	passwordFile := p.data + ".password"
	if err := os.WriteFile(passwordFile, []byte(p.password), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(passwordFile) }() // it holds nothing that secrets.json does not
	if err := p.bench.Workspace.Own(passwordFile); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, filepath.Join(p.software, "bin", "initdb"), "--pgdata="+partial, "--username=postgres",
		"--pwfile="+passwordFile, "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
		"--no-instructions", "--no-sync")
	command.Env = plainEnvironment(p.data)
	command.Dir = filepath.Dir(p.data)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.bench.Workspace.Credential()}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Rename(partial, p.data)
}

// URL is how the superuser reaches a database.
func (p *Postgres) URL(database string) string { return p.urlAs("postgres", p.password, database) }

// urlAs is how a role reaches a database.
func (p *Postgres) urlAs(role, password, database string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password), Host: Loopback(p.bench.Ports.Postgres), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Part is the server as a process.
func (p *Postgres) Part() process.Part {
	return process.Part{
		Name: "postgres", Patience: patience, Credential: p.bench.Workspace.Credential(),
		StopSignal: syscall.SIGINT, // the fast stop; SIGTERM would wait for the clients
		Command: func() (process.Command, error) {
			arguments := []string{
				"-D", p.data, "-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(p.bench.Ports.Postgres), "-c", "unix_socket_directories=",
				"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "log_line_prefix=%m [%p] %q%u@%d ",
			}
			if p.bench.Fleeting {
				arguments = append(arguments, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
			}
			return process.Command{
				Path: filepath.Join(p.software, "bin", "postgres"), Arguments: arguments, Environment: plainEnvironment(p.data), Dir: p.data,
			}, nil
		},
		Ready: func(ctx context.Context) error {
			connection, err := pgx.Connect(ctx, p.URL("postgres"))
			if err != nil {
				return err
			}
			return errors.Join(connection.Ping(ctx), connection.Close(ctx))
		},
	}
}
