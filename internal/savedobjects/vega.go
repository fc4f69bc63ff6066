package savedobjects

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hjson/hjson-go/v4"
)

// vega visits what a specification asks search for, the members of each "url" that is an object, and the index patterns that its
// filters are of. Its text stays as it is but for the names: indentation of JSON, comments of HJSON.
func (w *walker) vega(params map[string]any) {
	text, _ := params["spec"].(string)
	if strings.TrimSpace(text) == "" {
		return
	}
	spec, err := readSpec(text)
	if err != nil {
		w.fault("its Vega specification: %w", err)
		return
	}
	asks := map[string]*ask{}
	var order []string
	var others []*specMember
	for _, member := range spec.members {
		url := urlOf(member.path)
		if url == "" {
			others = append(others, member)
			continue
		}
		if asks[url] == nil {
			asks[url] = &ask{}
			order = append(order, url)
		}
		asks[url].add(member)
	}
	of := Source{} // of what is drawn: any, unless all questions are about the same
	for i, url := range order {
		asked := w.vegaAsk(url, asks[url])
		if i == 0 || asked == of {
			of = asked
		} else {
			of = Source{}
		}
	}
	for _, member := range others {
		if text, isText := member.value.(string); isText {
			member.put(w.drawn(w.filtered(text), of))
		}
	}
	after, err := spec.text()
	if err != nil {
		w.fault("its Vega specification: %w", err)
		return
	}
	w.set(params, "spec", text, after)
}

// An ask is one "url": its own members by name, and all that is below them.
type ask struct {
	own   map[string]*specMember
	below []*specMember
}

func (a *ask) add(m *specMember) {
	depth := urlDepth(m.path)
	switch {
	case len(m.path) == depth+1:
		if a.own == nil {
			a.own = map[string]*specMember{}
		}
		a.own[m.path[depth]] = m
	case len(m.path) > depth+1:
		a.below = append(a.below, m)
	}
}

// vegaAsk visits one question, and returns which documents it is about.
func (w *walker) vegaAsk(url string, a *ask) (of Source) {
	if kind := a.own["%type%"]; kind != nil && !slices.Contains([]any{"elasticsearch", "opensearch"}, kind.value) {
		w.fault("its Vega specification asks another source than search, at %s", url)
		return of
	}
	index := a.own["index"]
	name, isText := "", false
	if index != nil {
		name, isText = index.value.(string)
	}
	if !isText || name == "" {
		w.fault("its Vega specification asks all indices, at %s: it names no index", url)
		return of
	}
	of = Source{Index: name}
	index.put(w.renamed(name))
	if field := a.own["%timefield%"]; field != nil {
		w.specField(field, of)
	}
	isAggregated := a.aggregations()
	for _, m := range a.below {
		value, isText := m.value.(string)
		last, parent := m.path[len(m.path)-1], parentOf(m.path)
		switch {
		case m.isName:
			if parent == "sort" || slices.Contains(byField, parent) && !isAggregated[strings.Join(m.path[:len(m.path)-1], ".")] {
				w.specField(m, of)
			}
		case last == "index" || last == "_index":
			if !isText {
				w.fault("its Vega specification names an index in a way that nobody here knows, at %s", strings.Join(m.path, "."))
				continue
			}
			m.put(w.renamed(value))
		case last == "field", last == "%timefield%", slices.Contains(fieldLists, last), isNumber(last) && slices.Contains(fieldLists, parent):
			w.specField(m, of)
		case parent == "query_string" && last == "query" && isText:
			m.put(w.queried(value, of))
		}
	}
	return of
}

// fieldLists are the members of a question that are a field or list some.
var fieldLists = []string{"_source", "docvalue_fields", "excludes", "includes", "sort", "stored_fields"}

// aggregations returns the paths of what groups by a field, which it names: its other members are no fields, as those of a query's
// clause of the same name would be.
func (a *ask) aggregations() map[string]bool {
	found := map[string]bool{}
	for _, m := range a.below {
		if last := len(m.path) - 1; m.isName && m.path[last] == "field" {
			found[strings.Join(m.path[:last], ".")] = true
		}
	}
	return found
}

// parentOf returns the name of the member that the last of path belongs to, or to a list of it.
func parentOf(path []string) string {
	for _, name := range slices.Backward(path[:len(path)-1]) {
		if !isNumber(name) {
			return name
		}
	}
	return ""
}

// sourceField is a field as a chart names it, of a document that search answered.
var sourceField = regexp.MustCompile(`\b_source\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`)

