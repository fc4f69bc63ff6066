package savedobjects

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

func (w *walker) visualization(of Source) {
	w.within(w.object.Attributes, "visState", func(value any) {
		state, _ := value.(map[string]any)
		params, _ := state["params"].(map[string]any)
		kind, _ := state["type"].(string)
		switch kind {
		case "timelion":
			w.timelion(params)
		case "metrics":
			w.tsvb(params)
		case "vega":
			w.vega(params)
		case "input_control_vis":
			controls, _ := params["controls"].([]any)
			for _, value := range controls {
				control, _ := value.(map[string]any)
				name, _ := control["indexPatternRefName"].(string)
				w.field(control, "fieldName", w.reference(name))
			}
		}
		aggs, _ := state["aggs"].([]any)
		for _, value := range aggs {
			agg, _ := value.(map[string]any)
			w.aggregation(agg["params"], of)
		}
	})
}

// aggregation visits what a metric or bucket is made of, and those within it.
func (w *walker) aggregation(value any, of Source) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			w.aggregation(item, of)
		}
	case map[string]any:
		w.field(value, "field", of)
		w.field(value, "sortField", of)
		if _, isQuery := value["language"]; isQuery {
			w.query(value, "query", of)
		}
		for _, member := range slices.Sorted(maps.Keys(value)) {
			w.aggregation(value[member], of)
		}
	}
}

// tsvb visits the parameters of a visualization of type "metrics".
func (w *walker) tsvb(params map[string]any) {
	of := Source{Index: w.index(params, "index_pattern")}
	w.field(params, "time_field", of)
	w.field(params, "default_timefield", Source{Index: w.index(params, "default_index_pattern")})
	w.field(params, "pivot_id", of)
	w.query(params, "filter", of)
	for _, series := range Objects(params["series"]) {
		own := Source{Index: w.index(series, "series_index_pattern")}
		w.field(series, "series_time_field", own)
		if !isOn(series["override_index_pattern"]) {
			own = of
		}
		w.series(series, own)
	}
	for _, annotation := range Objects(params["annotations"]) {
		own := Source{Index: w.index(annotation, "index_pattern")}
		w.field(annotation, "time_field", own)
		w.query(annotation, "query_string", own)
		if list, _ := annotation["fields"].(string); list != "" {
			names := strings.Split(list, ",")
			for i, name := range names {
				bare := strings.TrimSpace(name)
				names[i] = strings.Replace(name, bare, w.places.Field(own, bare), 1)
			}
			w.set(annotation, "fields", list, strings.Join(names, ","))
		}
	}
}

func (w *walker) series(series map[string]any, of Source) {
	w.field(series, "terms_field", of)
	w.query(series, "filter", of)
	for _, split := range Objects(series["split_filters"]) {
		w.query(split, "filter", of)
	}
	metrics := Objects(series["metrics"])
	ids := map[any]bool{}
	for _, metric := range metrics {
		ids[metric["id"]] = true
	}
	for _, metric := range metrics {
		if !ids[metric["field"]] { // a metric of metrics names one of them there
			w.field(metric, "field", of)
		}
		w.query(metric, "numerator", of)
		w.query(metric, "denominator", of)
	}
}

// Objects returns the objects of a list that was read from JSON, and nothing of what is no list; what is no object in it is left out.
func Objects(list any) (found []map[string]any) {
	values, _ := list.([]any)
	for _, value := range values {
		if object, isObject := value.(map[string]any); isObject {
			found = append(found, object)
		}
	}
	return found
}

// isOn reads a switch of TSVB, which is kept as a number, a text or a truth.
func isOn(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case float64:
		return value != 0
	case string:
		on, err := strconv.ParseBool(value)
		return on && err == nil
	}
	return false
}
