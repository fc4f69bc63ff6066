package launch

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
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
		"simulator", "dashboards", "processes",
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
