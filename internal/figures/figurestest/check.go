// Package figurestest judges lines by the rules of CloudWatch's embedded metric format. Only _test.go files import it.
package figurestest

import (
	"encoding/json"
	"math"
	"testing"
)

// The bounds of the specification.
const (
	maxMetrics    = 100
	maxDimensions = 30
	maxValues     = 100
	maxName       = 1024
	maxNamespace  = 1024
	maxBytes      = 256 << 10 // of a log event
)

var units = map[string]bool{"Count": true, "Milliseconds": true}

// Check fails the test for each rule that a line breaks: a line that breaks one has no figures, and CloudWatch says so nowhere
// but in a metric of its own.
func Check(tb testing.TB, line string) {
	tb.Helper()
	if len(line) > maxBytes {
		tb.Errorf("a line of %d bytes", len(line))
	}
	var root map[string]any
	if err := json.Unmarshal([]byte(line), &root); err != nil {
		tb.Fatalf("the line is no JSON object: %v", err)
	}
	aws, _ := root["_aws"].(map[string]any)
	if stamp, isNumber := aws["Timestamp"].(float64); !isNumber || stamp != math.Trunc(stamp) || stamp < 1e12 {
		tb.Errorf("Timestamp is %v, want milliseconds since 1970", aws["Timestamp"])
	}
	directives, _ := aws["CloudWatchMetrics"].([]any)
	if len(directives) != 1 {
		tb.Fatalf("%d directives in %s", len(directives), line)
	}
	directive, _ := directives[0].(map[string]any)
	if namespace, _ := directive["Namespace"].(string); namespace == "" || len(namespace) > maxNamespace {
		tb.Errorf("Namespace %q", namespace)
	}
	checkDimensions(tb, root, directive)
	checkMetrics(tb, root, directive)
}

func checkDimensions(tb testing.TB, root, directive map[string]any) {
	tb.Helper()
	sets, _ := directive["Dimensions"].([]any)
	if len(sets) == 0 {
		tb.Error("no dimension sets")
	}
	for _, set := range sets {
		names, _ := set.([]any)
		if len(names) > maxDimensions {
			tb.Errorf("%d dimensions", len(names))
		}
		for _, name := range names {
			key, _ := name.(string)
			if value, isText := root[key].(string); !isText || value == "" || len(value) > maxName {
				tb.Errorf("dimension %v has no text: %v", name, root[key])
			}
		}
	}
}

func checkMetrics(tb testing.TB, root, directive map[string]any) {
	tb.Helper()
	metrics, _ := directive["Metrics"].([]any)
	if len(metrics) == 0 || len(metrics) > maxMetrics {
		tb.Errorf("%d metrics", len(metrics))
	}
	seen := map[string]bool{}
	for _, item := range metrics {
		metric, _ := item.(map[string]any)
		name, _ := metric["Name"].(string)
		if name == "" || len(name) > maxName || seen[name] {
			tb.Errorf("metric named %q, or named twice", name)
		}
		seen[name] = true
		if unit, _ := metric["Unit"].(string); !units[unit] {
			tb.Errorf("unit %v of %s", metric["Unit"], name)
		}
		checkTarget(tb, name, root[name])
	}
}

func checkTarget(tb testing.TB, name string, target any) {
	tb.Helper()
	values, isList := target.([]any)
	if !isList {
		values = []any{target}
	}
	if len(values) == 0 || len(values) > maxValues {
		tb.Errorf("%s has %d values", name, len(values))
	}
	for _, value := range values {
		// CloudWatch takes -2^360 to 2^360.
		if number, isNumber := value.(float64); !isNumber || math.Abs(number) > 0x1p360 {
			tb.Errorf("%s is %v", name, value)
		}
	}
}
