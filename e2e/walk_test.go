// Package e2e_test walks through the product as its users do, against the processes that `make up` starts.
package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/settings"
	"github.com/earshot-hq/earshot/internal/tracing/tracingtest"
)

var shared *world.World

// atOneTime tests of those that mostly wait for people: the last of all is one of them.
const atOneTime = "5"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOneTime); err != nil {
		panic(err)
	}
	// The stand-in takes the place of Amazon's RTC library, which is in no registry; an absolute path has the same tests run on that.
	given, err := settings.Load[struct {
		RTC string `env:"RTC_JS" envDefault:"services/simulator/internal/site/page/rtc.js"`
	}]()
	if err != nil {
		panic(err)
	}
	traces = tracingtest.Start()
	os.Exit(world.Main(m, &shared, "EARSHOT_DEDICATED_SEARCH=true", "EARSHOT_RTC_JS="+given.RTC,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL, "OTEL_BSP_SCHEDULE_DELAY=500"))
}

// together are the tests that go on at the same time, after all that do not.
var together sync.WaitGroup

// atOnce has a test go on beside others of its kind. It is not for a test that judges how a call sounds: media has a real pace,
// and a machine with too much to do sounds as a bad network does.
func atOnce(t *testing.T) {
	t.Helper()
	together.Add(1)
	t.Cleanup(together.Done)
	t.Parallel()
}

func setup(t *testing.T) *world.World {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole product: run make test")
	}
	return shared
}

// The walk of the product: an admin onboards a contact centre and watches it being built, an agent's call arrives in that
// tenant's indices and nowhere else, sending it again changes nothing, and off-boarding leaves nothing.
func TestACallArrives(t *testing.T) {
	w := setup(t)
	tenant := onboard(t, w, "northwind")

	t.Run("the softphone site stands", func(t *testing.T) { visit(t, tenant) })

	call := samplecall.New(samplecall.Options{
		Agent: "mira.holm", Queue: "Orders EMEA", RoutingProfile: "Retail Voice",
		ContactID: "0f7a4a52-9a3e-4c1d-8d0e-7b6c5d4e3f21",
		Start:     time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond), Duration: 4 * time.Minute,
	})
	t.Run("exactly its documents are found", func(t *testing.T) {
		w.Post(t, tenant, call)
		w.FindExactly(t, "northwind", "mira.holm", call)
	})
	t.Run("sending it again changes nothing", func(t *testing.T) {
		w.Post(t, tenant, call)
		w.Drain(t, tenant)
		w.FindExactly(t, "northwind", "mira.holm", call)
	})
	t.Run("it is explained", func(t *testing.T) { explained(t, w, "northwind", call) })
	t.Run("no other tenant has it", func(t *testing.T) {
		if n := w.Count(t.Context(), t, "acme-*", world.AgentIs("mira.holm")); n != 0 {
			t.Errorf("acme has %d documents of northwind's agent", n)
		}
	})
	t.Run("no secret of it is kept", func(t *testing.T) {
		for _, secret := range []string{"SECRET", "CANARY"} {
			if n := w.Count(t.Context(), t, "northwind-*", map[string]any{"query_string": map[string]any{"query": "*" + secret + "*"}}); n != 0 {
				t.Errorf("%d documents hold %s", n, secret)
			}
		}
	})
	t.Run("off-boarding leaves nothing", func(t *testing.T) { offboard(t, w, "northwind") })
}

// onboard makes a tenant, asking twice under one key, and wants to be told of every step.
func onboard(t *testing.T, w *world.World, slug string) world.Tenant {
	t.Helper()
	draft := world.Draft(slug)
	draft["display_name"] = "Northwind Traders"
	status, answer := w.Call(t, http.MethodPost, "/v1/tenants", draft, "Idempotency-Key", slug+"-1")
	if status != http.StatusAccepted {
		t.Fatalf("POST /v1/tenants answered %d: %v", status, answer)
	}
	again, replayed := w.Call(t, http.MethodPost, "/v1/tenants", draft, "Idempotency-Key", slug+"-1")
	if again != http.StatusAccepted || fmt.Sprint(replayed) != fmt.Sprint(answer) {
		t.Errorf("the same key and body answered %d: %v; want the first answer again", again, replayed)
	}
	id := world.Member(answer, "operation", "id").(string)
	steps := w.Follow(t, id, 3*time.Minute)
	for _, step := range []string{"create_stack", "await_stack", "fill_space", "send_call", "await_call"} {
		if !slices.Contains(steps, step) {
			t.Errorf("the operation told nothing of %s; it told of %v", step, steps)
		}
	}
	_, ended := w.Call(t, http.MethodGet, "/v1/operations/"+id, nil)
	space, _ := ended["space"].(map[string]any)
	if created, _ := space["created"].([]any); len(created) == 0 || float64(len(created)) != space["managed"] {
		t.Errorf("of its space the operation says %v", space)
	}
	tenant := w.Tenant(t, slug)
	if tenant["state"] != "active" {
		t.Fatalf("the tenant is %v, want active", tenant["state"])
	}
	return tenant
}

