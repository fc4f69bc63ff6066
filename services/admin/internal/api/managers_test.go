package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/tenant/tenanttest"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func setupPeople(t *testing.T) (world, *tenanttest.People) {
	t.Helper()
	db, p := postgrestest.New(t, testenv.Postgres(t)), tenanttest.NewPeople()
	w := serve(t, api.Config{Directory: db, Starter: db, History: db, Ledger: db, Keys: db, Recorder: db, Managers: p})
	w.db = db
	if got := w.send(t, "POST", "/v1/tenants", draft("acme")); got.status != 202 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return w, p
}

const managersPath = "/v1/tenants/acme/managers"

// Case 21.
func TestManagersAddresses(t *testing.T) {
	t.Parallel()
	w, _ := setupPeople(t)
	for _, row := range []struct {
		email  string
		status int
	}{
		{"Nora.Lind@Example.com", 201},
		{"nora.lind@example.COM", 409},
		{"  nora.lind@example.com ", 409},
		{"nora.lind+kb@example.com", 201},
		{"j\u00f6rg@example.com", 422},
		{`a@example.com\nbcc: b@example.com`, 422},
		{"a@example.com,b@example.com", 422},
		{"nora", 422},
		{strings.Repeat("x", 290) + "@example.com", 422},
	} {
		if got := w.send(t, "POST", managersPath, `{"email": "`+row.email+`"}`); got.status != row.status {
			t.Errorf("%q is answered %d %s, want %d", row.email, got.status, got.body, row.status)
		}
	}
	if got := w.send(t, "GET", managersPath, ""); strings.Count(strings.ToLower(got.body), "nora.lind@example.com") != 1 || !strings.Contains(got.body, "Nora.Lind@Example.com") {
		t.Errorf("listed: %s", got.body)
	}
	if got := w.send(t, "DELETE", managersPath+"/NORA.LIND@example.com", ""); got.status != 204 || got.body != "" {
		t.Errorf("removed with other letters: %d %s", got.status, got.body)
	}
	if got := w.send(t, "POST", managersPath, `{"email": "nora.lind@example.com"}`); got.status != 201 {
		t.Errorf("again after her removal: %d %s", got.status, got.body)
	}
}

