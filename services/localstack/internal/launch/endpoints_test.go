package launch

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
)

func TestEndpointsName(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	if err := (Endpoints{AdminAPI: "http://127.0.0.1:8080", Processes: map[string]int{"admin": 4711}}).write(state); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(endpointsFile(state))
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{
		"admin_api", "portal", "gateway", "metrics", "admin_issuer", "admin_client_id", "admin_user", "aws_endpoint", "opensearch", "postgres",
		"simulator", "dashboards", "processes", "dedicated_opensearch",
	} {
		if _, ok := read[member]; !ok {
			t.Errorf("it lacks %s", member)
		}
	}
	if read["gateway"] != nil {
		t.Errorf("a part that is not there is %v", read["gateway"])
	}
	if info, err := os.Stat(endpointsFile(state)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestWithoutARunningStackEverybodySaysSo(t *testing.T) {
	t.Parallel()
	l := &Launcher{Settings: Settings{Local: t.TempDir()}}
	if _, err := l.Token(t.Context()); !errors.Is(err, errNotUp) {
		t.Errorf("token: %v", err)
	}
	if err := l.DemoCall(t.Context(), "acme"); !errors.Is(err, errNotUp) {
		t.Errorf("demo-call: %v", err)
	}
}

func TestADedicatedTenantIsFoundOnItsNode(t *testing.T) {
	t.Parallel()
	shared, dedicated := SearchAccess{URL: "https://127.0.0.1:9200"}, SearchAccess{URL: "https://127.0.0.1:9201"}
	for _, test := range []struct {
		isolation string
		endpoints Endpoints
		want      SearchAccess
	}{
		{"pooled", Endpoints{OpenSearch: shared, Dedicated: &dedicated}, shared},
		{"dedicated", Endpoints{OpenSearch: shared, Dedicated: &dedicated}, dedicated},
		{"dedicated", Endpoints{OpenSearch: shared}, shared}, // its onboarding has failed
	} {
		if got := test.endpoints.searchOf(adminapi.Tenant{Isolation: test.isolation}); got != test.want {
			t.Errorf("%s: %v", test.isolation, got)
		}
	}
}