// visit opens the softphone site: the page names the tenant, and its headers let in no script from elsewhere.
func visit(t *testing.T, tenant world.Tenant) {
	t.Helper()
	site := tenant.Site()
	page, header := world.Get(t, site)
	if !strings.Contains(page, "Content-Security-Policy") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the page lacks its policy; headers %v", header)
	}
	// Connect looks at our origin and the browser at what the frame may use; strangers may not frame the page.
	if header.Get("Referrer-Policy") != "strict-origin-when-cross-origin" || strings.Contains(header.Get("Permissions-Policy"), "microphone") ||
		!strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("headers %v", header)
	}
	if !strings.Contains(page, "frame-src https://northwind.my.connect.aws;") || strings.Contains(page, "unsafe") {
		t.Errorf("the page's policy: %s", page)
	}
	scripts := regexp.MustCompile(`src="\./(assets/[^"]+)"`).FindAllStringSubmatch(page, -1)
	for _, script := range append(scripts, []string{"", "earshot-collector.js"}) {
		if _, header := world.Get(t, site+script[1]); !strings.HasPrefix(header.Get("Content-Type"), "text/javascript") {
			t.Errorf("%s is %q", script[1], header.Get("Content-Type"))
		}
	}
	if len(scripts) == 0 {
		t.Errorf("the page has no script: %s", page)
	}
	config, _ := world.Get(t, site+"config.json")
	for _, want := range []string{"Northwind Traders", tenant.API(), "northwind.my.connect.aws"} {
		if !strings.Contains(config, want) {
			t.Errorf("config.json lacks %q: %s", want, config)
		}
	}
}

// explained waits for the summary of a call without a flaw: one, of all its seconds.
func explained(t *testing.T, w *world.World, slug string, call samplecall.Call) {
	t.Helper()
	index := slug + "-callsummary-*"
	query := map[string]any{"term": map[string]any{"doc.contactId.keyword": call.ContactID()}}
	world.Eventually(t, world.ArriveTime, "the call's summary", func(ctx context.Context) (bool, string) {
		_, text := w.Search(ctx, t, http.MethodPost, "/"+index+"/_search", map[string]any{"query": query})
		return strings.Contains(string(text), `"verdict":"good"`) && strings.Contains(string(text), `"recordsSeen":480`), string(text)
	})
	if n := w.Count(t.Context(), t, index, query); n != 1 {
		t.Errorf("the call has %d summaries", n)
	}
	if n := w.Count(t.Context(), t, index, world.AgentIs("earshot.probe")); n != 0 {
		t.Errorf("the synthetic call has %d summaries", n)
	}
}

// offboard removes the tenant with its data and looks into search for what is left.
func offboard(t *testing.T, w *world.World, slug string) {
	t.Helper()
	if status, answer := w.Call(t, http.MethodDelete, "/v1/tenants/"+slug+"?confirm=acme&data=delete", nil); status < 400 {
		t.Fatalf("a DELETE with another slug's confirmation answered %d: %v", status, answer)
	}
	status, answer := w.Call(t, http.MethodDelete, "/v1/tenants/"+slug+"?confirm="+slug+"&data=delete", nil)
	if status != http.StatusAccepted {
		t.Fatalf("DELETE answered %d: %v", status, answer)
	}
	w.Follow(t, world.Member(answer, "operation", "id").(string), 3*time.Minute)
	for _, path := range []string{
		"/_cat/indices/" + slug + "-*?format=json", "/_index_template/earshot-" + slug + "-*",
		"/_plugins/_security/api/roles", "/_plugins/_security/api/rolesmapping", "/_plugins/_security/api/internalusers",
	} {
		if _, raw := w.Search(t.Context(), t, http.MethodGet, path, nil); strings.Contains(string(raw), slug) {
			t.Errorf("%s still names the tenant: %.300s", path, raw)
		}
	}
	if n := w.Count(t.Context(), t, "acme-*", map[string]any{"match_all": map[string]any{}}); n <= 0 {
		t.Errorf("acme has %d documents after another tenant's off-boarding", n)
	}
}
