package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

var (
	owner = postgrestest.Owner
	page  = tenant.Page{Limit: 200}
)

func setupCells(t *testing.T, most int) world {
	t.Helper()
	db := postgrestest.New(t, testenv.Postgres(t), tenant.Cell{Name: "local", Region: "eu-central-1", StackName: "a-cell", MaxTenants: most})
	w := serve(t, api.Config{Directory: db, Starter: db, History: db, Ledger: db, Keys: db})
	w.db = db
	return w
}

func TestOnboard(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := w.send(t, "POST", "/v1/tenants", draft("acme", "settings",
		`{"softphone_origins":["https://Bücher.example:8443","https://plain.example/"],"index_period":{"apimetric":"day"},"privacy":{"ip":"truncated"}}`))
	if got.status != 202 {
		t.Fatal(got)
	}
	started := into[apigen.Started](t, got)
	if got.header.Get("Location") != "/v1/operations/"+started.Operation.Id {
		t.Errorf("Location is %s", got.header.Get("Location"))
	}
	if s := started.Tenant; s.State != "pending" || s.Cell != "local" || *s.ActiveOperation != started.Operation.Id || len(s.ExternalId) < 20 {
		t.Errorf("the tenant is %+v", s)
	}
	s := started.Tenant.Settings
	if want := []string{"https://xn--bcher-kva.example:8443", "https://plain.example"}; !slices.Equal(s.SoftphoneOrigins, want) {
		t.Errorf("origins %v, want %v", s.SoftphoneOrigins, want)
	}
	if s.IndexPeriod["apimetric"] != "day" || s.IndexPeriod["softphonecallreport"] != "quarter" || s.Privacy.Ip != "truncated" || s.RetentionDays != 90 {
		t.Errorf("what was not sent has not its default: %+v", s)
	}
	if o := started.Operation; o.Kind != "onboard" || o.State != "running" || o.RequestedBy != "owner@earshot.example" || o.Tenant != "acme" {
		t.Errorf("the operation is %+v", o)
	}
	shown := w.send(t, "GET", "/v1/operations/"+started.Operation.Id, "")
	if into[apigen.Operation](t, shown).Id != started.Operation.Id {
		t.Errorf("the operation is shown as %s", shown.body)
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(t, "POST", "/v1/tenants", draft("acme"))
	first := w.send(t, "GET", "/v1/tenants/acme", "")
	tag := first.header.Get("ETag")
	if again := w.send(t, "GET", "/v1/tenants/acme", "", "If-None-Match: "+tag); tag == "" || again.status != 304 || again.body != "" {
		t.Errorf("%s: answers %d %s", tag, again.status, again.body)
	}
	if got := w.send(t, "DELETE", "/v1/tenants/acme?confirm=acme&data=retain", ""); got.status != 202 || into[apigen.Started](t, got).Operation.State != "queued" {
		t.Fatalf("an off-boarding of a tenant that is being onboarded: %d %s", got.status, got.body)
	}
	if changed := w.send(t, "GET", "/v1/tenants/acme", "", "If-None-Match: "+tag); changed.status != 200 || changed.header.Get("ETag") == tag {
		t.Errorf("after a change: %d %s", changed.status, changed.header.Get("ETag"))
	}
	busy := w.send(t, "DELETE", "/v1/tenants/acme?confirm=acme&data=delete", "")
	if p := busy.problem(t); p.Code != "operation.running" || !strings.Contains(p.Detail, "Operation ") {
		t.Errorf("a second off-boarding: %s", busy.body)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := setup(t)
	body := draft("acme")
	answers := make([]answer, 20)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i], _ = w.try(t.Context(), "POST", "/v1/tenants", body, "Idempotency-Key: k") })
	}
	group.Wait()
	for _, a := range answers {
		if a.status != 202 || a.body != answers[0].body || a.header.Get("Location") != answers[0].header.Get("Location") {
			t.Errorf("one of twenty got %d %s", a.status, a.body)
		}
	}
	if list := into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants", "")); len(list.Items) != 1 {
		t.Errorf("%d tenants were made", len(list.Items))
	}
	for name, got := range map[string]answer{
		"another body":   w.send(t, "POST", "/v1/tenants", draft("beta"), "Idempotency-Key: k"),
		"another path":   w.send(t, "POST", "/v1/tenants/acme/actions/retry", "", "Idempotency-Key: k"),
		"another method": w.send(t, "DELETE", "/v1/tenants/acme?confirm=acme&data=delete", "", "Idempotency-Key: k"),
	} {
		if p := got.problem(t); p.Status != 422 || p.Code != "idempotency.key_reused" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, s := range []slug.Slug{"aaa", "bbb", "ccc"} {
		w.send(t, "POST", "/v1/tenants", draft(s))
	}
	var seen []string
	for cursor := ""; ; {
		list := into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants?limit=2&q=TENANT&state=pending&cell=local&cursor="+cursor, ""))
		if cursor == "" {
			list = into[apigen.TenantPage](t, w.send(t, "GET", "/v1/tenants?limit=2&q=TENANT&state=pending&cell=local", ""))
		}
		for _, one := range list.Items {
			seen = append(seen, one.Slug)
		}
		if list.NextCursor == nil {
			break
		}
		cursor = *list.NextCursor
	}
	if !slices.Equal(seen, []string{"aaa", "bbb", "ccc"}) {
		t.Errorf("saw %v", seen)
	}
	list := into[apigen.OperationPage](t, w.send(t, "GET", "/v1/operations?tenant=bbb&kind=onboard&state=running", ""))
	if len(list.Items) != 1 || list.Items[0].Tenant != "bbb" {
		t.Errorf("operations of bbb: %+v", list)
	}
}

