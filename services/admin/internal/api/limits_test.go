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

// noting counts how often somebody's token is looked at.
type noting struct {
	tokens
	looks atomic.Int32
}

func (n *noting) Verify(ctx context.Context, token string) (access.Actor, error) {
	n.looks.Add(1)
	return n.tokens.Verify(ctx, token)
}

// TestAttackGuessedTokens guesses tokens and keys without end. Past the limit no guess is looked at, right ones neither, and nothing
// of it is in the audit; whoever signs in well is never counted.
func TestAttackGuessedTokens(t *testing.T) {
	t.Parallel()
	ledger, verifier := &counted{}, &noting{}
	w := serve(t, api.Config{Strangers: throttle.Limit{PerSecond: tenth, Burst: 3}, Ledger: ledger, Verifier: verifier})
	for range 10 {
		if got := w.send(t, "GET", "/v1/whoami", ""); got.status != 200 {
			t.Fatalf("who is recognised: %d %s", got.status, got.body)
		}
	}
	for n := range 3 {
		if got := w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer guess"+strconv.Itoa(n)); got.status != 401 {
			t.Fatalf("a guess within the burst: %d %s", got.status, got.body)
		}
	}
	before := verifier.looks.Load()
	for _, header := range []string{"Bearer guess", "Bearer esk_guess", "Bearer owner", "Basic Zm9vOmJhcg==", ""} {
		got := w.send(t, "POST", "/v1/tenants", "{}", "Authorization: "+header)
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if p := got.problem(t); p.Status != 429 || p.Code != "request.strangers_throttled" || err != nil || wait < 1 || wait > 10 {
			t.Errorf("%q: %d %s, Retry-After %q", header, got.status, got.body, got.header.Get("Retry-After"))
		}
	}
	if after := verifier.looks.Load(); after != before {
		t.Errorf("%d guesses past the limit were looked at", after-before)
	}
	if got := w.send(t, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("a route that needs no sign-in: %d", got.status)
	}
	if n := ledger.refused.Load(); n != 0 {
		t.Errorf("%d guesses are in the audit", n)
	}
}

// TestAttackForgedAddresses names another address with each guess. Only what a trusted proxy says of it counts, and all of a network of
// IPv6 is one.
func TestAttackForgedAddresses(t *testing.T) {
	t.Parallel()
	guess := func(w world, forwarded string) int {
		return w.send(t, "GET", "/v1/whoami", "", "Authorization: Bearer guess", "X-Forwarded-For: "+forwarded, "X-Real-Ip: "+forwarded, "Forwarded: for="+forwarded).status
	}
	direct := serve(t, api.Config{Strangers: throttle.Limit{PerSecond: tenth, Burst: 2}})
	proxied := serve(t, api.Config{Strangers: throttle.Limit{PerSecond: tenth, Burst: 2}, TrustedProxies: []string{"127.0.0.0/8"}})
	for n, want := range []int{401, 401, 429, 429} {
		if got := guess(direct, "192.0.2."+strconv.Itoa(n)); got != want {
			t.Errorf("guess %d without a proxy: %d, want %d", n, got, want)
		}
		if got := guess(proxied, "203.0.113."+strconv.Itoa(n)+", 192.0.2.7"); got != want {
			t.Errorf("guess %d behind the proxy, of an address that its sender has put before: %d, want %d", n, got, want)
		}
		if got := guess(proxied, "2001:db8::"+strconv.Itoa(n)); got != want {
			t.Errorf("guess %d from a network of IPv6: %d, want %d", n, got, want)
		}
		if got := guess(proxied, "198.51.100."+strconv.Itoa(n)); got != 401 {
			t.Errorf("a guess from an address of its own behind the proxy: %d", got)
		}
	}
	if got := guess(proxied, "2001:db8:0:1::1"); got != 401 {
		t.Errorf("a guess from another network of IPv6: %d", got)
	}
	if got := proxied.send(t, "GET", "/v1/whoami", "", "X-Forwarded-For: 198.51.100.99").status; got != 200 {
		t.Errorf("somebody who is recognised, elsewhere: %d", got)
	}
}
