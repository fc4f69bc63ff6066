package api_test

import (
	"testing"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	if p := w.send(t, "POST", path+"/actions/resume", "").problem(t); p.Status != 409 || p.Code != "tenant.not_suspended" {
		t.Errorf("an active tenant is resumed: %+v", p)
	}
	got := w.send(t, "POST", path+"/actions/suspend", "", "Idempotency-Key: one")
	op := into[apigen.Started](t, got).Operation
	if got.status != 202 || op.Kind != "suspend" || got.header.Get("Location") != "/v1/operations/"+op.Id {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if again := w.send(t, "POST", path+"/actions/suspend", "", "Idempotency-Key: one"); again.status != 202 || again.body != got.body {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	w.end(t, op.Id, operation.Succeeded, tenant.Suspended)
	if p := w.send(t, "POST", path+"/actions/suspend", "").problem(t); p.Status != 409 || p.Code != "tenant.not_active" {
		t.Errorf("a suspended tenant is suspended: %+v", p)
	}
	if shown := into[apigen.Tenant](t, w.send(t, "GET", path, "")); shown.State != "suspended" {
		t.Errorf("the tenant is shown as %s", shown.State)
	}
	back := w.send(t, "POST", path+"/actions/resume", "")
	if o := into[apigen.Started](t, back).Operation; back.status != 202 || o.Kind != "resume" {
		t.Errorf("resume: %d %s", back.status, back.body)
	}
}
