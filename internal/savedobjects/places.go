package savedobjects

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Places are asked about each name of an index and of a field that an object holds, and say what the name becomes.
type Places struct {
	Index func(name string) (string, error)
	Field func(of Source, name string) string
}

// A Source says of which documents a field is: those of an index pattern, by its id, or of an index, by its name as it was
// before Places renamed it. The zero Source is of any.
type Source struct {
	Pattern string
	Index   string
}

// Visit asks p about every name in the object, wherever Dashboards keeps one, and returns the object with the answers in
// place. What names nothing that changes is as it was, character for character. The error names each place that cannot be
// understood, and each that p.Index refuses.
func (o Object) Visit(p Places) (Object, error) {
	w := walker{object: o, places: p}
	w.object.Attributes = maps.Clone(o.Attributes)
	switch o.Type {
	case TypeIndexPattern:
		w.pattern()
	case TypeSearch:
		w.search(w.source())
	case TypeVisualization:
		w.visualization(w.source())
	case TypeDashboard:
		w.source()
		w.dashboard()
	}
	if len(w.faults) > 0 {
		return o, errors.Join(w.faults...)
	}
	return w.object, nil
}

// Indices returns the names of the indices in the object, sorted, or what cannot be understood of it.
func (o Object) Indices() ([]string, error) {
	found := map[string]bool{}
	_, err := o.Visit(Places{
		Index: func(name string) (string, error) { found[name] = true; return name, nil },
		Field: func(_ Source, name string) string { return name },
	})
	return slices.Sorted(maps.Keys(found)), err
}

type walker struct {
	object  Object
	places  Places
	changed bool
	faults  []error
}

func (w *walker) fault(form string, values ...any) {
	w.faults = append(w.faults, fmt.Errorf(form, values...))
}

// index visits the member of m that names an index, and returns the name as it was.
func (w *walker) index(m map[string]any, member string) string {
	value, isThere := m[member]
	name, isText := value.(string)
	switch {
	case !isThere, value == nil, isText && name == "":
		return ""
	case !isText:
		w.fault("%s names an index in a way that nobody here knows", member)
		return ""
	}
	renamed := w.renamed(name)
	w.set(m, member, name, renamed)
	return name
}

func (w *walker) renamed(name string) string {
	renamed, err := w.places.Index(name)
	if err != nil {
		w.faults = append(w.faults, err)
		return name
	}
	return renamed
}

func (w *walker) set(m map[string]any, member, before, after string) {
	if before != after {
		m[member], w.changed = after, true
	}
}

// field visits the member of m that names a field.
func (w *walker) field(m map[string]any, member string, of Source) {
	if name, _ := m[member].(string); name != "" {
		w.set(m, member, name, w.places.Field(of, name))
	}
}

// fields visits a list of fields.
func (w *walker) fields(list any, of Source) {
	names, _ := list.([]any)
	for i, value := range names {
		if name, isText := value.(string); isText {
			if renamed := w.places.Field(of, name); renamed != name {
				names[i], w.changed = renamed, true
			}
		}
	}
}

// sorts visits a list of pairs of field and direction, or one such pair.
func (w *walker) sorts(list any, of Source) {
	sorts, _ := list.([]any)
	for _, sort := range sorts {
		if pair, isPair := sort.([]any); isPair && len(pair) > 0 {
			w.fields(pair[:1], of)
		}
	}
	if len(sorts) > 0 {
		w.fields(sorts[:1], of)
	}
}

// query visits the fields that a query names: {query, language}, or its bare text.
func (w *walker) query(m map[string]any, member string, of Source) {
	if inner, isObject := m[member].(map[string]any); isObject {
		m, member = inner, "query"
	}
	if text, _ := m[member].(string); text != "" {
		w.set(m, member, text, w.queried(text, of))
	}
}

// queried renames the fields of a query. What stands in quotes is looked for, and names nothing.
func (w *walker) queried(text string, of Source) string {
	var out strings.Builder
	for _, part := range splitQuoted(text) {
		if strings.HasPrefix(part, `"`) {
			out.WriteString(part)
			continue
		}
		at := 0
		for _, found := range queryField.FindAllStringSubmatchIndex(part, -1) {
			out.WriteString(part[at:found[2]])
			out.WriteString(w.places.Field(of, part[found[2]:found[3]]))
			at = found[3]
		}
		out.WriteString(part[at:])
	}
	return out.String()
}