// drawn visits the fields of documents that a chart names.
func (w *walker) drawn(text string, of Source) string {
	return sourceField.ReplaceAllStringFunc(text, func(found string) string {
		return "_source." + w.places.Field(of, strings.TrimPrefix(found, "_source."))
	})
}

// filterCall begins a call that sets or takes away a filter of the page, in an expression of Vega. Its second argument is the title
// of an index pattern.
var filterCall = regexp.MustCompile(`\b(?:kibana|opensearchDashboards)(?:Add|Remove)Filter\s*\(`)

// filtered visits the index patterns that an expression names. A computed one stays: it finds patterns of the space only.
func (w *walker) filtered(text string) string {
	var out strings.Builder
	at := 0
	for _, call := range filterCall.FindAllStringIndex(text, -1) {
		from, to, isText := secondText(text, call[1])
		if !isText || from < at {
			continue
		}
		out.WriteString(text[at:from])
		out.WriteString(w.renamed(text[from:to]))
		at = to
	}
	return out.String() + text[at:]
}

// secondText returns where, without its quotes, the second argument of a call stands whose first begins at. It is none where that
// is anything but a text.
func secondText(expression string, at int) (from, to int, isText bool) {
	depth := 0
	for ; at < len(expression); at++ {
		switch expression[at] {
		case '"', '\'':
			at = endOfText(expression, at)
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return 0, 0, false
			}
		case ',':
			if depth > 0 {
				continue
			}
			rest := strings.TrimLeft(expression[at+1:], blanks)
			from = len(expression) - len(rest)
			if !strings.HasPrefix(rest, `"`) && !strings.HasPrefix(rest, "'") {
				return 0, 0, false
			}
			to = endOfText(expression, from)
			after := strings.TrimLeft(expression[min(to+1, len(expression)):], blanks)
			return from + 1, to, strings.HasPrefix(after, ",") || strings.HasPrefix(after, ")")
		}
	}
	return 0, 0, false
}

// endOfText returns where the closing quote is of the text whose opening one is at.
func endOfText(expression string, at int) int {
	quote := expression[at]
	for at++; at < len(expression) && expression[at] != quote; at++ {
		if expression[at] == '\\' {
			at++
		}
	}
	return min(at, len(expression))
}

// kibanaFunction is one of those of Kibana's own in Vega's expressions.
var kibanaFunction = regexp.MustCompile(`\bkibana((?:Add|Remove)Filter|RemoveAllFilters|SetTimeFilter)(\s*\()`)

// VegaOfDashboards returns a specification of Kibana as Dashboards has it, which calls its own functions and its search by other
// names and knows no more. The rest stays as it is, comments too, and so does what is no specification.
func VegaOfDashboards(specification string) string {
	spec, err := readSpec(specification)
	if err != nil {
		return specification
	}
	for _, m := range spec.members {
		text, isText := m.value.(string)
		if !isText {
			continue
		}
		switch depth := urlDepth(m.path); {
		case depth == 0:
			m.put(kibanaFunction.ReplaceAllString(text, "opensearchDashboards$1$2"))
		case len(m.path) == depth+1 && m.path[depth] == "%type%" && text == "elasticsearch":
			m.put("opensearch")
		}
	}
	text, err := spec.text()
	if err != nil {
		return specification
	}
	return text
}

func (w *walker) specField(m *specMember, of Source) {
	if name, isText := m.value.(string); isText {
		m.put(w.places.Field(of, name))
	}
}

// urlDepth returns how much of a path leads to its "url", 0 if nothing does. Dashboards sends those that belong to a "data", or
// to one of a list of them.
func urlDepth(path []string) int {
	for i, name := range path {
		if name != "url" {
			continue
		}
		of := i - 1
		for of >= 0 && isNumber(path[of]) {
			of--
		}
		if of >= 0 && path[of] == "data" {
			return i + 1
		}
	}
	return 0
}

func isNumber(name string) bool {
	_, err := strconv.Atoi(name)
	return err == nil
}

// urlOf returns the path of the "url" of which a member is, empty when it is of none.
func urlOf(path []string) string { return strings.Join(path[:urlDepth(path)], ".") }

// A specMember is a value in a specification, or the name of a member within a question.
type specMember struct {
	path   []string
	value  any // a text, or something else that is no text
	isName bool
	put    func(string)
}

// isAsked reports whether a path leads into a question, past its own members.
func isAsked(path []string) bool {
	depth := urlDepth(path)
	return depth > 0 && len(path) > depth+1
}

type spec struct {
	members []*specMember
	text    func() (string, error)
}

