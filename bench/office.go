package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/bench/internal/rig"
)

// An office is an admin service with a database of its own, and no worker.
type office struct {
	admin    *rig.Admin
	service  *exec.Cmd
	database string // its URL for the service's role
	metrics  string // URL
}

func (b *bench) newOffice(ctx context.Context, database string, tenants int) (*office, error) {
	superuser, app, err := b.newDatabase(ctx, database)
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(b.stack.Root, ".local", "bin", "admin")
	cells := filepath.Join(b.dir, "cells.json")
	if err := os.WriteFile(cells, []byte(`[{"name": "local", "region": "`+rig.Region+`", "stack_name": "a-cell", "max_tenants": 100000}]`), 0o600); err != nil {
		return nil, err
	}
	migrate := exec.CommandContext(ctx, binary, "migrate")
	migrate.Env = []string{"EARSHOT_DATABASE_URL=" + app, "EARSHOT_MIGRATE_DATABASE_URL=" + superuser, "EARSHOT_CELLS_FILE=" + cells}
	if output, err := migrate.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("migrate: %w: %s", err, output)
	}
	if err := fill(ctx, superuser, tenants); err != nil {
		return nil, err
	}
	listen, metrics, err := twoAddresses(ctx)
	if err != nil {
		return nil, err
	}
	o := &office{service: exec.CommandContext(ctx, binary, "serve"), database: app, metrics: "http://" + metrics + "/metrics"}
	o.service.Env = []string{
		"EARSHOT_DATABASE_URL=" + app, "EARSHOT_LISTEN=" + listen, "EARSHOT_METRICS_LISTEN=" + metrics,
		"EARSHOT_RATE=0", // fifty callers of one name
		"EARSHOT_OIDC_ISSUER=" + b.stack.AdminIssuer, "EARSHOT_OIDC_CLIENT_ID=" + b.stack.AdminClientID,
		"EARSHOT_OIDC_DISCOVERY_URL=" + b.stack.AWSEndpoint + "/" + filepath.Base(b.stack.AdminIssuer),
	}
	if err := o.service.Start(); err != nil {
		return nil, err
	}
	if o.admin, err = b.stack.Admin(ctx, "http://"+listen); err != nil {
		o.close()
		return nil, err
	}
	const patience = 20 * time.Second
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := rig.Until(waiting, 50*time.Millisecond, func() (bool, error) {
		var ready map[string]any
		return o.admin.Call(waiting, http.MethodGet, "/readyz", nil, &ready) == nil, nil
	}); err != nil {
		o.close()
		return nil, fmt.Errorf("the admin service does not get ready: %w", err)
	}
	return o, nil
}

func (o *office) close() {
	_ = o.service.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = o.service.Wait()                          // how it ends says nothing
}

// residentKiB is the service's memory, as the kernel counts it.
func (o *office) residentKiB(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.metrics, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // read only
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "process_resident_memory_bytes "); found {
			bytes, err := strconv.ParseFloat(value, 64)
			return bytes / 1024, err
		}
	}
	return 0, errors.New("the service does not say how much memory it has")
}

// newDatabase makes a database beside the product's, and returns how its superuser and the service reach it.
func (b *bench) newDatabase(ctx context.Context, name string) (superuser, app string, err error) {
	connection, err := pgx.Connect(ctx, b.stack.Postgres)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = connection.Close(ctx) }() // the statement has been answered
	if _, err := connection.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", "", err
	}
	// The service's role belongs to the whole server: it keeps the password that the product uses.
	password, err := b.stack.Secret("postgres-app")
	if err != nil {
		return "", "", err
	}
	address, err := url.Parse(b.stack.Postgres)
	if err != nil {
		return "", "", err
	}
	address.Path = "/" + name
	superuser = address.String()
	address.User = url.UserPassword("earshot_app", password)
	return superuser, address.String(), nil
}

// twoAddresses returns two that are free.
func twoAddresses(ctx context.Context) (first, second string, err error) {
	for _, address := range []*string{&first, &second} {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		*address = listener.Addr().String()
		defer func() { _ = listener.Close() }() // both are held until both are known
	}
	return first, second, nil
}
