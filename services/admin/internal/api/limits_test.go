package api_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/throttle"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
)

// counted notes how many refusals reach the audit.
type counted struct {
	access.Ledger
	refused atomic.Int32
}

func (c *counted) Refuse(context.Context, access.Actor, access.Refusal) error {
	c.refused.Add(1)
	return nil
}

func limited(t *testing.T, l throttle.Limit) (world, *counted) {
	t.Helper()
	ledger := &counted{}
	return serve(t, api.Config{Limit: l, Ledger: ledger}), ledger
}

// A tenth of a request a second gives nothing back while a test runs.
const tenth = 0.1

func TestACallerIsThrottledAlone(t *testing.T) {
	t.Parallel()
	w, ledger := limited(t, throttle.Limit{PerSecond: tenth, Burst: 3})
	for range 3 {
		if got := w.send(t, "GET", "/v1/whoami", ""); got.status != 200 {
			t.Fatalf("within the burst: %d %s", got.status, got.body)
		}
	}
	for _, path := range []string{"/v1/whoami", "/v1/tenants", "/v1/tenants/acme/actions/suspend"} {
		method := "GET"
		if path == "/v1/tenants/acme/actions/suspend" {
			method = "POST"
		}
		got := w.send(t, method, path, "")
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if p := got.problem(t); p.Status != 429 || p.Code != "request.throttled" || err != nil || wait < 1 || wait > 10 {
			t.Errorf("%s: %d %s, Retry-After %q", path, got.status, got.body, got.header.Get("Retry-After"))
		}
	}
	if got := w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer auditor"); got.status != 200 {
		t.Errorf("another caller: %d %s", got.status, got.body)
	}
	if got := w.send(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("a route that needs no sign-in: %d", got.status)
	}
	if n := ledger.refused.Load(); n != 0 {
		t.Errorf("%d refusals of a flood are in the audit", n)
	}
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	w, _ := limited(t, throttle.Limit{})
	for range 50 {
		if got := w.send(t, "GET", "/v1/whoami", ""); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
}
