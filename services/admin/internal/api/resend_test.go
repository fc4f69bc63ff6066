package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func TestReplayAndRedrive(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	got := w.send(t, "POST", path+"/actions/replay", `{"from":"2026-11-01T02:00:00+02:00","to":"2999-01-01T00:00:00Z","kinds":["softphonecallreport","apimetric"]}`)
	s := into[apigen.Started](t, got)
	if got.status != 202 || got.header.Get("Location") != "/v1/operations/"+s.Operation.Id || s.Operation.Kind != "replay" || s.Tenant.State != "active" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	span := s.Operation.Span
	if span == nil || span.From.Format(time.RFC3339) != "2026-11-01T00:00:00Z" || time.Since(span.To) > time.Minute || len(span.Kinds) != 2 || span.Kinds[0] != "apimetric" {
		t.Errorf("the operation shows %+v", span)
	}
	if p := w.send(t, "POST", path+"/actions/redrive", "").problem(t); p.Status != 409 || p.Code != "operation.running" {
		t.Errorf("a redrive meanwhile: %+v", p)
	}
	w.end(t, s.Operation.Id, operation.Succeeded, tenant.Active)
	redrive := w.send(t, "POST", path+"/actions/redrive", "")
	if o := into[apigen.Started](t, redrive).Operation; redrive.status != 202 || o.Kind != "redrive" || o.Span != nil {
		t.Errorf("redrive: %d %s", redrive.status, redrive.body)
	}
}

func TestBadReplays(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	for name, row := range map[string]struct{ body, code, pointer string }{
		"nothing":              {`{}`, "request.invalid", ""},
		"the wrong way round":  {`{"from":"2026-11-02T00:00:00Z","to":"2026-11-01T00:00:00Z"}`, "replay.span_invalid", "/from"},
		"from the future":      {`{"from":"2999-11-02T00:00:00Z"}`, "replay.span_invalid", "/from"},
		"a date":               {`{"from":"2026-11-02"}`, "request.invalid", ""},
		"a kind of no archive": {`{"from":"2026-11-02T00:00:00Z","kinds":["callsummary"]}`, "request.invalid", ""},
		"a path":               {`{"from":"2026-11-02T00:00:00Z","kinds":["../directory"]}`, "request.invalid", ""},
		"more members":         {`{"from":"2026-11-02T00:00:00Z","bucket":"x"}`, "request.invalid", ""},
	} {
		got := w.send(t, "POST", path+"/actions/replay", row.body)
		if p := got.problem(t); got.status < 400 || got.status > 422 || row.pointer != "" && p.Code != row.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		} else if row.pointer != "" && !strings.Contains(got.body, row.pointer) {
			t.Errorf("%s names nothing: %s", name, got.body)
		}
	}
	if got := w.send(t, "POST", "/v1/tenants/nobody/actions/replay", `{"from":"2026-11-02T00:00:00Z"}`); got.status != 404 {
		t.Errorf("of nobody: %d %s", got.status, got.body)
	}
}
