package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func (w world) audit(t *testing.T, query string) []apigen.AuditEvent {
	t.Helper()
	return into[apigen.AuditEventPage](t, w.send(t, "GET", "/v1/audit-events?"+query, "")).Items
}

// TestEveryRefusedChangeIsAudited has every way in which a change is refused.
func TestEveryRefusedChangeIsAudited(t *testing.T) {
	t.Parallel()
	w := setup(t)
	if got := w.send(t, "POST", "/v1/tenants", draft("acme"), "Idempotency-Key: k"); got.status != 202 {
		t.Fatal(got)
	}
	for _, row := range []struct {
		method, path, body, headers string
		status                      int
		action, target              string
	}{
		{"POST", "/v1/tenants", draft("acme"), "", 409, "tenants.onboard", "tenants/acme"},
		{"POST", "/v1/tenants", draft("beta"), "Authorization: Bearer auditor", 403, "tenants.onboard", "tenants"},
		{"POST", "/v1/tenants", "{}", "", 422, "tenants.onboard", "tenants"},
		{"POST", "/v1/tenants", "{", "", 400, "tenants.onboard", "tenants"},
		{"POST", "/v1/tenants", "x", "Content-Type: text/plain", 415, "tenants.onboard", "tenants"},
		{"POST", "/v1/tenants", draft("beta"), "Idempotency-Key: k", 422, "tenants.onboard", "tenants/beta"},
		{"PATCH", "/v1/tenants/acme", "{}", "", 428, "tenants.update", "tenants/acme"},
		{"PATCH", "/v1/tenants/acme", `{"display_name": "x"}`, `If-Match: "0"`, 412, "tenants.update", "tenants/acme"},
		{"PATCH", "/v1/tenants/acme", `{"display_name": "x"}`, "If-Match: *", 409, "tenants.update", "tenants/acme"},
		{"DELETE", "/v1/tenants/acme?confirm=other&data=delete", "", "", 422, "tenants.offboard", "tenants/acme"},
		{"DELETE", "/v1/tenants/nobody?confirm=nobody&data=delete", "", "", 404, "tenants.offboard", "tenants/nobody"},
		{"POST", "/v1/tenants/acme/actions/retry", "", "", 409, "operations.retry", "tenants/acme"},
		{"POST", "/v1/tenants/acme/actions/erase", `{"agent": "mira.holm"}`, "", 409, "tenants.erase", "tenants/acme"},
		{"DELETE", "/v1/tenants/acme/connect-instances/main", "", "If-Match: *", 409, "tenants.update", "tenants/acme/connect-instances/main"},
	} {
		var headers []string
		if row.headers != "" {
			headers = append(headers, row.headers)
		}
		got := w.send(t, row.method, row.path, row.body, headers...)
		p := got.problem(t)
		if got.status != row.status {
			t.Errorf("%s %s answers %d %s", row.method, row.path, got.status, got.body)
		}
		last := w.audit(t, "limit=1")[0]
		if last.Outcome != "refused" || last.Action != row.action || last.Target != row.target || *last.Code != p.Code ||
			*last.RequestId != got.header.Get("X-Request-Id") || *last.SourceAddress != "127.0.0.1" {
			t.Errorf("%s %s is told as %+v", row.method, row.path, last)
		}
		if strings.HasPrefix(row.headers, "Authorization") && last.Actor.Subject != "auditor" {
			t.Errorf("%s %s was tried by %+v", row.method, row.path, last.Actor)
		}
	}
	for _, e := range w.audit(t, "limit=200") {
		if text, _ := json.Marshal(e); strings.Contains(string(text), "mira.holm") {
			t.Errorf("what was sent is in %s", text)
		}
	}
}

// What reads is not audited, and whoever is unknown cannot fill the table.
func TestOnlyChangesAreAudited(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.send(t, "GET", "/v1/tenants/nobody", "")
	w.send(t, "GET", "/v1/tenants?state=x", "")
	w.send(t, "POST", "/v1/tenants", draft("acme"), "Authorization: Bearer stranger")
	w.send(t, "POST", "/v1/nothing", "")
	if list := w.audit(t, ""); len(list) != 0 {
		t.Errorf("audited: %+v", list)
	}
}

