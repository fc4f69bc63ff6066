package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/operation/operationtest"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant/tenanttest"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/internal/tracing"
)

// A world is both processes on one database, an issuer of tokens, and a cloud in memory.
type world struct {
	url, metrics, workerMetrics string
	token                       string
	cloud                       *operationtest.Cloud
	appURL                      string           // of the database, by way of the proxy
	database                    *toxiproxy.Proxy // between the processes and Postgres
	traces                      *tracing.Tracing // of both processes
	superuserURL                string           // of the same, past the proxy
	stacks                      operation.Stacks // those of the cloud, unless a test has put others before them
}

func setup(t *testing.T) world {
	t.Helper()
	w := setupAPI(t, nil, nil)
	w.workerMetrics = w.work(t)
	return w
}

// setupAPI makes a world without a worker. Its processes send traces, and something is put before the cloud's stacks; both may be nil.
func setupAPI(t *testing.T, traces *tracing.Tracing, before func(operation.Stacks) operation.Stacks) world {
	t.Helper()
	db := postgrestest.New(t, testenv.Postgres(t))
	superuserURL := db.SuperuserURL
	issuer, token := newIssuer(t)
	appURL, proxy := behindProxy(t, db.AppURL)
	log := slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := &serve{log: log, traces: traces, people: tenanttest.NewPeople(), boards: boards{}, setups: visits{}, settings: serveSettings{
		DatabaseURL: appURL, Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", Issuer: issuer, ClientID: "client", HealthFigures: "logs",
	}}
	start(t, server)
	memory := operationtest.NewCloud()
	w := world{url: "http://" + server.api.Addr(), metrics: "http://" + server.metrics.Addr(), token: token, cloud: memory, database: proxy, appURL: appURL, superuserURL: superuserURL, traces: traces, stacks: memory}
	if before != nil {
		w.stacks = before(memory)
	}
	return w
}

// work starts a worker on the world's database and cloud, and returns where its metrics are.
func (w world) work(t *testing.T) (metrics string) {
	t.Helper()
	worker := w.worker(t)
	start(t, worker)
	return "http://" + worker.metrics.Addr()
}

// worker is one that is not started yet.
func (w world) worker(t *testing.T) *work {
	t.Helper()
	memory := w.cloud
	return &work{log: slog.New(slog.NewJSONHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), traces: w.traces, cloud: cloud{w.stacks, memory, memory, memory, memory, memory, memory, memory, memory, nil}, settings: workSettings{
		DatabaseURL: w.appURL, MetricsListen: "127.0.0.1:0", Workers: 4, Lease: 45 * time.Second, Poll: 10 * time.Millisecond,
		Fetch: 20 * time.Millisecond, TakeOverEvery: time.Second, RebuildMissing: true, RebuildEvery: 100 * time.Millisecond, RetentionEvery: 100 * time.Millisecond, PeriodsByVolume: true,
		EraseSettle: 10 * time.Millisecond,
	}}
}

type process interface {
	Run(ctx context.Context) error
	Close(ctx context.Context) error
}

func start(t *testing.T, p process) {
	t.Helper()
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// newIssuer returns an issuer's URL and an owner's token of it.
func newIssuer(t *testing.T) (issuer, token string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "RS256"}}}
		if strings.HasSuffix(r.URL.Path, "openid-configuration") {
			answer = map[string]string{"issuer": server.URL, "jwks_uri": server.URL + "/keys"}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(fmt.Appendf(nil, `{"iss":%q,"sub":"s","client_id":"client","token_use":"access","username":"o","cognito:groups":["owner"],"exp":%d}`,
		server.URL, time.Now().Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	if token, err = signed.CompactSerialize(); err != nil {
		t.Fatal(err)
	}
	return server.URL, token
}

// behindProxy returns the database's URL by way of a proxy that can cut it off.
func behindProxy(t *testing.T, databaseURL string) (string, *toxiproxy.Proxy) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "postgres", "127.0.0.1:0", u.Host)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	u.Host = proxy.Listen
	return u.String(), proxy
}

