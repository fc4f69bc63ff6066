package savedobjects

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hjson/hjson-go/v4"
)

// vega visits what a specification asks search for: the members of each "url" that is an object. Its text stays as it is but
// for the names: indentation of JSON, comments of HJSON.
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
	for _, member := range spec.members {
		url := urlOf(member.path)
		if url == "" {
			continue
		}
		if asks[url] == nil {
			asks[url] = &ask{}
			order = append(order, url)
		}
		asks[url].add(member)
	}
	for _, url := range order {
		w.vegaAsk(url, asks[url])
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

func (w *walker) vegaAsk(url string, a *ask) {
	if kind := a.own["%type%"]; kind != nil && !slices.Contains([]any{"elasticsearch", "opensearch"}, kind.value) {
		w.fault("its Vega specification asks another source than search, at %s", url)
		return
	}
	index := a.own["index"]
	name, isText := "", false
	if index != nil {
		name, isText = index.value.(string)
	}
	if !isText || name == "" {
		w.fault("its Vega specification asks all indices, at %s: it names no index", url)
		return
	}
	of := Source{Index: name}
	index.put(w.renamed(name))
	if field := a.own["%timefield%"]; field != nil {
		w.specField(field, of)
	}
	for _, m := range a.below {
		value, isText := m.value.(string)
		switch last := m.path[len(m.path)-1]; {
		case last == "index" || last == "_index":
			if !isText {
				w.fault("its Vega specification names an index in a way that nobody here knows, at %s", strings.Join(m.path, "."))
				continue
			}
			m.put(w.renamed(value))
		case last == "field" || last == "%timefield%":
			w.specField(m, of)
		case last == "query" && isText:
			m.put(w.queried(value, of))
		}
	}
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

// A specMember is a value in a specification.
type specMember struct {
	path  []string
	value any // a text, or something else that is no text
	put   func(string)
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
			for _, name := range value.Keys {
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
			name, err := r.decoder.Token()
			if err != nil {
				return fmt.Errorf("JSON: %w", err)
			}
			if err := r.value(append(slices.Clone(path), fmt.Sprint(name))); err != nil {
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
