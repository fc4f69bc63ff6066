package e2e_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/e2e/world"
)

// TestAManagerSeesTheirCalls signs acme's manager in at acme's pool, through the pool's own page, and finds a call in Insights.
// The neighbour's address takes neither the session nor the person.
func TestAManagerSeesTheirCalls(t *testing.T) {
	w, tenants := neighbours(t)
	call := send(t, w, tenants[acme], "seen.by.a.manager")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: world.Browser.Transport, Jar: jar}
	own, foreign := gatewayOf(t, tenants[acme]), gatewayOf(t, tenants[acmeeu])

	if status, address, _ := enterAsManager(t, w, browser, own); status != http.StatusOK || address != own+"/insights" {
		t.Fatalf("the sign-in ends with %d at %s", status, address)
	}
	world.Eventually(t, world.ArriveTime, "the call in Insights", func(ctx context.Context) (bool, string) {
		status, _, text := browse(ctx, t, browser, http.MethodGet, own+"/insights/api/calls?agent=seen.by.a.manager", nil)
		return status == http.StatusOK && strings.Contains(text, call.ContactID()), text
	})

	t.Run("the neighbour's address knows no such session", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, foreign+"/insights/api/calls", nil)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := url.Parse(own)
		for _, cookie := range jar.Cookies(at) {
			request.AddCookie(cookie)
		}
		answer, err := world.Browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("acme's session is answered %d at acmeeu's address", answer.StatusCode)
		}
	})
	t.Run("nor does the neighbour's pool know the person", func(t *testing.T) {
		if _, address, text := enterAsManager(t, w, browser, foreign); strings.HasPrefix(address, foreign) {
			t.Errorf("acme's manager is let in at %s: %.300s", address, text)
		}
	})
	t.Run("and nobody gets in without a session", func(t *testing.T) {
		if status, _, _ := browse(t.Context(), t, world.Browser, http.MethodGet, own+"/insights/api/calls", nil); status != http.StatusUnauthorized {
			t.Errorf("answered %d", status)
		}
	})
}

func gatewayOf(t *testing.T, tenant world.Tenant) string {
	t.Helper()
	address, _ := world.Member(tenant, "urls", "manager_sign_in").(string)
	if address == "" {
		t.Fatalf("%s has no address for managers", tenant.Slug())
	}
	return strings.TrimSuffix(address, "/")
}

// enterAsManager does what acme's manager does: opens an address, fills in the page of the pool, and is sent on.
func enterAsManager(t *testing.T, w *world.World, browser *http.Client, gateway string) (status int, address, text string) {
	t.Helper()
	_, page, text := browse(t.Context(), t, browser, http.MethodGet, gateway+"/auth/sign-in?return=/insights", nil)
	form := url.Values{"username": {w.DemoManager.Username}, "password": {w.DemoManager.Password}}
	for _, input := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		form.Set(input[1], html.UnescapeString(input[2]))
	}
	at, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	return browse(t.Context(), t, browser, http.MethodPost, at.Scheme+"://"+at.Host+"/login", strings.NewReader(form.Encode()))
}

// browse goes to an address and returns where that ended.
func browse(ctx context.Context, t *testing.T, browser *http.Client, method, address string, body io.Reader) (status int, end, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Request.URL.String(), string(raw)
}
