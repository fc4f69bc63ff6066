package api_test

import (
	"strings"
	"testing"
)

// TestAttackFromAnotherOrigin plays a page of somebody else's in the browser of an admin. Nothing but a bearer token, which no
// browser sends by itself, says who asks; and no answer may be read by another origin, not even an error.
func TestAttackFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const evil = "Origin: https://evil.example"
	for name, headers := range map[string][]string{
		"a form":                         {"Authorization: ", "Content-Type: text/plain", evil},
		"a form with cookies":            {"Authorization: ", "Content-Type: application/x-www-form-urlencoded", "Cookie: token=owner; Authorization=Bearer owner", evil},
		"a script that may send JSON":    {"Authorization: ", "Content-Type: application/json", "Sec-Fetch-Site: cross-site", evil},
		"a token in the wrong place":     {"Authorization: ", "X-Authorization: Bearer owner", "Proxy-Authorization: Bearer owner", evil},
		"a simple request with a token":  {"Content-Type: text/plain", evil},
		"a token and a body in disguise": {"Content-Type: multipart/form-data; boundary=x", evil},
	} {
		for _, path := range []string{"/v1/tenants", "/v1/upgrades", "/v1/api-keys", "/v1/cells"} {
			got := w.send(t, "POST", path, draft("acme"), headers...)
			if got.status != 401 && got.status != 415 {
				t.Errorf("%s to %s: %d %s", name, path, got.status, got.body)
			}
			isUnreadable(t, name+" to "+path, got)
		}
	}
	if got := w.send(t, "POST", "/v1/tenants?access_token=owner", draft("acme"), "Authorization: ", evil); got.status != 401 {
		t.Errorf("a token in the query: %d %s", got.status, got.body)
	}
	for _, path := range []string{"/v1/tenants", "/v1/tenants/acme", "/openapi.json", "/healthz", "/nowhere"} {
		preflight := w.send(t, "OPTIONS", path, "", "Authorization: ", evil, "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: authorization")
		if preflight.status < 400 {
			t.Errorf("a preflight of %s answers %d", path, preflight.status)
		}
		isUnreadable(t, "a preflight of "+path, preflight)
		for _, origin := range []string{evil, "Origin: null", "Origin: " + w.url} {
			isUnreadable(t, "GET "+path, w.send(t, "GET", path, "", origin))
		}
	}
	if list := w.send(t, "GET", "/v1/tenants", ""); list.body != "{\"items\":[]}\n" {
		t.Errorf("something was made: %s", list.body)
	}
}

// isUnreadable checks that no browser lets a page of another origin read the answer, nor keeps or guesses at it.
func isUnreadable(t *testing.T, what string, a answer) {
	t.Helper()
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is answered with %s: %s", what, name, a.header.Get(name))
		}
	}
	if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Set-Cookie") != "" {
		t.Errorf("%s is answered with %v", what, a.header)
	}
}
