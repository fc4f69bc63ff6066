package exports

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/internal/savedobjects"
)

// oldest are the forms of a type from which the way to the present one is known here.
var oldest = map[string]string{
	savedobjects.TypeDashboard:     "7.3.0",
	savedobjects.TypeIndexPattern:  "6.5.0",
	savedobjects.TypeSearch:        "7.4.0",
	savedobjects.TypeVisualization: "7.4.2",
}

// migrate brings an object into the form that Dashboards writes, as Dashboards' own migrations would. It says which object is
// newer than Dashboards, which would end its next start for every tenant, and which is too old.
func migrate(o savedobjects.Object) (savedobjects.Object, error) {
	current := savedobjects.FormOf(o.Type)
	o.Attributes = maps.Clone(o.Attributes)
	for of, version := range o.MigrationVersion {
		switch {
		case of != o.Type:
			return o, fmt.Errorf("its migrationVersion is of a type %q", of)
		case !isVersion(version):
			return o, fmt.Errorf("its migrationVersion %q is none", version)
		case isBefore(current, version):
			return o, fmt.Errorf("its form %s is newer than Dashboards', %s", version, current)
		case isBefore(version, oldest[o.Type]):
			return o, fmt.Errorf("its form %s is older than %s; import it into a Dashboards of today and export it there", version, oldest[o.Type])
		}
	}
	if o.Type == savedobjects.TypeVisualization {
		if err := respellVega(o); err != nil {
			return o, err
		}
	}
	from, isKnown := o.MigrationVersion[o.Type]
	o.MigrationVersion = map[string]string{o.Type: current}
	if !isKnown || from == current {
		return o, nil
	}
	if err := matchNothing(o); err != nil {
		return o, err
	}
	if o.Type == savedobjects.TypeVisualization {
		return o, migrateVisualization(o)
	}
	return o, nil
}

// respellVega has a Vega specification say Dashboards' names where it says Kibana's. It is no step of Dashboards' own, which takes
// such a specification and then shows an error in its place.
func respellVega(o savedobjects.Object) error {
	text, _ := o.Attributes["visState"].(string)
	var state struct {
		Type   string `json:"type"`
		Params struct {
			Spec string `json:"spec"`
		} `json:"params"`
	}
	_ = json.Unmarshal([]byte(text), &state) // what cannot be read is refused where its names are looked for
	spec := savedobjects.VegaOfDashboards(state.Params.Spec)
	if state.Type != "vega" || spec == state.Params.Spec {
		return nil
	}
	return inText(&text, func(state map[string]any) {
		params, _ := state["params"].(map[string]any)
		params["spec"] = spec
	}, func() { o.Attributes["visState"] = text })
}

func isVersion(text string) bool {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if _, err := strconv.ParseUint(part, 10, 16); err != nil {
			return false
		}
	}
	return len(parts) == 3
}

// isBefore compares two versions.
func isBefore(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x < y
		}
	}
	return false
}

// matchNothing is the step to 7.9.3: a query of "everything" in search's own language becomes an empty one.
func matchNothing(o savedobjects.Object) error {
	meta, _ := o.Attributes["kibanaSavedObjectMeta"].(map[string]any)
	text, _ := meta["searchSourceJSON"].(string)
	if !strings.Contains(text, "match_all") {
		return nil
	}
	return inText(&text, func(source map[string]any) {
		query, _ := source["query"].(map[string]any)
		if _, isAll := query["match_all"]; !isAll {
			return
		}
		source["query"] = map[string]any{"query": "", "language": "kuery"}
	}, func() {
		meta = maps.Clone(meta)
		meta["searchSourceJSON"] = text
		o.Attributes["kibanaSavedObjectMeta"] = meta
	})
}

// inText changes the object that a text holds.
func inText(text *string, change func(map[string]any), done func()) error {
	var value map[string]any
	if err := json.Unmarshal([]byte(*text), &value); err != nil {
		return fmt.Errorf("it holds a text that is no JSON: %w", err)
	}
	change(value)
	*text = savedobjects.Encode(value)
	done()
	return nil
}

// migrateVisualization takes the steps to 7.7.0, 7.8.0 and 7.10.0.
func migrateVisualization(o savedobjects.Object) error {
	text, _ := o.Attributes["visState"].(string)
	if text == "" {
		return nil
	}
	isTSVB := false
	return inText(&text, func(state map[string]any) {
		params, _ := state["params"].(map[string]any)
		splitRows(state["aggs"], params)
		if isTSVB = state["type"] == "metrics"; isTSVB {
			migrateTSVB(params)
		}
	}, func() {
		o.Attributes["visState"] = text
		meta, isObject := o.Attributes["kibanaSavedObjectMeta"].(map[string]any)
		if isTSVB && isObject {
			meta = maps.Clone(meta)
			meta["searchSourceJSON"] = "{}"
			o.Attributes["kibanaSavedObjectMeta"] = meta
		}
	})
}

// splitRows moves whether charts are split into rows from the bucket to the chart.
func splitRows(aggs any, params map[string]any) {
	if params == nil {
		return
	}
	for _, agg := range savedobjects.Objects(aggs) {
		own, _ := agg["params"].(map[string]any)
		if row, isThere := own["row"]; isThere && agg["type"] == "terms" && agg["schema"] == "split" {
			params["row"] = row
			delete(own, "row")
		}
	}
}

func migrateTSVB(params map[string]any) {
	for _, rule := range savedobjects.Objects(params["gauge_color_rules"]) {
		delete(rule, "opperator")
	}
	for _, series := range savedobjects.Objects(params["series"]) {
		if mode, _ := series["split_color_mode"].(string); mode == "" {
			series["split_color_mode"] = "gradient"
		}
		for _, metric := range savedobjects.Objects(series["metrics"]) {
			for _, member := range []string{"numerator", "denominator"} {
				if query, isText := metric[member].(string); isText && metric["type"] == "filter_ratio" {
					metric[member] = map[string]any{"query": query, "language": "lucene"}
				}
			}
		}
	}
}
