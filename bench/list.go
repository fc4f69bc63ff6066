package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// tenantsList compares the slowest answers to fifty callers at once of the list and detail routes over two databases, of ten and of
// ten thousand tenants, each with an admin service of its own. The two are asked in turns.
func tenantsList(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const rounds, requests, pages = 9, 400, 9
	few, err := b.newOffice(ctx, "bench_few", 10)
	if err != nil {
		return nil, err
	}
	defer few.close()
	many, err := b.newOffice(ctx, "bench_many", 10_000)
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
		{"the first ten tenants", "tenants?limit=10", "tenants?limit=10"},
		{"ten tenants from the middle", "tenants?limit=10", "tenants?limit=10&cursor=" + url.QueryEscape(middle)},
		{"one tenant", "tenants/" + firstSlug, "tenants/" + firstSlug},
		{"the last ten operations", "operations?limit=10", "operations?limit=10"},
		{"one operation", "operations/" + firstOperation, "operations/" + firstOperation},
		{"the last ten audit events", "audit-events?limit=10", "audit-events?limit=10"},
		{search + "that no tenant has", "tenants?q=of+this+name&limit=10", "tenants?q=of+this+name&limit=10"},
		{search + "that one tenant has", "tenants?q=" + firstSlug[1:] + "&limit=10", "tenants?q=" + firstSlug[1:] + "&limit=10"},
		{search + "that all tenants have", "tenants?q=centre&limit=10", "tenants?q=centre&limit=10"},
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
		figure := sheet.Figure{
			ID: "tenants_list_p99_10k_over_10", Value: ratio, Unit: "x", Direction: sheet.AtMost, Aim: 2, Runs: len(ours), Spread: spread,
			What: fmt.Sprintf("%s: 99 %% of %d requests of 50 callers at once within %.1f ms with 10,000 tenants, over %.1f ms with 10 (of medians: %.2f)",
				page.what, requests, sheet.Median(ours), sheet.Median(base), sheet.Median(medians)),
		}
		if strings.HasPrefix(page.what, search) {
			figure.ID = "tenants_search_p99_10k_over_10"
		}
		figures = append(figures, figure)
	}
	return figures, nil
}

// search begins what is said of searches, which have a figure of their own.
const search = "a part of a name "

// firstSlug and firstOperation are of a tenant that fill makes in every database.
const (
	firstSlug      = "tc4ca4238a0b9"
	firstOperation = "c4ca4238-a0b9-2382-0dcc-509a6f75849b"
)

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
	err := o.admin.Call(ctx, http.MethodGet, "/v1/"+query, nil, &page)
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

// fill adds so many active tenants, each with a Connect instance, the operation that made it, an audit event of that, and how it does.
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
		`insert into operations (id, tenant_id, kind, state, step, percent, requested_by, created_at, finished_at)
		 select md5(substr(external_id, 10))::uuid, id, 'onboard', 'succeeded', 'await_call', 100, 'bench', now() - substr(external_id, 10)::int * interval '1 minute', now() from tenants`,
		`insert into audit_events (at, tenant_id, actor, name, role, action, target)
		 select o.created_at, o.tenant_id, 'bench', 'bench', 'owner', 'tenants.onboard', 'tenants/' || t.slug from operations o join tenants t on t.id = o.tenant_id`,
		`insert into tenant_health (tenant_id, looked_at, condition, reason, calls_today)
		 select id, now(), case when substr(external_id, 10)::int % 10 = 0 then 'warning' else 'good' end, '', 40 from tenants`,
		`vacuum analyze`,
	} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	return nil
}
