package searchtenant

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

func TestJavaHash(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int32{"acme": 2988346, "": 0, "polygenelubricants": -2147483648} {
		if got := javaHash(name); got != want {
			t.Errorf("%q: got %d, want %d", name, got, want)
		}
	}
}

func TestMappingsHoldEveryFieldOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		text, err := json.Marshal(mappings(telemetry.Fields(kind)))
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Dynamic    string `json:"dynamic"`
			Properties map[string]any
		}
		if err := json.Unmarshal(text, &read); err != nil || read.Dynamic != "strict" {
			t.Fatal(err, read.Dynamic)
		}
		if got, want := leaves(read.Properties), len(telemetry.Fields(kind)); got != want || want == 0 {
			t.Errorf("%s: %d of %d fields are mapped", kind, got, want)
		}
	}
}

func leaves(properties map[string]any) int {
	n := 0
	for _, value := range properties {
		field, _ := value.(map[string]any)
		if inner, isObject := field["properties"].(map[string]any); isObject {
			n += leaves(inner)
		} else {
			n++
		}
	}
	return n
}

func TestTemplateVersionFollowsTheContent(t *testing.T) {
	t.Parallel()
	_, one := template("acme", telemetry.KindAPIMetric, 0)
	_, again := template("acme", telemetry.KindAPIMetric, 0)
	_, replicated := template("acme", telemetry.KindAPIMetric, 1)
	if one != again || one == replicated || len(one) != 16 {
		t.Errorf("versions %q, %q, with a replica %q", one, again, replicated)
	}
	body, _ := template("acme", telemetry.KindAPIMetric, 0)
	text, err := json.Marshal(body)
	if err != nil || strings.Contains(string(text), "acmeeu") || !strings.Contains(string(text), `"acme-apimetric-*"`) {
		t.Errorf("%s %v", text, err)
	}
}
