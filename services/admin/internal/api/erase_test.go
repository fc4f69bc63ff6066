package api_test

import (
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// An answer shows the subject, and never the name.
func TestErase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	const body = `{"agent": "mira.holm"}`
	got := w.send(t, "POST", path+"/actions/erase", body, "Idempotency-Key: one")
	op := into[apigen.Started](t, got).Operation
	if got.status != 202 || op.Kind != "erase" || op.Erasure == nil || len(op.Erasure.Subject) != 32 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if again := w.send(t, "POST", path+"/actions/erase", body, "Idempotency-Key: one"); again.status != 202 || again.body != got.body {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	if strings.Contains(got.body, "mira") {
		t.Errorf("the answer names the agent: %s", got.body)
	}
	for _, other := range []string{"/v1/operations/" + op.Id, "/v1/operations", "/v1/operations/" + op.Id + "/events", path} {
		if answer := w.send(t, "GET", other, ""); answer.status != 200 || strings.Contains(answer.body, "mira") {
			t.Errorf("%s names the agent: %d %s", other, answer.status, answer.body)
		}
	}
	if p := w.send(t, "POST", path+"/actions/erase", body).problem(t); p.Status != 409 || p.Code != "operation.running" {
		t.Errorf("a second one: %+v", p)
	}
	w.end(t, op.Id, operation.Succeeded, tenant.Active)
	for _, wrong := range []string{`{}`, `{"agent": ""}`, `{"agent": " "}`, `{"agent": "a\u0000"}`, `{"agent": ["a"]}`, `{"agent": "a", "all": true}`,
		`{"agent": "` + strings.Repeat("x", 257) + `"}`, `{"agent": "earshot.probe"}`} {
		if p := w.send(t, "POST", path+"/actions/erase", wrong).problem(t); p.Status != 422 {
			t.Errorf("%s answers %d %s", wrong, p.Status, p.Code)
		}
	}
}