// Every route that changes something says what the audit calls it, and that is what the change itself is called.
func TestEveryChangeHasAWord(t *testing.T) {
	t.Parallel()
	w := setup(t)
	document := into[struct {
		Paths map[string]map[string]json.RawMessage
	}](t, w.send(t, "GET", "/openapi.json", ""))
	for path, item := range document.Paths {
		for method, operation := range item {
			var o struct {
				Audit string `json:"x-audit"`
			}
			if method == "parameters" || json.Unmarshal(operation, &o) != nil {
				continue
			}
			if (o.Audit == "") != (method == "get") {
				t.Errorf("%s %s: a route that changes something, and no other, names its word in the audit as x-audit", method, path)
			}
		}
	}
	w.send(t, "POST", "/v1/tenants", draft("acme"))
	w.send(t, "DELETE", "/v1/tenants/acme?confirm=acme&data=delete", "")
	var done []string
	for _, e := range w.audit(t, "tenant=acme&outcome=done") {
		done = append(done, e.Action)
	}
	if strings.Join(done, " ") != "tenants.offboard tenants.onboard" {
		t.Errorf("done: %v", done)
	}
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const many = 450 // three reads
	for range many {
		if err := w.db.Refuse(t.Context(), owner, access.Refusal{Action: "x", Target: "tenants/x", Code: "x.y"}); err != nil {
			t.Fatal(err)
		}
	}
	got := w.send(t, "GET", "/v1/audit-events?outcome=refused", "", "Accept: application/x-ndjson")
	if got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("got %v", got.header)
	}
	var lines int
	last := int64(1 << 62)
	for scan := bufio.NewScanner(strings.NewReader(got.body)); scan.Scan(); lines++ {
		var e apigen.AuditEvent
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil || e.Id >= last {
			t.Fatalf("line %d: %s after %d: %v", lines, scan.Text(), last, err)
		}
		last = e.Id
	}
	if lines != many {
		t.Errorf("%d lines of %d", lines, many)
	}
}

// failing loses its database after a page.
type failing struct {
	postgrestest.Database
	pages int
}

func (f *failing) AuditEvents(ctx context.Context, actor access.Actor, filter access.AuditFilter) ([]access.AuditEvent, string, error) {
	if f.pages++; f.pages > 1 {
		return nil, "", errors.New("lost")
	}
	list, _, err := f.Database.AuditEvents(ctx, actor, filter)
	return list, "more", err
}

func TestABrokenExportIsNoWholeOne(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, testenv.Postgres(t))
	w := serve(t, api.Config{Directory: db, Starter: db, History: db, Ledger: &failing{Database: db}})
	if _, err := w.try(t.Context(), "GET", "/v1/audit-events", "", "Accept: application/x-ndjson"); err == nil {
		t.Error("a part is taken for all")
	}
}

// TestAttackSourceAddress invents an address: it counts only when it comes through the load balancer.
func TestAttackSourceAddress(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[string]string{"": "127.0.0.1", "127.0.0.0/8": "203.0.113.9", "10.0.0.0/8": "127.0.0.1"} {
		db := postgrestest.New(t, testenv.Postgres(t))
		c := api.Config{Directory: db, Starter: db, History: db, Ledger: db, Keys: db}
		if trusted != "" {
			c.TrustedProxies = []string{trusted}
		}
		w := serve(t, c)
		w.send(t, "POST", "/v1/tenants", "{}", "X-Forwarded-For: 198.51.100.1, 203.0.113.9", "X-Real-IP: 198.51.100.2")
		if got := w.audit(t, "")[0].SourceAddress; *got != want {
			t.Errorf("behind %q it came from %s, want %s", trusted, *got, want)
		}
	}
	if _, err := api.New(api.Config{TrustedProxies: []string{"nowhere"}}); err == nil {
		t.Error("a network that is none is taken")
	}
}