// splitQuoted parts a query into what stands in double quotes, quotes included, and what stands between.
func splitQuoted(text string) (parts []string) {
	at := 0
	for at < len(text) {
		begin := strings.IndexByte(text[at:], '"')
		if begin < 0 {
			break
		}
		begin += at
		end := begin + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		parts = append(parts, text[at:begin], text[begin:end])
		at = end
	}
	return append(parts, text[at:])
}

// within decodes the attribute that holds JSON as text, lets do change it, and writes it back if it did.
func (w *walker) within(m map[string]any, member string, do func(any)) {
	text, isText := m[member].(string)
	if !isText || text == "" {
		return
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		w.fault("%s holds no JSON: %w", member, err)
		return
	}
	before := w.changed
	w.changed = false
	do(value)
	if w.changed {
		m[member] = Encode(value)
	}
	w.changed = w.changed || before
}

func (w *walker) reference(name string) Source {
	for _, reference := range w.object.References {
		if reference.Name == name && name != "" {
			return Source{Pattern: reference.ID}
		}
	}
	return Source{}
}

func (w *walker) pattern() {
	a := w.object.Attributes
	of := Source{Index: w.index(a, titleMember)}
	w.field(a, "timeFieldName", of)
	w.within(a, "fieldFormatMap", func(value any) { w.keys(value, of) })
}

// keys visits the names of an object's members, each of which is a field.
func (w *walker) keys(value any, of Source) {
	m, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		renamed := w.places.Field(of, name)
		if renamed == name {
			continue
		}
		if _, isThere := m[renamed]; !isThere {
			m[renamed] = m[name]
		}
		delete(m, name)
		w.changed = true
	}
}

// source visits query and filters, and returns of which documents the object is.
func (w *walker) source() (of Source) {
	meta, isObject := w.object.Attributes[metaMember].(map[string]any)
	if !isObject {
		return of
	}
	meta = maps.Clone(meta)
	w.object.Attributes[metaMember] = meta
	w.within(meta, sourceMember, func(value any) {
		source, _ := value.(map[string]any)
		name, _ := source["indexRefName"].(string)
		of = w.reference(name)
		w.query(source, "query", of)
		filters, _ := source["filter"].([]any)
		for _, filter := range filters {
			w.filter(filter, of)
		}
	})
	return of
}

func (w *walker) filter(value any, of Source) {
	filter, _ := value.(map[string]any)
	meta, _ := filter["meta"].(map[string]any)
	if name, _ := meta["indexRefName"].(string); name != "" {
		of = w.reference(name)
	}
	w.field(meta, "key", of)
	for _, member := range slices.Sorted(maps.Keys(filter)) {
		if member != "meta" {
			w.clause(member, filter[member], of)
		}
	}
}

// byField are the clauses of the query language whose members are named for fields.
var byField = []string{
	"range", "term", "terms", "match", "match_phrase", "match_phrase_prefix", "prefix", "wildcard", "regexp", "fuzzy", "geo_shape",
	"geo_bounding_box", "terms_set",
}

// clause visits a part of a query as search understands it, with all that is in it.
func (w *walker) clause(name string, value any, of Source) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			w.clause(name, item, of)
		}
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(value)) {
			switch _, isText := value[member].(string); {
			case member == "index" || member == "_index":
				w.index(value, member)
			case member == "field" && isText:
				w.field(value, member, of)
			case name == "query_string" && member == "query":
				w.query(value, member, of)
			default:
				w.clause(member, value[member], of)
			}
		}
		if slices.Contains(byField, name) {
			w.keys(value, of)
		}
	}
}

func (w *walker) search(of Source) {
	a := w.object.Attributes
	for _, member := range []string{"columns", "sort"} {
		if list, isList := a[member].([]any); isList {
			a[member] = cloneLists(list)
		}
	}
	w.fields(a["columns"], of)
	w.sorts(a["sort"], of)
}

// cloneLists copies a list and the lists in it.
func cloneLists(list []any) []any {
	copied := make([]any, len(list))
	for i, item := range list {
		if inner, isList := item.([]any); isList {
			item = slices.Clone(inner)
		}
		copied[i] = item
	}
	return copied
}

func (w *walker) dashboard() {
	w.within(w.object.Attributes, "panelsJSON", func(value any) {
		panels, _ := value.([]any)
		for _, value := range panels {
			panel, _ := value.(map[string]any)
			config, _ := panel["embeddableConfig"].(map[string]any)
			w.fields(config["columns"], Source{})
			w.sorts(config["sort"], Source{})
		}
	})
}