func readSpec(text string) (spec, error) {
	if json.Valid([]byte(text)) {
		return readJSONSpec(text)
	}
	return readHJSONSpec(text)
}

// readHJSONSpec reads a specification with comments, which it is written with again.
func readHJSONSpec(text string) (spec, error) {
	var root hjson.Node
	if err := hjson.Unmarshal([]byte(text), &root); err != nil {
		return spec{}, fmt.Errorf("neither JSON nor HJSON: %w", err)
	}
	changed := false
	s := spec{}
	var walk func(path []string, n *hjson.Node)
	walk = func(path []string, n *hjson.Node) {
		if n == nil {
			return
		}
		child := func(name string) []string { return append(slices.Clone(path), name) }
		switch value := n.Value.(type) {
		case *hjson.OrderedMap:
			if len(path) > 0 && path[len(path)-1] == "url" {
				s.members = append(s.members, &specMember{path: path, put: func(string) {}})
			}
			for i, name := range value.Keys {
				if isAsked(child(name)) {
					s.members = append(s.members, &specMember{path: child(name), value: name, isName: true, put: func(to string) {
						if _, isTaken := value.Map[to]; !isTaken {
							value.Keys[i], value.Map[to], changed = to, value.Map[name], true
							delete(value.Map, name)
						}
					}})
				}
				inner, _ := value.Map[name].(*hjson.Node)
				walk(child(name), inner)
			}
		case []any:
			for i, item := range value {
				inner, _ := item.(*hjson.Node)
				walk(child(strconv.Itoa(i)), inner)
			}
		default:
			if len(path) > 0 && path[len(path)-1] == "url" {
				return
			}
			s.members = append(s.members, &specMember{path: path, value: value, put: func(to string) {
				if n.Value != to {
					n.Value, changed = to, true
				}
			}})
		}
	}
	walk(nil, &root)
	s.text = func() (string, error) {
		if !changed {
			return text, nil
		}
		out, err := hjson.Marshal(root)
		return string(out), err
	}
	return s, nil
}

// readJSONSpec reads a specification, of which only the changed values are written anew.
func readJSONSpec(text string) (spec, error) {
	r := jsonSpec{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	r.decoder.UseNumber()
	if err := r.value(nil); err != nil {
		return spec{}, err
	}
	return spec{members: r.members, text: r.write}, nil
}

type jsonSpec struct {
	text    string
	decoder *json.Decoder
	members []*specMember
	changes []textChange // in the order of the text
}

type textChange struct {
	from, to int
	value    *string
}

// value reads one, which is at path.
func (r *jsonSpec) value(path []string) error {
	from := int(r.decoder.InputOffset())
	token, err := r.decoder.Token()
	if err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	isURL := len(path) > 0 && path[len(path)-1] == "url"
	delim, isDelim := token.(json.Delim)
	switch {
	case isDelim && delim == '{':
		if isURL {
			r.members = append(r.members, &specMember{path: path, put: func(string) {}})
		}
		for r.decoder.More() {
			from := int(r.decoder.InputOffset())
			name, err := r.decoder.Token()
			if err != nil {
				return fmt.Errorf("JSON: %w", err)
			}
			inner := append(slices.Clone(path), fmt.Sprint(name))
			if isAsked(inner) {
				r.add(inner, name, from)
				r.members[len(r.members)-1].isName = true
			}
			if err := r.value(inner); err != nil {
				return err
			}
		}
	case isDelim:
		for i := 0; r.decoder.More(); i++ {
			if err := r.value(append(slices.Clone(path), strconv.Itoa(i))); err != nil {
				return err
			}
		}
	default:
		if !isURL {
			r.add(path, token, from)
		}
		return nil
	}
	if _, err := r.decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: %w", err)
	}
	return nil
}

func (r *jsonSpec) add(path []string, token any, from int) {
	member := &specMember{path: path, value: token, put: func(string) {}}
	r.members = append(r.members, member)
	before, isText := token.(string)
	if !isText {
		return
	}
	end := int(r.decoder.InputOffset())
	begin := from + strings.IndexByte(r.text[from:end], '"')
	at := len(r.changes)
	r.changes = append(r.changes, textChange{from: begin, to: end})
	member.put = func(to string) {
		if to != before {
			r.changes[at].value = &to
		}
	}
}

func (r *jsonSpec) write() (string, error) {
	var out strings.Builder
	at := 0
	for _, c := range r.changes {
		if c.value == nil {
			continue
		}
		out.WriteString(r.text[at:c.from])
		out.WriteString(Encode(*c.value))
		at = c.to
	}
	out.WriteString(r.text[at:])
	return out.String(), nil
}
