package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
)

const (
	onboardTime  = 3 * time.Minute
	offboardTime = 3 * time.Minute
	arriveTime   = time.Minute
)

// The walk of the product: an admin onboards a contact centre and watches it being built, an agent's call arrives in that
// tenant's indices and nowhere else, sending it again changes nothing, and off-boarding leaves nothing.
func TestACallArrives(t *testing.T) {
	w := setup(t)
	tenant := w.onboard(t, "northwind")

	t.Run("the softphone site stands", func(t *testing.T) { w.visit(t, tenant) })

	call := samplecall.New(samplecall.Options{
		Agent: "mira.holm", Queue: "Orders EMEA", RoutingProfile: "Retail Voice",
		ContactID: "0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21",
		Start:     time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond), Duration: 4 * time.Minute,
	})
	t.Run("exactly its documents are found", func(t *testing.T) {
		w.post(t, tenant, call)
		w.findExactly(t, "northwind", call)
	})
	t.Run("sending it again changes nothing", func(t *testing.T) {
		w.post(t, tenant, call)
		w.drain(t, tenant)
		w.findExactly(t, "northwind", call)
	})
	t.Run("no other tenant has it", func(t *testing.T) {
		if n := w.count(t.Context(), t, "acme-*", agentIs("mira.holm")); n != 0 {
			t.Errorf("acme has %d documents of northwind's agent", n)
		}
	})
	t.Run("no secret of it is kept", func(t *testing.T) {
		for _, secret := range []string{"SECRET", "CANARY"} {
			if n := w.count(t.Context(), t, "northwind-*", map[string]any{"query_string": map[string]any{"query": "*" + secret + "*"}}); n != 0 {
				t.Errorf("%d documents hold %s", n, secret)
			}
		}
	})
	t.Run("off-boarding leaves nothing", func(t *testing.T) { w.offboard(t, "northwind") })
}

// onboard makes a tenant through the public API, follows its operation and returns the active tenant.
func (w *world) onboard(t *testing.T, slug string) map[string]any {
	t.Helper()
	body := map[string]any{
		"slug": slug, "display_name": "Northwind Traders",
		"connect_instances": []any{map[string]any{
			"alias": slug, "arn": "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-000000000077",
			"region": "eu-west-2", "ccp_url": "https://" + slug + ".my.connect.aws/ccp-v2/",
		}},
	}
	status, answer := w.call(t, http.MethodPost, "/v1/tenants", body, "Idempotency-Key", slug+"-1")
	if status != http.StatusAccepted {
		t.Fatalf("POST /v1/tenants answered %d: %v", status, answer)
	}
	again, replayed := w.call(t, http.MethodPost, "/v1/tenants", body, "Idempotency-Key", slug+"-1")
	if again != http.StatusAccepted || fmt.Sprint(replayed) != fmt.Sprint(answer) {
		t.Errorf("the same key and body answered %d: %v; want the first answer again", again, replayed)
	}
	steps := w.follow(t, member(answer, "operation", "id").(string), onboardTime)
	for _, step := range []string{"create_stack", "await_stack", "send_call", "await_call"} {
		if !slices.Contains(steps, step) {
			t.Errorf("the operation told nothing of %s; it told of %v", step, steps)
		}
	}
	_, tenant := w.call(t, http.MethodGet, "/v1/tenants/"+slug, nil)
	if tenant["state"] != "active" {
		t.Fatalf("the tenant is %v, want active", tenant["state"])
	}
	return tenant
}

// follow reads an operation's events as a browser would, until it has ended well, and returns the steps that were told of.
func (w *world) follow(t *testing.T, id string, within time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.AdminAPI+"/v1/operations/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var steps []string
	percent := 0.0
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, isData := strings.CutPrefix(lines.Text(), "data:")
		if !isData {
			continue
		}
		var event struct {
			Step    string
			Percent float64
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		if event.Percent < percent {
			t.Errorf("percent fell from %v to %v", percent, event.Percent)
		}
		percent = event.Percent
		steps = append(steps, event.Step)
	}
	_, operation := w.call(t, http.MethodGet, "/v1/operations/"+id, nil)
	if operation["state"] != "succeeded" {
		t.Fatalf("operation %s is %v: %v", id, operation["state"], operation["failure"])
	}
	return steps
}

