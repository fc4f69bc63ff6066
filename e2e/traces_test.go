package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/tracing/tracingtest"
)

// traces are those of the world's services.
var traces *tracingtest.Collector

// TestAnOnboardingIsOneTrace looks at that of acme, which the launcher asked for: the request, the runs of its job in the worker, and
// what they asked of AWS.
func TestAnOnboardingIsOneTrace(t *testing.T) {
	w := setup(t)
	want := []string{
		"admin-serve POST /v1/tenants", "admin-serve river.insert_many", "admin-serve AddOperation", "admin-work river.work/advance_operation",
		"admin-work ClaimOperation", "admin-work CloudFormation.CreateStack", "admin-work CloudFormation.DescribeStacks",
		"admin-work Lambda.Invoke",
	}
	var whole []tracingtest.Span
	world.Eventually(t, time.Minute, "the trace is whole", func(context.Context) (bool, string) {
		for _, s := range traces.Spans() {
			if s.Name == "POST /v1/tenants" && s.Attributes["earshot.tenant"] == string(acme) {
				whole = traces.Of(s.Trace)
			}
		}
		seen := map[string]int{}
		for _, s := range whole {
			seen[s.Process["service.name"]+" "+s.Name]++
		}
		for _, name := range want {
			if seen[name] == 0 {
				return false, fmt.Sprintf("no %s in %v", name, seen)
			}
		}
		return true, ""
	})
	known := map[string]bool{}
	for _, s := range whole {
		known[s.ID] = true
	}
	for _, s := range whole {
		if s.Parent != "" && !known[s.Parent] {
			t.Errorf("%s hangs on a span that is nowhere", s.Name)
		}
		if s.Name == "river.work/advance_operation" && (s.Attributes["earshot.tenant"] != string(acme) || s.Attributes["earshot.operation"] == "" || s.Attributes["earshot.request_id"] == "") {
			t.Errorf("a run of the job says %v", s.Attributes)
		}
	}
	log, err := os.ReadFile(filepath.Join(w.State, "log", "admin.log"))
	if err != nil || !strings.Contains(string(log), `"trace_id":"`+whole[0].Trace+`"`) {
		t.Errorf("no line of the log names the trace (%v)", err)
	}
	raw := traces.Raw()
	for _, secret := range []string{w.Token(), w.OpenSearch.Password, w.AdminUser.Username, w.Parameters(t, "earshotops-cell")["ExternalId"]} {
		if secret == "" || strings.Contains(raw, secret) {
			t.Errorf("%.4s… is in a trace, or was not there to look for", secret)
		}
	}
}
