package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
)

// lookAlikes are origins that are not the tenant's, though many look like it.
func lookAlikes(own, other, api string) []string {
	u, _ := url.Parse(own)
	bare, port := u.Hostname(), u.Port()
	return []string{
		"", "null", other, other + "/", own + "/", own + ".", own + "?", own + "#", own + "%00", own + "\\", own + ", " + other, own + " " + other,
		"file://", "*", "http://*." + bare + ":" + port, "https://" + u.Host, "ftp://" + u.Host, "//" + u.Host, u.Host, "http:" + u.Host,
		"http://" + bare, "http://" + bare + ":80", "http://" + bare + ":" + port + "0", "http://" + bare + ".:" + port,
		"http://" + strings.ToUpper(bare) + ":" + port, strings.ToUpper(own), "HTTP://" + u.Host,
		"http://evil." + u.Host, "http://x" + u.Host, "http://" + strings.ReplaceAll(bare, ".", "x") + ":" + port,
		"http://" + bare + ".evil.example:" + port, own + ".evil.example", "https://evil.example?" + own, "https://evil.example#" + own,
		"https://evil.example/" + own, "http://" + u.Host + "@evil.example", "http://evil.example@" + u.Host, "http://cloudfront.localhost:" + port,
		"http://localhost:" + port, "http://127.0.0.1:" + port, "chrome-extension://abcdefghijklmnop", strings.TrimSuffix(api, "/v1"),
	}
}

// TestAttackOrigins posts a good call under each look-alike, and asks beforehand as browsers do: 403, which the page may not
// read, and nothing is taken.
func TestAttackOrigins(t *testing.T) {
	w, tenants := neighbours(t)
	tenant := tenants[acme]
	forger := fmt.Sprintf("forger.%d", time.Now().UnixNano())
	forged := samplecall.New(samplecall.Options{
		Agent: forger, Queue: "Q", RoutingProfile: "R", Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second,
	})
	refused := func(what string, status int, header http.Header, answer []byte) {
		t.Helper()
		if status != http.StatusForbidden || header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(string(answer), "accepted") {
			t.Errorf("%s: %d %v %s", what, status, header, answer)
		}
	}
	for i, origin := range lookAlikes(tenant.Origin(), tenants[acmeeu].Origin(), tenant.API()) {
		post := forged.Posts()[i%len(forged.Posts())] // the three routes in turn
		status, header, answer := world.Send(t, tenant.API()+"/"+post.Route, origin, post.Body)
		refused("POST /"+post.Route+" from "+origin, status, header, answer)
		status, header, answer = world.Ask(t, http.MethodOptions, tenant.API()+"/"+post.Route, nil, "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
		refused("preflight from "+origin, status, header, answer)
		_, header, _ = world.Ask(t, http.MethodPost, tenant.API()+"/nope", nil, "Origin", origin)
		if got := header.Get("Access-Control-Allow-Origin"); got == "*" || got == origin && origin != "" {
			t.Errorf("the gateway's own answer is readable for %s: %s", origin, got)
		}
	}
	w.Drain(t, tenant)
	if n := w.Count(t.Context(), t, "acme-*", world.AgentIs(forger)); n != 0 {
		t.Errorf("%d documents of the forger were taken", n)
	}
}

// TestErrorsAreReadableForTheSoftphone breaks requests of the tenant's own page in each way that ends at the pusher or at the
// gateway: the page may read why. (A function that does not start cannot be tried: the emulator answers 502 without the API's
// gateway responses. Nor can a body over 10 MB, which it hands to the function.)
func TestErrorsAreReadableForTheSoftphone(t *testing.T) {
	w, tenants := neighbours(t)
	tenant := tenants[acmeeu]
	ask := func(t *testing.T, method, path, body string, want ...int) http.Header {
		t.Helper()
		status, header, answer := world.Ask(t, method, tenant.API()+path, []byte(body), "Origin", tenant.Origin(), "Content-Type", "application/json",
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-encoding,content-type")
		isWanted := false
		for _, one := range want {
			isWanted = isWanted || status == one
		}
		if !isWanted || header.Get("Access-Control-Allow-Origin") != tenant.Origin() || !strings.EqualFold(header.Get("Vary"), "origin") {
			t.Errorf("%s %s: %d %v %.300s, want %v", method, path, status, header, answer, want)
		}
		return header
	}
	const stats = "/softphonemetrics"
	ask(t, http.MethodPost, stats, `{`, http.StatusBadRequest)
	ask(t, http.MethodPost, stats, `{"agent":"a","softphoneStreamStatistics":[]}`, http.StatusUnprocessableEntity)
	ask(t, http.MethodPost, stats, strings.Repeat("x", 700_000), http.StatusRequestEntityTooLarge)
	ask(t, http.MethodPost, "/nope", "", http.StatusForbidden, http.StatusNotFound)
	ask(t, http.MethodPut, stats, "", http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed)
	if header := ask(t, http.MethodOptions, stats, "", http.StatusNoContent); header.Get("Access-Control-Max-Age") != "7200" {
		t.Errorf("a preflight is kept for %q seconds", header.Get("Access-Control-Max-Age"))
	}
	t.Run("when the stage is throttled", func(t *testing.T) {
		throttle(t, w, tenant, "0")
		defer throttle(t, w, tenant, "200")
		if header := ask(t, http.MethodPost, stats, `{`, http.StatusTooManyRequests); header.Get("Retry-After") == "" {
			t.Error("a throttled page is not told when to come back")
		}
	})
}

// throttle sets how many requests a second the stage of a tenant's API lets in.
func throttle(t *testing.T, w *world.World, tenant world.Tenant, rate string) {
	t.Helper()
	u, err := url.Parse(tenant.API())
	if err != nil {
		t.Fatal(err)
	}
	api, _, _ := strings.Cut(u.Hostname(), ".")
	change, err := json.Marshal(map[string]any{"patchOperations": []map[string]string{
		{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": rate}, {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": rate},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Signed(t, "apigateway", http.MethodPatch, "/restapis/"+api+"/stages/v1", change)
}
