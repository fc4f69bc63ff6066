package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSaveKeepsTheWorstOfEachAim(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "deep", "bench.json")
	figures := []Figure{
		{ID: "cold", Value: 1.5, Direction: AtMost, Aim: 2, What: "one"},
		{ID: "printed", Value: 7},
		{ID: "cold", Value: 2.5, Direction: AtMost, Aim: 2, What: "two"},
		{ID: "cold", Value: 1.7, Direction: AtMost, Aim: 2, What: "three"},
		{ID: "share", Value: 0.9, Direction: AtLeast, Aim: 0.5, What: "high"},
		{ID: "share", Value: 0.6, Direction: AtLeast, Aim: 0.5, What: "low"},
		{ID: "share", Value: math.NaN(), Direction: AtLeast, Aim: 0.5, What: "of no runs"}, // which JSON cannot hold
		Missing("away", errors.New("search\nis away")),
	}
	if err := Save(name, figures); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var kept []map[string]any
	if err := json.Unmarshal(text, &kept); err != nil || len(kept) != 2 {
		t.Fatalf("%v: %s", err, text)
	}
	if kept[0]["what"] != "two" || kept[1]["what"] != "low" {
		t.Errorf("kept %v and %v, want the worst", kept[0]["what"], kept[1]["what"])
	}
	for _, member := range []string{"id", "value", "unit", "direction", "aim", "runs", "what"} {
		if _, isThere := kept[0][member]; !isThere {
			t.Errorf("%s lacks %q", text, member)
		}
	}
	var table bytes.Buffer
	if err := Write(&table, figures); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "MISSED"); n != 1 {
		t.Errorf("%d figures are called missed, want 1:\n%s", n, &table)
	}
	if n := strings.Count(table.String(), "NOT MEASURED"); n != 2 || !strings.Contains(table.String(), "search is away\n") {
		t.Errorf("%d figures are called not measured, want 2:\n%s", n, &table)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"median of an odd number", Median([]float64{9, 1, 5}), 5},
		{"median of an even number", Median([]float64{4, 1, 3, 2}), 2.5},
		{"99 % of ten", Percentile([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 99), 10},
		{"half of ten", Percentile([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 50), 5},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
	if !math.IsNaN(Median(nil)) || !math.IsNaN(Percentile(nil, 50)) {
		t.Error("of no values there is no median")
	}
	if ratio, spread := Ratio([]float64{2, 4, 6}, []float64{2, 2, 2}); ratio != 2 || spread != "1..3" {
		t.Errorf("ratio %v, spread %s", ratio, spread)
	}
}