func TestManagersChange(t *testing.T) {
	t.Parallel()
	w, _ := setupPeople(t)
	made := into[apigen.Manager](t, w.send(t, "POST", managersPath, `{"email": "nora+kb@example.com"}`))
	if made.Group == nil || *made.Group != "viewers" || !made.Enabled || made.Status != "invited" {
		t.Errorf("by default she is %+v", made)
	}
	got := w.send(t, "PATCH", managersPath+"/nora%2Bkb@example.com", `{"enabled": false, "group": "managers"}`)
	if changed := into[apigen.Manager](t, got); changed.Enabled || *changed.Group != "managers" || changed.Id != made.Id {
		t.Errorf("changed to %s", got.body)
	}
	for name, row := range map[string]struct {
		method, path, body, code string
		status                   int
	}{
		"nobody":          {"PATCH", managersPath + "/nobody@example.com", "{}", "manager.not_found", 404},
		"no address":      {"DELETE", managersPath + "/nobody", "", "manager.not_found", 404},
		"another group":   {"PATCH", managersPath + "/nora+kb@example.com", `{"group": "owner"}`, "request.invalid", 422},
		"a foreign group": {"POST", managersPath, `{"email": "a@example.com", "group": "admin"}`, "request.invalid", 422},
		"another member":  {"POST", managersPath, `{"email": "a@example.com", "password": "x"}`, "request.invalid", 422},
		"another tenant":  {"GET", "/v1/tenants/globex/managers", "", "tenant.not_found", 404},
		"in it":           {"POST", "/v1/tenants/globex/managers", `{"email": "a@example.com"}`, "tenant.not_found", 404},
	} {
		got := w.send(t, row.method, row.path, row.body)
		if p := got.problem(t); p.Status != row.status || p.Code != row.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestManagersAreInvitedOncePerKey(t *testing.T) {
	t.Parallel()
	w, p := setupPeople(t)
	var first answer
	for i := range 3 {
		got := w.send(t, "POST", managersPath, `{"email": "nora@example.com"}`, "Idempotency-Key: once")
		if i == 0 {
			first = got
		}
		if got.status != 201 || got.body != first.body {
			t.Errorf("try %d: %d %s", i, got.status, got.body)
		}
	}
	for range 2 {
		if got := w.send(t, "DELETE", managersPath+"/nora@example.com", "", "Idempotency-Key: away"); got.status != 204 {
			t.Errorf("removed again by the same key: %d %s", got.status, got.body)
		}
	}
	if made, left := p.Count(); made != 1 || left != 0 {
		t.Errorf("%d were made, %d are left", made, left)
	}
	p.Fail(tenant.ErrNoPool)
	for range 2 { // a failure is not remembered
		if got := w.send(t, "POST", managersPath, `{"email": "otto@example.com"}`, "Idempotency-Key: later"); got.problem(t).Code != "manager.no_pool" {
			t.Errorf("without a pool: %s", got.body)
		}
	}
	p.Fail(nil)
	if got := w.send(t, "POST", managersPath, `{"email": "otto@example.com"}`, "Idempotency-Key: later"); got.status != 201 {
		t.Errorf("with one: %d %s", got.status, got.body)
	}
}

// The audit says who did what to whom, and keeps nobody's address.
func TestManagersAreWrittenDown(t *testing.T) {
	t.Parallel()
	w, _ := setupPeople(t)
	w.send(t, "POST", managersPath, `{"email": "nora@example.com"}`)
	w.send(t, "POST", managersPath, `{"email": "nora@example.com"}`) // refused
	w.send(t, "PATCH", managersPath+"/nora@example.com", `{"enabled": false}`)
	w.send(t, "DELETE", managersPath+"/nora@example.com", "")
	w.send(t, "DELETE", managersPath+"/nora@example.com", "") // refused
	conn, err := pgx.Connect(t.Context(), w.db.SuperuserURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	rows, err := conn.Query(t.Context(), `select actor || ' ' || action || ' ' || target || ' ' || (detail->>'enabled') from audit_events
		where action like 'managers.%' and outcome = 'done' order by id`)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := "owner managers.invite tenants/acme/managers/subject-1 true|owner managers.change tenants/acme/managers/subject-1 false|owner managers.remove tenants/acme/managers/subject-1 false"
	if err != nil || strings.Join(found, "|") != want {
		t.Errorf("written down: %v (%v), want %s", found, err, want)
	}
	var kept int
	if err := conn.QueryRow(t.Context(), "select count(*) from audit_events a where a::text like '%nora%'").Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d events keep an address (%v)", kept, err)
	}
}

func TestAttackManagersAsAnAuditor(t *testing.T) {
	t.Parallel()
	w, p := setupPeople(t)
	w.send(t, "POST", managersPath, `{"email": "nora@example.com"}`)
	for _, row := range [][3]string{
		{"POST", managersPath, `{"email": "a@example.com"}`}, {"PATCH", managersPath + "/nora@example.com", `{"group": "managers"}`},
		{"DELETE", managersPath + "/nora@example.com", ""},
	} {
		if got := w.send(t, row[0], row[1], row[2], "Authorization: Bearer auditor"); got.status != 403 {
			t.Errorf("%s as an auditor: %d %s", row[0], got.status, got.body)
		}
	}
	made, left := p.Count()
	if got := w.send(t, "GET", managersPath, "", "Authorization: Bearer auditor"); got.status != 200 || made != 1 || left != 1 {
		t.Errorf("an auditor reads %d %s", got.status, got.body)
	}
}
