package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// tenantsList compares the slowest answers to fifty callers at once of the list of tenants, and of one tenant, over two databases,
// of ten and of ten thousand tenants, each with an admin service of its own.
func tenantsList(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const rounds, requests, pages = 7, 500, 3
	few, err := b.newOffice(ctx, 10)
	if err != nil {
		return nil, err
	}
	defer few.close()
	many, err := b.newOffice(ctx, 10_000)
	if err != nil {
		return nil, err
	}
	defer many.close()
	middle, err := many.cursor(ctx, 5000)
	if err != nil {
		return nil, err
	}
	var figures []sheet.Figure
	for _, page := range []struct{ what, few, many string }{
		{"first page of ten", "?limit=10", "?limit=10"},
		{"a page of ten from the middle", "?limit=10", "?limit=10&cursor=" + url.QueryEscape(middle)},
		{"one tenant", "/" + firstSlug, "/" + firstSlug},
	} {
		var ours, base, medians []float64
		for round := range b.repeatPart("list, "+page.what, rounds+1, pages) { // the first warms both up
			quick, err := few.times(ctx, page.few, requests)
			if err != nil {
				return nil, err
			}
			slow, err := many.times(ctx, page.many, requests)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				base, ours = append(base, sheet.Percentile(quick, 99)), append(ours, sheet.Percentile(slow, 99))
				medians = append(medians, sheet.Median(slow)/sheet.Median(quick))
			}
		}
		ratio, spread := sheet.Ratio(ours, base)
		figures = append(figures, sheet.Figure{
			ID: "tenants_list_p99_10k_over_10", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 2, Runs: len(ours), Spread: spread,
			What: fmt.Sprintf("%s: 99 %% of %d requests of 50 callers at once within %.1f ms with 10,000 tenants, over %.1f ms with 10 (of medians: %.2f)",
				page.what, requests, sheet.Median(ours), sheet.Median(base), sheet.Median(medians)),
		})
	}
	return figures, nil
}

// An office is an admin service with a database of its own.
type office struct {
	admin   *rig.Admin
	service *exec.Cmd
}

func (b *bench) newOffice(ctx context.Context, tenants int) (*office, error) {
	database := fmt.Sprintf("bench_%d", tenants)
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
	o := &office{service: exec.CommandContext(ctx, binary, "serve")}
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

// firstSlug is of a tenant that fill makes in every database.
const firstSlug = "tc4ca4238a0b9"

// times returns how long each of so many requests of fifty callers at once takes.
func (o *office) times(ctx context.Context, query string, requests int) ([]float64, error) {
	const callers = 50
	took := make([]float64, requests)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callers)
	for i := range requests {
		group.Go(func() (err error) {
			took[i], err = o.time(ctx, query)
			return err
		})
	}
	return took, group.Wait()
}

// time returns how many milliseconds one page takes.
func (o *office) time(ctx context.Context, query string) (float64, error) {
	began := time.Now()
	var page json.RawMessage
	err := o.admin.Call(ctx, http.MethodGet, "/v1/tenants"+query, nil, &page)
	return float64(time.Since(began).Microseconds()) / 1000, err
}

// cursor walks past so many tenants.
func (o *office) cursor(ctx context.Context, tenants int) (string, error) {
	const page = 200
	next := ""
	for range tenants / page {
		query := fmt.Sprintf("/v1/tenants?limit=%d", page)
		if next != "" {
			query += "&cursor=" + url.QueryEscape(next)
		}
		var answer struct {
			Next string `json:"next_cursor"`
		}
		if err := o.admin.Call(ctx, http.MethodGet, query, nil, &answer); err != nil {
			return "", err
		}
		if next = answer.Next; next == "" {
			return "", errors.New("the list of tenants ends early")
		}
	}
	return next, nil
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

// fill adds so many active tenants with a Connect instance each.
func fill(ctx context.Context, superuser string, tenants int) error {
	defaults, err := json.Marshal(tenant.DefaultSettings())
	if err != nil {
		return err
	}
	connection, err := pgx.Connect(ctx, superuser)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }() // the statements have been answered
	for _, statement := range []string{
		`insert into tenants (id, slug, display_name, state, isolation, cell, external_id, settings, softphone_url, telemetry_api_url)
		 select gen_random_uuid(), 't' || substr(md5(n::text), 1, 12), 'Contact centre ' || n, 'active', 'pooled', 'local', 'external-' || n, '` + string(defaults) + `',
		   'https://d' || n || '.cloudfront.net/', 'https://a' || n || '.execute-api.eu-central-1.amazonaws.com/v1'
		 from generate_series(1, ` + fmt.Sprint(tenants) + `) n`,
		`insert into connect_instances (tenant_id, alias, position, arn, region, ccp_url)
		 select id, 'main', 0, 'arn:aws:connect:eu-west-2:111122223333:instance/' || id, 'eu-west-2', 'https://' || slug || '.my.connect.aws/ccp-v2/' from tenants`,
		`vacuum analyze tenants`, `vacuum analyze connect_instances`,
	} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	return nil
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
