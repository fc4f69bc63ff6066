package prober_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

var _ operation.Prober = (*prober.Prober)(nil)

const callID = "0192d3c4-0000-7000-8000-0000000000ab"

// received is what a tenant's API got.
type received struct {
	mu     sync.Mutex // guards the others: the posts come side by side
	bodies []string
	routes []string
	origin []string
}

func (r *received) take(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(request.Body)
	r.bodies = append(r.bodies, string(body))
	r.routes = append(r.routes, request.Method+" "+request.URL.Path)
	r.origin = append(r.origin, request.Header.Get("Origin"))
	w.WriteHeader(http.StatusAccepted)
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func made(t *testing.T, endpoint string) *prober.Prober {
	t.Helper()
	p := prober.New(cellaws.New(aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	}))
	t.Cleanup(p.Close)
	return p
}

func TestSendPostsTheSameCallEachTime(t *testing.T) {
	t.Parallel()
	var got received
	api, err := url.Parse(serve(t, got.take))
	if err != nil {
		t.Fatal(err)
	}
	// Names under localhost are this machine, whatever the system's resolver says.
	acme := tenant.Tenant{Slug: "acme", ConnectInstances: []tenant.ConnectInstance{{Alias: "sales"}}, URLs: tenant.URLs{
		Softphone: "http://d1.cloudfront.localhost:4566/", TelemetryAPI: "http://api1.execute-api.localhost:" + api.Port() + "/v1",
	}}
	started := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	p := made(t, "")
	wanted, err := p.Send(t.Context(), acme, callID, started)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{telemetry.KindStreamStats, telemetry.KindCallReport, telemetry.KindAPIMetric} {
		if wanted[kind] == 0 {
			t.Errorf("no document of %s is promised", kind)
		}
	}
	first := slices.Sorted(slices.Values(got.bodies))
	if _, err := p.Send(t.Context(), acme, callID, started); err != nil {
		t.Fatal(err)
	}
	if again := slices.Sorted(slices.Values(got.bodies[len(first):])); !slices.Equal(first, again) {
		t.Error("the same arguments sent other records")
	}
	for _, route := range []string{"POST /v1/softphonemetrics", "POST /v1/callreport", "POST /v1/apimetrics"} {
		if !slices.Contains(got.routes, route) {
			t.Errorf("%s was not called: %v", route, got.routes)
		}
	}
	for i, body := range first {
		var sent struct{ Agent, BatchID string }
		if err := json.Unmarshal([]byte(body), &sent); err != nil || sent.Agent != telemetry.ProbeAgent || sent.BatchID != callID {
			t.Errorf("post %d is of %q in batch %q: %v", i, sent.Agent, sent.BatchID, err)
		}
		if got.origin[i] != "http://d1.cloudfront.localhost:4566" {
			t.Errorf("post %d came from %q", i, got.origin[i])
		}
	}
}

func TestSendSaysWhatWasAnswered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a problem":        {403, `{"code":"origin.forbidden","detail":"Not from here."}`, "answered 403 (origin.forbidden: Not from here.), want 202"},
		"a broken gateway": {502, "<html>", "answered 502, want 202"},
		"a part of it":     {207, `{"rejected":[1]}`, "answered 207, want 202"},
		"a way elsewhere":  {302, "", "answered 302, want 202"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			acme := tenant.Tenant{URLs: tenant.URLs{Softphone: "https://site/", TelemetryAPI: api}}
			_, err := made(t, "").Send(t.Context(), acme, callID, time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want …%s", err, test.want)
			}
		})
	}
	if _, err := made(t, "").Send(t.Context(), tenant.Tenant{}, callID, time.Now()); err == nil {
		t.Error("a tenant without addresses was called")
	}
}

func TestFoundAsksTheTenantsProbe(t *testing.T) {
	t.Parallel()
	endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(r.URL.Path, "earshot-broken-probe"):
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorMessage":"search did not answer; ask again"}`)
		case r.URL.Path == "/2015-03-31/functions/earshot-acme-probe/invocations" && string(body) == `{"call_id":"`+callID+`"}`:
			_, _ = io.WriteString(w, `{"found":{"apimetric":2}}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	p := made(t, endpoint)
	found, err := p.Found(t.Context(), tenant.Cell{Region: "eu-central-1"}, "acme", callID)
	if err != nil || found["apimetric"] != 2 {
		t.Errorf("found %v, %v", found, err)
	}
	if _, err := p.Found(t.Context(), tenant.Cell{Region: "eu-central-1"}, "broken", callID); err == nil || !strings.Contains(err.Error(), "ask again") {
		t.Errorf("a failing probe: %v", err)
	}
}