// visit opens the softphone site: the page names the tenant, and its headers let in no script from elsewhere.
func (w *world) visit(t *testing.T, tenant map[string]any) {
	t.Helper()
	site := member(tenant, "urls", "softphone").(string)
	page, header := get(t, site)
	if !strings.Contains(page, "Content-Security-Policy") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the page lacks its policy; headers %v", header)
	}
	config, _ := get(t, site+"config.json")
	for _, want := range []string{"Northwind Traders", member(tenant, "urls", "telemetry_api").(string), "northwind.my.connect.aws"} {
		if !strings.Contains(config, want) {
			t.Errorf("config.json lacks %q: %s", want, config)
		}
	}
}

func get(t *testing.T, url string) (string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s answered %d: %s", url, res.StatusCode, raw)
	}
	return string(raw), res.Header
}

// post sends a whole call to the tenant's own API, as its softphone would.
func (w *world) post(t *testing.T, tenant map[string]any, call samplecall.Call) {
	t.Helper()
	origin := strings.TrimSuffix(member(tenant, "urls", "softphone").(string), "/")
	for _, p := range call.Posts() {
		url := member(tenant, "urls", "telemetry_api").(string) + "/" + p.Route
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(p.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Content-Type", "application/json")
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusAccepted {
			t.Fatalf("%s answered %d: %s", p.Route, res.StatusCode, raw)
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s names origin %q, want %q", p.Route, got, origin)
		}
	}
}

// findExactly waits until each kind has as many documents of the call's agent as the call has, and not one more.
func (w *world) findExactly(t *testing.T, slug string, call samplecall.Call) {
	t.Helper()
	for kind, want := range call.Documents() {
		eventually(t, arriveTime, fmt.Sprintf("%d documents of %s", want, kind), func(ctx context.Context) (bool, string) {
			n := w.count(ctx, t, slug+"-"+kind+"-*", agentIs("mira.holm"))
			if n > want {
				t.Fatalf("%d documents of %s, want %d", n, kind, want)
			}
			return n == want, fmt.Sprint(n)
		})
	}
}

// drain sends a later call and waits for it: what was queued before has then been written too, or has gone back.
func (w *world) drain(t *testing.T, tenant map[string]any) {
	t.Helper()
	marker := samplecall.New(samplecall.Options{
		Agent: "marker.example", Queue: "Q", RoutingProfile: "R", ContactID: "00000000-0000-4000-8000-00000000d3a1",
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second,
	})
	w.post(t, tenant, marker)
	want := marker.Documents()["softphonestreamstats"]
	eventually(t, arriveTime, "the marker call", func(ctx context.Context) (bool, string) {
		n := w.count(ctx, t, tenant["slug"].(string)+"-softphonestreamstats-*", agentIs("marker.example"))
		return n == want, fmt.Sprint(n)
	})
}

// offboard removes the tenant with its data and looks into search for what is left.
func (w *world) offboard(t *testing.T, slug string) {
	t.Helper()
	if status, answer := w.call(t, http.MethodDelete, "/v1/tenants/"+slug+"?confirm=acme&data=delete", nil); status < 400 {
		t.Fatalf("a DELETE with another slug's confirmation answered %d: %v", status, answer)
	}
	status, answer := w.call(t, http.MethodDelete, "/v1/tenants/"+slug+"?confirm="+slug+"&data=delete", nil)
	if status != http.StatusAccepted {
		t.Fatalf("DELETE answered %d: %v", status, answer)
	}
	w.follow(t, member(answer, "operation", "id").(string), offboardTime)
	for _, path := range []string{
		"/_cat/indices/" + slug + "-*?format=json", "/_index_template/earshot-" + slug + "-*",
		"/_plugins/_security/api/roles", "/_plugins/_security/api/rolesmapping", "/_plugins/_security/api/internalusers",
	} {
		if _, raw := w.search(t.Context(), t, http.MethodGet, path, nil); strings.Contains(string(raw), slug) {
			t.Errorf("%s still names the tenant: %.300s", path, raw)
		}
	}
	if n := w.count(t.Context(), t, "acme-*", map[string]any{"match_all": map[string]any{}}); n <= 0 {
		t.Errorf("acme has %d documents after another tenant's off-boarding", n)
	}
}

func agentIs(name string) map[string]any {
	return map[string]any{"term": map[string]any{"doc.agent.keyword": name}}
}

// member digs into decoded JSON.
func member(of map[string]any, path ...string) any {
	var at any = of
	for _, name := range path {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}