// TestLostDatabase has an API whose database is away from the beginning.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://earshot_app:x@127.0.0.1:1/none", Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := serve(t, api.Config{Directory: db, Starter: db, History: db, Ready: func(ctx context.Context) (map[string]string, error) {
		return nil, db.Ping(ctx)
	}})
	for name, got := range map[string]answer{
		"onboard": w.send(t, "POST", "/v1/tenants", draft("acme"), "Idempotency-Key: k"),
		"list":    w.send(t, "GET", "/v1/tenants", ""),
		"ready":   w.send(t, "GET", "/readyz", ""),
	} {
		if p := got.problem(t); p.Status != 503 || p.Code != "database.unavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.send(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("the process runs: %d", got.status)
	}
}

// broken panics, as a bug of ours would.
type broken struct{ tenant.Directory }

func (broken) Tenant(context.Context, access.Actor, slug.Slug) (tenant.Tenant, error) {
	panic("a secret")
}

func TestPanic(t *testing.T) {
	t.Parallel()
	w := serve(t, api.Config{Directory: broken{}})
	got := w.send(t, "GET", "/v1/tenants/acme", "")
	if p := got.problem(t); p.Status != 500 || p.Code != "internal" || strings.Contains(got.body, "secret") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// keeping keeps the context that it is called with, as clients of databases and of AWS do for a moment.
type keeping struct {
	tenant.Directory
	kept chan context.Context
}

func (k keeping) Tenant(ctx context.Context, _ access.Actor, _ slug.Slug) (tenant.Tenant, error) {
	k.kept <- ctx
	return tenant.Tenant{}, tenant.ErrNotFound
}

func TestAContextStaysThatOfItsRequest(t *testing.T) {
	t.Parallel()
	kept := make(chan context.Context, 1)
	w := serve(t, api.Config{Directory: keeping{kept: kept}})
	want := w.send(t, "GET", "/v1/tenants/acme", "").header.Get("X-Request-Id")
	ctx := <-kept
	for range 200 {
		w.send(t, "GET", "/healthz", "")
		if got := ctx.Value("request"); got != want {
			t.Fatalf("the context of request %s has become that of %v", want, got)
		}
	}
	if ctx.Err() == nil {
		t.Error("it has not ended with its request")
	}
}

func TestDocumentationIsSelfContained(t *testing.T) {
	t.Parallel()
	w := serve(t, api.Config{})
	got := w.send(t, "GET", "/docs", "")
	if found := regexp.MustCompile(`src=|<script|<link|<img|@import|url\(|href="(https?:)?//`).FindString(got.body); found != "" || got.status != 200 {
		t.Errorf("/docs is %d and loads something: %s", got.status, found)
	}
	if !strings.Contains(got.body, "&#34;slug&#34;: &#34;acme&#34;") {
		t.Error("/docs shows no example of an onboarding")
	}
	for name := range routes(t, w) {
		if !strings.Contains(got.body, name) {
			t.Errorf("/docs lacks %s", name)
		}
	}
	if !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("/docs may load something: %v", got.header)
	}
}

func TestEndlessBodyIsCutOff(t *testing.T) {
	t.Parallel()
	w := serve(t, api.Config{})
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/v1/tenants", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer owner")
	request.Header.Set("Content-Type", "application/json")
	go func() { // a body without an end
		for {
			if _, err := fmt.Fprint(writer, strings.Repeat(" ", 4096)); err != nil {
				return
			}
		}
	}()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body without an end answers %d", response.StatusCode)
	}
	_ = reader.Close()
}
