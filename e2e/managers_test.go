package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/e2e/world"
)

// TestManagers keeps the managers of a tenant through the public API, in its real pool and as the API's own identity (case 21).
func TestManagers(t *testing.T) {
	w := setup(t)
	const path = "/v1/tenants/acme/managers"
	tenant := w.Tenant(t, "acme")
	for name, ending := range map[string]string{"manager_sign_in": "/", "space": "/app/dashboards"} {
		if url, _ := world.Member(tenant, "urls", name).(string); !strings.HasPrefix(url, "http://acme.localhost:") || !strings.HasSuffix(url, ending) {
			t.Errorf("urls.%s is %q", name, url)
		}
	}
	for _, row := range []struct {
		method, path, email string
		status              int
	}{
		{http.MethodPost, path, "Nora.Lind@Example.com", http.StatusCreated},
		{http.MethodPost, path, "nora.lind@example.COM", http.StatusConflict},
		{http.MethodDelete, path + "/NORA.LIND@example.com", "", http.StatusNoContent},
		{http.MethodPost, path, "nora.lind@example.com", http.StatusCreated},
		{http.MethodPost, "/v1/tenants/nobody/managers", "nora.lind@example.com", http.StatusNotFound},
	} {
		var body any
		if row.email != "" {
			body = map[string]any{"email": row.email}
		}
		if status, answer := w.Call(t, row.method, row.path, body); status != row.status {
			t.Errorf("%s %s %s answered %d: %v", row.method, row.path, row.email, status, answer)
		}
	}
	status, answer := w.Call(t, http.MethodPatch, path+"/nora.lind@example.com", map[string]any{"enabled": false, "group": "managers"})
	if status != http.StatusOK || answer["enabled"] != false || answer["group"] != "managers" {
		t.Errorf("changed: %d %v", status, answer)
	}
	status, answer = w.Call(t, http.MethodGet, path, nil)
	people, _ := answer["items"].([]any)
	if status != http.StatusOK || len(people) != 2 {
		t.Fatalf("listed: %d %v", status, answer)
	}
	for i, want := range []string{"manager@acme.example active", "nora.lind@example.com invited"} {
		one, _ := people[i].(map[string]any)
		if got := one["email"].(string) + " " + one["status"].(string); got != want {
			t.Errorf("person %d is %s, want %s", i, got, want)
		}
	}
}
