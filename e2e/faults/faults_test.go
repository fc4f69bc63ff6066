// Package faults_test breaks the running product, the parts and the stacks, and looks at what is there afterwards.
package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/slug"
)

var shared *world.World

func TestMain(m *testing.M) { os.Exit(world.Main(m, &shared)) }

// setup returns the running product. The tests of this package kill its parts, so they run one after another.
func setup(t *testing.T) *world.World {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole product: run make test")
	}
	watchClaims(t, shared)
	return shared
}

// query asks Postgres, as its superuser, for one column of text.
func query(ctx context.Context, w *world.World, sql string, args ...any) ([]string, error) {
	conn, err := pgx.Connect(ctx, w.Postgres)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func ask(t *testing.T, w *world.World, sql string, args ...any) []string {
	t.Helper()
	found, err := query(t.Context(), w, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return found
}

// watchClaims has Postgres note who takes which operation from whom, and looks through the notes when the test ends: as
// long as a lease lasts, nobody but its holder claims the operation, and of a tenant's operations one runs at a time.
func watchClaims(t *testing.T, w *world.World) {
	t.Helper()
	ask(t, w, `create schema if not exists faults`)
	ask(t, w, `create table if not exists faults.claims (at timestamptz, operation uuid, holder text, lease_until timestamptz, claimed_by text)`)
	ask(t, w, `create or replace function faults.note() returns trigger language plpgsql security definer as $$ begin
		insert into faults.claims values (clock_timestamp(), new.id, old.holder, old.lease_until, new.holder); return null; end $$`)
	ask(t, w, `create or replace trigger faults_note after update on public.operations for each row
		when (old.generation is distinct from new.generation) execute function faults.note()`)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		stolen, err := query(ctx, w, `select c::text from faults.claims c where lease_until > at and holder <> claimed_by`)
		if err != nil || len(stolen) > 0 {
			t.Errorf("operations were taken from somebody who held them: %q, %v", stolen, err)
		}
	})
}

// start sends a write to the admin API and returns the id of the operation that it began.
func start(t *testing.T, w *world.World, method, path string, body any) string {
	t.Helper()
	status, answer := w.Call(t, method, path, body)
	if status != http.StatusAccepted {
		t.Fatalf("%s %s answered %d: %v", method, path, status, answer)
	}
	return world.Member(answer, "operation", "id").(string)
}

func onboard(t *testing.T, w *world.World, s string) string {
	t.Helper()
	return start(t, w, http.MethodPost, "/v1/tenants", world.Draft(s))
}

func offboard(t *testing.T, w *world.World, s string) string {
	t.Helper()
	return start(t, w, http.MethodDelete, "/v1/tenants/"+s+"?confirm="+s+"&data=delete", nil)
}

// await returns when all operations are over, whatever happens to the database meanwhile, and wants them to be in one state,
// and not to take longer than the limit.
func await(t *testing.T, w *world.World, limit time.Duration, state string, operations ...string) {
	t.Helper()
	end := within(t, fmt.Sprintf("%d operations are over", len(operations)), limit)
	world.Eventually(t, most*limit, "all operations are over", func(ctx context.Context) (bool, string) {
		open, err := query(ctx, w, `select t.slug || ' ' || o.kind || ' ' || o.step || ' ' || o.holder from operations o
			join tenants t on t.id = o.tenant_id where o.id = any($1::uuid[]) and o.finished_at is null`, operations)
		return err == nil && len(open) == 0, fmt.Sprint(open, err)
	})
	end()
	for _, other := range ask(t, w, `select t.slug || ' ' || o.kind || ' is ' || o.state || ' ' || coalesce(o.failure::text, '') from operations o
		join tenants t on t.id = o.tenant_id where o.id = any($1::uuid[]) and o.state <> $2`, operations, state) {
		t.Errorf("%s, want %s", other, state)
	}
}

// stacksOf returns the states of the stacks that have the tenant's name.
func stacksOf(t *testing.T, w *world.World, s string) []types.StackStatus {
	t.Helper()
	var found []types.StackStatus
	pages := cloudformation.NewListStacksPaginator(cloudformation.NewFromConfig(w.AWS()), &cloudformation.ListStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, stack := range page.StackSummaries {
			if *stack.StackName == slug.Slug(s).StackName() {
				found = append(found, stack.StackStatus)
			}
		}
	}
	return found
}

// wantOnboarded looks at a tenant whose onboarding succeeded: it was done once.
func wantOnboarded(t *testing.T, w *world.World, s, operation string) {
	t.Helper()
	if tenant := w.Tenant(t, s); tenant["state"] != "active" {
		t.Errorf("%s is %v, want active", s, tenant["state"])
	}
	if stacks := stacksOf(t, w, s); !slices.Equal(stacks, []types.StackStatus{types.StackStatusCreateComplete}) {
		t.Errorf("%s had the stacks %v, want one", s, stacks)
	}
	var memo struct {
		CallID string         `json:"call_id"`
		Wanted map[string]int `json:"call_wanted"`
	}
	if err := json.Unmarshal([]byte(ask(t, w, `select memo::text from operations where id = $1::text::uuid`, operation)[0]), &memo); err != nil {
		t.Fatal(err)
	}
	for kind, want := range memo.Wanted {
		ofCall := map[string]any{"term": map[string]any{"ingest.batchId.keyword": memo.CallID}}
		all, own := w.Count(t.Context(), t, s+"-"+kind+"-*", world.AgentIs("earshot.probe")), w.Count(t.Context(), t, s+"-"+kind+"-*", ofCall)
		if all != want || own != want {
			t.Errorf("%s has %d documents of %s of synthetic calls, %d of its own; want %d of one call", s, all, kind, own, want)
		}
	}
	asked := ask(t, w, `select message from operation_events where operation_id = $1::text::uuid and
		(message like 'CloudFormation builds %' or message like '%is deleted first%')`, operation)
	if len(asked) > 1 {
		t.Errorf("%s: more than one stack was asked for: %q", s, asked)
	}
}

// wantOffboarded looks for what is left of a tenant.
func wantOffboarded(t *testing.T, w *world.World, s string) {
	t.Helper()
	if status, _ := w.Call(t, http.MethodGet, "/v1/tenants/"+s, nil); status != http.StatusNotFound {
		t.Errorf("%s answers %d", s, status)
	}
	for _, stack := range stacksOf(t, w, s) {
		if stack != types.StackStatusDeleteComplete {
			t.Errorf("%s has a stack in %s", s, stack)
		}
	}
	for _, path := range []string{"/_cat/indices/" + s + "-*", "/_plugins/_security/api/roles"} {
		if _, raw := w.Search(t.Context(), t, http.MethodGet, path, nil); strings.Contains(string(raw), s) {
			t.Errorf("%s still names %s: %.200s", path, s, raw)
		}
	}
}

// wantToldOnce wants no event of the stack twice, and one end.
func wantToldOnce(t *testing.T, w *world.World, s, operation string) {
	t.Helper()
	for _, twice := range ask(t, w, `select step || ' ' || resource || ' ' || status || ' × ' || count(*) from operation_events
		where operation_id = $1::text::uuid and status like '%_COMPLETE' group by step, resource, status having count(*) > 1`, operation) {
		t.Errorf("%s was told twice: %s", s, twice)
	}
	ends := ask(t, w, `select action from audit_events where detail ->> 'operation' = $1 and action in
		('operations.succeeded', 'operations.failed', 'operations.cancelled')`, operation)
	if !slices.Equal(ends, []string{"operations.succeeded"}) {
		t.Errorf("%s ended %v, want one success", s, ends)
	}
}
