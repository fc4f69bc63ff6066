package savedobjects

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// visualizations are the kinds that our own templates use: Timelion and TSVB name indices within texts and are being retired.
// Markdown holds the links.
var visualizations = []string{
	"area", "histogram", "horizontal_bar", "input_control_vis", "line", "markdown", "metric", "pie", "table", "vega",
}

var (
	idForm     = regexp.MustCompile(`^earshot-[a-z0-9-]{1,60}$`)
	queryField = regexp.MustCompile(`([A-Za-z@_][\w.@]*)\s*(?::|[<>]=?)`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
	anyID      = regexp.MustCompile(`^[A-Za-z0-9_*][A-Za-z0-9_.*-]*$`)
	indexForm  = regexp.MustCompile(`^[a-z0-9*][a-z0-9._*-]*$`)
	linkForm   = regexp.MustCompile(`\(#/view/([^)?]+)`)
)

// mostName is how long an id or an index's name may be. In an expression the count would cost a cold start a third of a millisecond.
const mostName = 200

// configID is older than each version of Dashboards, which takes over the settings of the newest older one.
const configID = "1.0.0"

const gridColumns = 48

// checker looks at a set of objects.
type checker struct {
	fields map[string]map[string]patternField // of each index pattern's id
	keys   map[string]bool
	faults []error
}

// Check returns the faults of a set of templates, joined. Ours, whose ids begin so, are held to more than those that were made
// of somebody's export.
func Check(objects []Object) error { return errors.Join(check(objects)...) }

// check returns every fault of the templates.
func check(objects []Object) []error {
	c := checker{fields: map[string]map[string]patternField{}, keys: map[string]bool{}}
	for _, o := range objects {
		if c.keys[o.Key()] {
			c.fault(o, "it is there twice")
		}
		c.keys[o.Key()] = true
		if o.Type == TypeIndexPattern && isOurs(o) {
			c.pattern(o)
		}
	}
	for _, o := range objects {
		c.object(o)
	}
	return c.faults
}

func (c *checker) fault(o Object, form string, values ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: "+form, append([]any{o.Key()}, values...)...))
}

// pattern checks an index pattern and learns its fields.
func (c *checker) pattern(o Object) {
	title, _ := o.Attributes[titleMember].(string)
	kind := kindOf(title)
	if kind == "" {
		c.fault(o, "the index %q is none of %s-<kind>-*", title, Placeholder)
	}
	if _, isThere := o.Attributes[fieldsMember]; isThere {
		c.fault(o, "the fields are those of the mapping and are not listed")
	}
	fields := map[string]patternField{}
	for _, field := range patternFields(kind) {
		fields[field.Name] = field
	}
	c.fields[o.ID] = fields
	time, _ := o.Attributes["timeFieldName"].(string)
	if kind != "" && fields[time].Type != "date" {
		c.fault(o, "the time field %q is none", time)
	}
	var formats map[string]any
	c.decode(o, o.Attributes["fieldFormatMap"], &formats)
	for field := range formats {
		c.field(o, o.ID, field, false)
	}
}

// object checks what holds of every type, then what is the type's own.
func (c *checker) object(o Object) {
	version, isKnown := migrations[o.Type]
	switch {
	case !isKnown:
		c.fault(o, "templates have no objects of this type")
		return
	case len(o.MigrationVersion) != 1 || o.MigrationVersion[o.Type] != version:
		c.fault(o, "migrationVersion is %v and must be %s", o.MigrationVersion, version)
	case o.Type == TypeConfig && o.ID != configID, o.Type != TypeConfig && !IsID(o.ID):
		c.fault(o, "the id has not the form of one")
	}
	if !isOurs(o) {
		c.imported(o)
		return
	}
	text := Encode(o.Attributes)
	if n := strings.Count(text, Placeholder); o.Type == TypeIndexPattern && n != 1 || o.Type != TypeIndexPattern && n != 0 {
		c.fault(o, "%s stands in the titles of index patterns, once, and nowhere else", Placeholder)
	}
	if title, _ := o.Attributes[titleMember].(string); title == "" && o.Type != TypeConfig {
		c.fault(o, "it has no title")
	}
	c.references(o, text)
	switch o.Type {
	case TypeConfig:
		if index, _ := o.Attributes["defaultIndex"].(string); !c.keys[TypeIndexPattern+":"+index] {
			c.fault(o, "the default index %q is no template", index)
		}
	case TypeDashboard:
		c.dashboard(o)
	case TypeSearch:
		c.search(o)
	case TypeVisualization:
		c.visualization(o)
	}
}

// isOurs tells our own templates from those that were made of an export.
func isOurs(o Object) bool { return o.Type == TypeConfig || idForm.MatchString(o.ID) }

// IsID reports whether a text can be the id of an object that is not ours.
func IsID(text string) bool {
	return len(text) <= mostName && anyID.MatchString(text) && !strings.Contains(text, "..")
}

// imported checks a template that was made of an export: each index is the tenant's, and each reference leads somewhere.
func (c *checker) imported(o Object) {
	if title, _ := o.Attributes[titleMember].(string); title == "" {
		c.fault(o, "it has no title")
	}
	_, err := o.Visit(Places{
		Index: func(name string) (string, error) { return name, placeholderNames(name) },
		Field: func(_ Source, name string) string { return name },
	})
	if err != nil {
		c.fault(o, "%w", err)
	}
	c.targets(o)
}

// placeholderNames holds each of a list of names to the form of a template's.
func placeholderNames(names string) error {
	for name := range strings.SplitSeq(names, ",") {
		rest, isOurs := strings.CutPrefix(name, Placeholder+"-")
		if !isOurs || len(rest) > mostName || !indexForm.MatchString(rest) {
			return fmt.Errorf("the index %q is none of %s-…", name, Placeholder)
		}
	}
	return nil
}

// targets checks that each reference has a name of its own and leads to an object of the set.
func (c *checker) targets(o Object) {
	names := map[string]bool{}
	for _, reference := range o.References {
		if names[reference.Name] {
			c.fault(o, "two references are named %q", reference.Name)
		}
		names[reference.Name] = true
		if !c.keys[reference.Type+":"+reference.ID] {
			c.fault(o, "%s:%s, to which it refers, is no template", reference.Type, reference.ID)
		}
	}
}

// references checks that each is there, and used.
func (c *checker) references(o Object, text string) {
	c.targets(o)
	for _, reference := range o.References {
		if !strings.Contains(text, `"`+reference.Name+`"`) && !strings.Contains(text, `\"`+reference.Name+`\"`) {
			c.fault(o, "the reference %q is used nowhere", reference.Name)
		}
	}
}

// target returns the id of the index pattern that a name refers to.
func (c *checker) target(o Object, name string) string {
	for _, reference := range o.References {
		if reference.Name == name {
			return reference.ID
		}
	}
	c.fault(o, "it has no reference %q", name)
	return ""
}

// field checks that documents have a field.
func (c *checker) field(o Object, pattern, name string, isAggregated bool) {
	fields, isKnown := c.fields[pattern]
	if !isKnown {
		return // the missing pattern is a fault of its own
	}
	switch found, isThere := fields[name]; {
	case !isThere:
		c.fault(o, "no document has the field %q", name)
	case isAggregated && !found.Aggregatable:
		c.fault(o, "search cannot group by %q; its .keyword it can", name)
	}
}

// source checks query and filters, and returns the id of the index pattern.
func (c *checker) source(o Object) string {
	meta, _ := o.Attributes[metaMember].(map[string]any)
	var source struct {
		Index string `json:"indexRefName"`
		Query struct {
			Query    string `json:"query"`
			Language string `json:"language"`
		} `json:"query"`
		Filter []json.RawMessage `json:"filter"`
	}
	c.decode(o, meta[sourceMember], &source)
	if len(source.Filter) > 0 {
		c.fault(o, "what it filters by belongs in its query")
	}
	if source.Index == "" {
		return ""
	}
	pattern := c.target(o, source.Index)
	if source.Query.Language != "kuery" {
		c.fault(o, "its query is no kuery")
	}
	for _, match := range queryField.FindAllStringSubmatch(quoted.ReplaceAllString(source.Query.Query, `""`), -1) {
		c.field(o, pattern, match[1], false)
	}
	return pattern
}

func (c *checker) search(o Object) {
	pattern := c.source(o)
	if pattern == "" {
		c.fault(o, "it has no index pattern")
		return
	}
	columns, _ := o.Attributes["columns"].([]any)
	for _, column := range columns {
		c.field(o, pattern, fmt.Sprint(column), false)
	}
	sorts, _ := o.Attributes["sort"].([]any)
	for _, sort := range sorts {
		pair, _ := sort.([]any)
		if len(pair) != 2 {
			c.fault(o, "sort holds pairs of field and direction")
			continue
		}
		c.field(o, pattern, fmt.Sprint(pair[0]), true)
	}
}

// aggregation is one metric or bucket of a visualization.
type aggregation struct {
	ID     string         `json:"id"`
	Type   string         `json:"type"`
	Schema string         `json:"schema"`
	Params map[string]any `json:"params"`
}

// visState is what a visualization shows.
type visState struct {
	Title  string        `json:"title"`
	Type   string        `json:"type"`
	Aggs   []aggregation `json:"aggs"`
	Params struct {
		Markdown string `json:"markdown"`
		Controls []struct {
			FieldName string `json:"fieldName"`
			Index     string `json:"indexPatternRefName"`
		} `json:"controls"`
	} `json:"params"`
}

func (c *checker) visualization(o Object) {
	var state visState
	c.decode(o, o.Attributes["visState"], &state)
	if !slices.Contains(visualizations, state.Type) {
		c.fault(o, "ours have no visualizations of type %q", state.Type)
	}
	if state.Title != o.Attributes[titleMember] {
		c.fault(o, "visState has another title")
	}
	pattern := c.source(o)
	if len(state.Aggs) > 0 && pattern == "" {
		c.fault(o, "it has no index pattern")
	}
	for _, agg := range state.Aggs {
		if field, isThere := agg.Params["field"].(string); isThere {
			c.field(o, pattern, field, true)
		}
	}
	for _, control := range state.Params.Controls {
		c.field(o, c.target(o, control.Index), control.FieldName, true)
	}
	for _, link := range linkForm.FindAllStringSubmatch(state.Params.Markdown, -1) {
		if !c.keys[TypeDashboard+":"+link[1]] {
			c.fault(o, "its link leads to %q, which is no dashboard", link[1])
		}
	}
}

// panel is a place on a dashboard.
type panel struct {
	Index string `json:"panelIndex"`
	Name  string `json:"panelRefName"`
	Grid  struct {
		X, Y, W, H int
		I          string
	} `json:"gridData"`
}

func (c *checker) dashboard(o Object) {
	c.source(o)
	var panels []panel
	c.decode(o, o.Attributes["panelsJSON"], &panels)
	if len(panels) == 0 {
		c.fault(o, "it has no panels")
	}
	for i, a := range panels {
		c.target(o, a.Name)
		g := a.Grid
		if g.I != a.Index || g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > gridColumns {
			c.fault(o, "panel %q does not lie on the grid", a.Index)
		}
		for _, b := range panels[:i] {
			if a.Index == b.Index {
				c.fault(o, "two panels are %q", a.Index)
			}
			if g.X < b.Grid.X+b.Grid.W && b.Grid.X < g.X+g.W && g.Y < b.Grid.Y+b.Grid.H && b.Grid.Y < g.Y+g.H {
				c.fault(o, "panel %q covers %q", a.Index, b.Index)
			}
		}
	}
}

// decode reads a text with JSON in it, where there is one.
func (c *checker) decode(o Object, value, into any) {
	if value == nil {
		return
	}
	text, isText := value.(string)
	err := errors.New("it is no text")
	if isText {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		c.fault(o, "JSON within: %v", err)
	}
}
