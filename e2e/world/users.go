package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/services/simulator/client"
)

// ArriveTime is how long a batch may take from the API into search.
const ArriveTime = time.Minute

// A Tenant is what the API shows of one.
type Tenant map[string]any

// Slug is the tenant's slug.
func (t Tenant) Slug() string { return Member(t, "slug").(string) }

// API is the tenant's telemetry API, without a slash at the end.
func (t Tenant) API() string { return Member(t, "urls", "telemetry_api").(string) }

// Site is the tenant's softphone, with a slash at the end.
func (t Tenant) Site() string { return Member(t, "urls", "softphone").(string) }

// Origin is the softphone's origin as browsers send it.
func (t Tenant) Origin() string { return strings.TrimSuffix(t.Site(), "/") }

// Draft is a request for a tenant whose Connect instance is like no other's of its slug.
func Draft(slug string) map[string]any {
	id := fmt.Sprintf("%012x", slug)
	return map[string]any{
		"slug": slug, "display_name": "Tenant " + slug,
		"connect_instances": []any{map[string]any{
			"alias": slug, "arn": "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-" + id[len(id)-12:],
			"region": "eu-west-2", "ccp_url": "https://" + slug + ".my.connect.aws/ccp-v2/",
		}},
	}
}

// Onboard makes a tenant through the public API, follows its operation and returns the active tenant.
func (w *World) Onboard(t *testing.T, draft map[string]any) Tenant {
	t.Helper()
	slug := draft["slug"].(string)
	status, answer := w.Call(t, http.MethodPost, "/v1/tenants", draft)
	if status != http.StatusAccepted {
		t.Fatalf("POST /v1/tenants answered %d: %v", status, answer)
	}
	w.Follow(t, Member(answer, "operation", "id").(string), 3*time.Minute)
	tenant := w.Tenant(t, slug)
	if tenant["state"] != "active" {
		t.Fatalf("the tenant is %v, want active", tenant["state"])
	}
	return tenant
}

// Customers plays those who call the agents of acme, and the network between.
func (w *World) Customers() client.Client { return client.Client{Base: w.Simulator} }

// Tenant reads one from the API.
func (w *World) Tenant(t *testing.T, slug string) Tenant {
	t.Helper()
	status, answer := w.Call(t, http.MethodGet, "/v1/tenants/"+slug, nil)
	if status != http.StatusOK {
		t.Fatalf("GET tenant %s answered %d: %v", slug, status, answer)
	}
	return answer
}

// Offboard removes a tenant and follows its operation. Data is "delete" or "retain".
func (w *World) Offboard(t *testing.T, slug, data string) {
	t.Helper()
	status, answer := w.Call(t, http.MethodDelete, "/v1/tenants/"+slug+"?confirm="+slug+"&data="+data, nil)
	if status != http.StatusAccepted {
		t.Fatalf("DELETE answered %d: %v", status, answer)
	}
	w.Follow(t, Member(answer, "operation", "id").(string), 3*time.Minute)
}

// Follow reads an operation's events as a browser would, until it has ended well, and returns the steps that were told of.
func (w *World) Follow(t *testing.T, id string, within time.Duration) []string {
	t.Helper()
	steps := w.Steps(t, id, within)
	_, operation := w.Call(t, http.MethodGet, "/v1/operations/"+id, nil)
	if operation["state"] != "succeeded" {
		t.Fatalf("operation %s is %v: %v", id, operation["state"], operation["failure"])
	}
	return steps
}

// Steps is Follow of an operation that may end as it will.
func (w *World) Steps(t *testing.T, id string, within time.Duration) []string {
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
	return steps
}

// Get opens an address as a browser does and wants 200.
func Get(t *testing.T, url string) (string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Browser.Do(req)
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

// Post sends a whole call to the tenant's own API, as its softphone would, and wants every batch accepted.
func (w *World) Post(t *testing.T, tenant Tenant, call samplecall.Call) {
	t.Helper()
	for _, p := range call.Posts() {
		status, header, raw := Send(t, tenant.API()+"/"+p.Route, tenant.Origin(), p.Body)
		if status != http.StatusAccepted {
			t.Fatalf("%s answered %d: %s", p.Route, status, raw)
		}
		if got := header.Get("Access-Control-Allow-Origin"); got != tenant.Origin() {
			t.Errorf("%s names origin %q, want %q", p.Route, got, tenant.Origin())
		}
	}
}

// Send posts one body with an origin, none when it is empty.
func Send(t *testing.T, url, origin string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	headers := []string{"Content-Type", "application/json"}
	if origin != "" {
		headers = append(headers, "Origin", origin)
	}
	return Ask(t, http.MethodPost, url, body, headers...)
}

// Ask sends a request with headers, by name and value, and returns all of the answer.
func Ask(t *testing.T, method, url string, body []byte, headers ...string) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := Browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, raw
}

// FindExactly waits until each kind has as many documents of the agent as the call has, and not one more.
func (w *World) FindExactly(t *testing.T, slug, agent string, call samplecall.Call) {
	t.Helper()
	for kind, want := range call.Documents() {
		Eventually(t, ArriveTime, fmt.Sprintf("%d documents of %s", want, kind), func(ctx context.Context) (bool, string) {
			n := w.Count(ctx, t, slug+"-"+kind+"-*", AgentIs(agent))
			if n > want {
				t.Fatalf("%d documents of %s, want %d", n, kind, want)
			}
			return n == want, fmt.Sprint(n)
		})
	}
}

// Settle waits until the tenant has a call summary, if it has had a call: the first one makes an index.
func (w *World) Settle(t *testing.T, s slug.Slug) {
	t.Helper()
	calls := map[string]any{"bool": map[string]any{"must_not": map[string]any{"term": map[string]any{"probe": true}}}}
	if w.Count(t.Context(), t, s.String()+"-softphone*", calls) == 0 {
		return
	}
	Eventually(t, ArriveTime, "a call summary of "+s.String(), func(ctx context.Context) (bool, string) {
		n := w.Count(ctx, t, s.String()+"-callsummary-*", map[string]any{"match_all": struct{}{}})
		return n > 0, fmt.Sprint(n)
	})
}

// Drain sends a later call and waits for it: what was queued before has then been written too, or has gone back.
func (w *World) Drain(t *testing.T, tenant Tenant) {
	t.Helper()
	const agent = "marker.example"
	marker := samplecall.New(samplecall.Options{
		Agent: agent, Queue: "Q", RoutingProfile: "R",
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 10 * time.Second,
	})
	w.Post(t, tenant, marker)
	want := marker.Documents()["softphonestreamstats"]
	Eventually(t, ArriveTime, "the marker call", func(ctx context.Context) (bool, string) {
		n := w.Count(ctx, t, tenant.Slug()+"-softphonestreamstats-*", AgentIs(agent))
		return n >= want, fmt.Sprint(n)
	})
}

// AgentIs is the query for one agent's documents.
func AgentIs(name string) map[string]any {
	return map[string]any{"term": map[string]any{"doc.agent.keyword": name}}
}

// Member digs into decoded JSON.
func Member(of map[string]any, path ...string) any {
	var at any = of
	for _, name := range path {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}
