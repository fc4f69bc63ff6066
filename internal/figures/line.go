package figures

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// metadata is the member by which CloudWatch recognises the format.
const metadata = "_aws"

type document struct {
	Timestamp  int64       `json:"Timestamp"` // milliseconds
	Directives []directive `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type definition struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// Attrs returns the figures as members of a line that slog writes as JSON; none when nothing was counted. A count of nothing
// is left out: CloudWatch asks money for each figure that has a value in the hour.
func (c *Counts) Attrs(at time.Time, tenant, function string) []slog.Attr {
	if len(c.counts) == 0 && len(c.lags) == 0 {
		return nil
	}
	attrs := []slog.Attr{slog.String(DimensionTenant, tenant), slog.String(DimensionFunction, function)}
	var metrics []definition
	for _, name := range slices.Sorted(maps.Keys(c.counts)) {
		metrics = append(metrics, definition{name, "Count"})
		attrs = append(attrs, slog.Int(name, c.counts[name]))
	}
	if len(c.lags) > 0 {
		metrics = append(metrics, definition{Lag, "Milliseconds"})
		attrs = append(attrs, slog.Any(Lag, c.values()))
	}
	return append(attrs, slog.Any(metadata, document{
		Timestamp: at.UnixMilli(),
		Directives: []directive{{
			Namespace: Namespace, Dimensions: [][]string{{DimensionTenant, DimensionFunction}}, Metrics: metrics,
		}},
	}))
}

// A Sample is what one line says.
type Sample struct {
	Tenant   string
	Function string
	At       time.Time
	Counts   map[string]float64
	Lags     []float64 // milliseconds
}

// Parse reads a log line. It reports false for one that holds none of our figures.
func Parse(line string) (Sample, bool) {
	var members map[string]json.RawMessage
	var head document
	if json.Unmarshal([]byte(line), &members) != nil || json.Unmarshal(members[metadata], &head) != nil ||
		len(head.Directives) != 1 || head.Directives[0].Namespace != Namespace {
		return Sample{}, false
	}
	sample := Sample{At: time.UnixMilli(head.Timestamp), Counts: map[string]float64{}}
	if json.Unmarshal(members[DimensionTenant], &sample.Tenant) != nil || json.Unmarshal(members[DimensionFunction], &sample.Function) != nil {
		return Sample{}, false
	}
	for _, metric := range head.Directives[0].Metrics {
		target := members[metric.Name]
		if metric.Name == Lag {
			if json.Unmarshal(target, &sample.Lags) != nil {
				return Sample{}, false
			}
			continue
		}
		var n float64
		if json.Unmarshal(target, &n) != nil {
			return Sample{}, false
		}
		sample.Counts[metric.Name] = n
	}
	return sample, true
}

// RejectedCode returns the code of a figure that counts rejected records, and false for any other figure.
func RejectedCode(figure string) (code string, isOne bool) {
	return strings.CutPrefix(figure, rejected)
}

// RefusedCode returns the code of a figure that counts refused posts, and false for any other figure.
func RefusedCode(figure string) (code string, isOne bool) { return strings.CutPrefix(figure, refused) }