// send sends a request as the owner. Headers are given as "Name: value".
func (w world) send(t *testing.T, method, address, body string, headers ...string) (int, string) {
	t.Helper()
	response := w.open(t, method, address, body, "application/json", headers...)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// insist sends a request again for as long as the database is busy, as the answer asks.
func (w world) insist(t *testing.T, method, path, body string, headers ...string) (status int, text string) {
	t.Helper()
	status, text = w.send(t, method, w.url+path, body, headers...)
	for until := time.Now().Add(3 * time.Minute); status == http.StatusServiceUnavailable && time.Now().Before(until); {
		<-time.After(250 * time.Millisecond)
		status, text = w.send(t, method, w.url+path, body, headers...)
	}
	return status, text
}

func (w world) open(t *testing.T, method, address, body, accept string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("Accept", accept)
	request.Header.Set("If-Match", "*")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// started is what a write answers.
type started struct {
	Operation struct{ ID, State string }
	Tenant    struct{ State string }
}

func (w world) start(t *testing.T, method, path, body string) started {
	t.Helper()
	status, text := w.send(t, method, w.url+path, body)
	var s started
	if err := json.Unmarshal([]byte(text), &s); err != nil || status != http.StatusAccepted {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return s
}

func onboarding(s slug.Slug) string {
	return fmt.Sprintf(`{"slug":%q,"display_name":"A tenant","connect_instances":[{"alias":"main","arn":`+
		`"arn:aws:connect:eu-central-1:111122223333:instance/11111111-2222-4333-8444-555555555555","ccp_url":"https://x.my.connect.aws/ccp-v2"}]}`, s)
}

// end follows an operation's events until it is over and returns its last state.
func (w world) end(t *testing.T, id string) string {
	t.Helper()
	response := w.open(t, http.MethodGet, w.url+"/v1/operations/"+id+"/events", "", "text/event-stream")
	defer func() { _ = response.Body.Close() }()
	var last string
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	var op struct{ State string }
	if err := json.Unmarshal([]byte(last), &op); err != nil {
		t.Fatalf("the stream ended with %q: %v", last, err)
	}
	return op.State
}

func (w world) state(t *testing.T, s slug.Slug) string {
	t.Helper()
	status, text := w.send(t, http.MethodGet, w.url+"/v1/tenants/"+s.String(), "")
	if status != http.StatusOK {
		return http.StatusText(status)
	}
	var found struct{ State string }
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatal(err)
	}
	return found.State
}

// await asks until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

func TestLifeOfATenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	onboarded := w.start(t, http.MethodPost, "/v1/tenants", onboarding("acme"))
	if got := w.end(t, onboarded.Operation.ID); got != "succeeded" || w.state(t, "acme") != "active" {
		t.Errorf("onboarding %s, the tenant is %s", got, w.state(t, "acme"))
	}
	w.cloud.Lost("acme")
	await(t, "the lost stack is built again", func() bool {
		_, text := w.send(t, http.MethodGet, w.url+"/v1/operations?tenant=acme&kind=rebuild&state=succeeded", "")
		return strings.Contains(text, `"id"`)
	})
	w.cloud.Age("acme", "acme-apimetric-2020")
	await(t, "what is too old is deleted", func() bool { return len(w.cloud.Old("acme")) == 0 })
	updated := w.start(t, http.MethodPatch, "/v1/tenants/acme", `{"settings":{"privacy":{"ip":"none"}}}`)
	if got := w.end(t, updated.Operation.ID); got != "succeeded" || w.state(t, "acme") != "active" || w.cloud.Updated != 1 {
		t.Errorf("update %s, the tenant is %s, %d stacks were updated", got, w.state(t, "acme"), w.cloud.Updated)
	}
	off := w.start(t, http.MethodDelete, "/v1/tenants/acme?confirm=acme&data=delete", "")
	if got := w.end(t, off.Operation.ID); got != "succeeded" || w.state(t, "acme") != "Not Found" || w.cloud.Holds("acme") {
		t.Errorf("off-boarding %s, the tenant is %s", got, w.state(t, "acme"))
	}
	status, text := w.send(t, http.MethodGet, w.metrics+"/metrics", "")
	for _, want := range []string{
		`earshot_operations{kind="offboard",state="succeeded"} 1`, `earshot_jobs{kind="advance_operation",state="completed"}`,
		`earshot_http_request_duration_seconds_count{method="POST",route="/v1/tenants",status="202"} 1`,
	} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// TestUpgradesOfManyTenants lets the worker upgrade three tenants, and then stop at one whose stack fails.
func TestUpgradesOfManyTenants(t *testing.T) {
	t.Parallel()
	w := setup(t)
	names := []slug.Slug{"acme", "beta", "gamma"}
	for n, s := range names {
		body := strings.Replace(onboarding(s), "11111111-2222", fmt.Sprintf("1111111%d-2222", n), 1)
		if got := w.end(t, w.start(t, http.MethodPost, "/v1/tenants", body).Operation.ID); got != "succeeded" {
			t.Fatalf("onboarding of %s: %s", s, got)
		}
	}
	preview := w.start(t, http.MethodPost, "/v1/tenants/acme/actions/upgrade?preview=true", `{"artifact_version":"v2"}`)
	if got := w.end(t, preview.Operation.ID); got != "succeeded" || w.cloud.Updated != 0 {
		t.Errorf("preview %s, %d stacks were updated", got, w.cloud.Updated)
	}
	if got := w.upgrade(t, "v2"); got != "succeeded succeeded,succeeded,succeeded" || w.cloud.Updated != 3 {
		t.Errorf("upgrade %s, %d stacks were updated", got, w.cloud.Updated)
	}
	w.cloud.BreakUpdates("beta")
	if got := w.upgrade(t, "v3"); got != "failed succeeded,failed,not_begun" {
		t.Errorf("upgrade with a stack that fails: %s", got)
	}
	for n, want := range []string{"v3", "v2", "v2"} {
		_, text := w.send(t, http.MethodGet, w.url+"/v1/tenants/"+names[n].String(), "")
		if !strings.Contains(text, `"artifact_version":"`+want+`"`) || !strings.Contains(text, `"state":"active"`) {
			t.Errorf("%s is %s, want it active with %s", names[n], text, want)
		}
	}
}

// upgrade upgrades the three tenants, one at a time, and returns how it ended: of all, and of each.
func (w world) upgrade(t *testing.T, version string) string {
	t.Helper()
	return w.endOfUpgrade(t, w.askForUpgrade(t, version))
}

// askForUpgrade asks for an upgrade of the three tenants, one at a time, and returns its id.
func (w world) askForUpgrade(t *testing.T, version string) string {
	t.Helper()
	status, text := w.insist(t, http.MethodPost, "/v1/upgrades", `{"artifact_version":"`+version+`","tenants":["acme","beta","gamma"],"parallel":1}`,
		"Idempotency-Key: upgrade-to-"+version)
	var u struct{ ID string }
	if err := json.Unmarshal([]byte(text), &u); err != nil || status != http.StatusAccepted {
		t.Fatalf("POST /v1/upgrades: %d %s", status, text)
	}
	return u.ID
}

// endOfUpgrade waits for an upgrade of many and returns how it ended: of all, and of each.
func (w world) endOfUpgrade(t *testing.T, id string) string {
	t.Helper()
	var u struct {
		State   string
		Tenants []struct{ State string }
	}
	await(t, "the upgrade ends", func() bool {
		status, text := w.send(t, http.MethodGet, w.url+"/v1/upgrades/"+id, "")
		return status == http.StatusOK && json.Unmarshal([]byte(text), &u) == nil && u.State != "running" && u.State != "stopping"
	})
	var states []string
	for _, one := range u.Tenants {
		states = append(states, one.State)
	}
	return u.State + " " + strings.Join(states, ",")
}

// TestManyOnboardingsOnTwoWorkers onboards fifty tenants at once. Each is made once, none is left behind, and both workers work.
// They wait for one another where they are placed; whom a slow machine tells that the database is busy asks again under the same
// key, as the answer says.
func TestManyOnboardingsOnTwoWorkers(t *testing.T) {
	t.Parallel()
	const many = 50
	w := setup(t)
	metrics := []string{w.workerMetrics, w.work(t)}
	ids := make([]string, many)
	var group errgroup.Group
	for n := range many {
		group.Go(func() error {
			body := strings.Replace(onboarding(slug.Slug(fmt.Sprintf("crowd%d", n))), "11111111-2222", fmt.Sprintf("%08d-2222", n), 1)
			status, text := w.insist(t, http.MethodPost, "/v1/tenants", body, fmt.Sprintf("Idempotency-Key: crowd-%d", n))
			var s started
			if err := json.Unmarshal([]byte(text), &s); err != nil || status != http.StatusAccepted {
				return fmt.Errorf("onboarding %d: %d %s", n, status, text)
			}
			ids[n] = s.Operation.ID
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for n, id := range ids {
		if got := w.end(t, id); got != "succeeded" {
			t.Errorf("onboarding %d: %s", n, got)
		}
	}
	if w.cloud.Created != many || w.cloud.Sent != many {
		t.Errorf("%d stacks were made and %d calls sent, want %d of each", w.cloud.Created, w.cloud.Sent, many)
	}
	for _, address := range metrics {
		_, text := w.send(t, http.MethodGet, address+"/metrics", "")
		if !strings.Contains(text, `earshot_job_duration_seconds_count{kind="advance_operation",outcome=`) {
			t.Errorf("the worker of %s has done nothing", address)
		}
	}
}

func TestLostDatabase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	await(t, "both are ready", func() bool {
		one, _ := w.send(t, http.MethodGet, w.url+"/readyz", "")
		other, _ := w.send(t, http.MethodGet, w.workerMetrics+"/readyz", "")
		return one == http.StatusOK && other == http.StatusOK
	})
	w.database.Stop()
	status, text := w.send(t, http.MethodPost, w.url+"/v1/tenants", onboarding("acme"))
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "database.unavailable") {
		t.Errorf("an onboarding answers %d %s", status, text)
	}
	for _, address := range []string{w.url, w.workerMetrics} {
		if status, text := w.send(t, http.MethodGet, address+"/readyz", ""); status != http.StatusServiceUnavailable || !strings.Contains(text, "/checks/database") {
			t.Errorf("%s/readyz answers %d %s", address, status, text)
		}
		if status, _ := w.send(t, http.MethodGet, address+"/healthz", ""); status != http.StatusOK {
			t.Errorf("%s/healthz answers %d", address, status)
		}
	}
	if err := w.database.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the service is ready again", func() bool {
		status, _ := w.send(t, http.MethodGet, w.url+"/readyz", "")
		return status == http.StatusOK
	})
	onboarded := w.start(t, http.MethodPost, "/v1/tenants", onboarding("acme"))
	if got := w.end(t, onboarded.Operation.ID); got != "succeeded" {
		t.Errorf("after the database came back the onboarding %s", got)
	}
}
