package exports

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
)

// Options say where an export comes from and goes to.
type Options struct {
	// Own is the tenant whose prefix names in the export may have already; empty: none.
	Own slug.Slug
	// Known reports whether an object is there that the export refers to and does not hold.
	Known func(key string) bool
}

// A Note says what is not as it was in the export.
type Note struct {
	Object string `json:"object"`
	Text   string `json:"text"`
}

// Templates returns the objects as templates, and notes about what they do not carry on. The error is a *Refused that names
// every object that cannot be carried, and why.
func (e Export) Templates(o Options) ([]savedobjects.Object, []Note, error) {
	c := carrier{Options: o, lines: map[string]int{}, patterns: map[string]string{}}
	for _, l := range e.objects {
		if before, isTwice := c.lines[l.Key()]; isTwice {
			c.refuse(l, "it is on line %d already", before)
		} else {
			c.lines[l.Key()] = l.number
		}
		if l.Type == savedobjects.TypeIndexPattern {
			title, _ := l.Attributes["title"].(string)
			c.patterns[l.ID] = title
		}
	}
	var templates []savedobjects.Object
	for _, l := range e.objects {
		if l.Type == savedobjects.TypeConfig {
			c.note(l, "dropped: settings are those of the space")
			continue
		}
		templates = append(templates, c.carry(l))
	}
	if e.Summary > 0 && e.counted > len(e.objects) {
		c.notes = append(c.notes, Note{Text: fmt.Sprintf("the file says that it has %d objects, and has %d", e.counted, len(e.objects))})
	}
	if len(c.refused.Refusals) == 0 && len(templates) == 0 {
		return nil, nil, whole("The file holds settings only, which are not taken.")
	}
	if len(c.refused.Refusals) > 0 {
		slices.SortStableFunc(c.refused.Refusals, func(a, b Refusal) int { return a.Line - b.Line })
		return nil, nil, &c.refused
	}
	return templates, c.notes, nil
}

type carrier struct {
	Options
	lines    map[string]int    // of objects, by key
	patterns map[string]string // names of indices, by the pattern's id
	refused  Refused
	notes    []Note
}

func (c *carrier) refuse(l line, form string, values ...any) {
	c.refused.Refusals = append(c.refused.Refusals, Refusal{Line: l.number, Object: l.Key(), Reason: fmt.Sprintf(form, values...)})
}

func (c *carrier) note(l line, form string, values ...any) {
	n := Note{Object: l.Key(), Text: fmt.Sprintf(form, values...)}
	if !slices.Contains(c.notes, n) {
		c.notes = append(c.notes, n)
	}
}

// carry makes a template of an object.
func (c *carrier) carry(l line) savedobjects.Object {
	if !slices.Contains(savedobjects.Types(), l.Type) {
		c.refuse(l, "objects of type %q are not taken; those of Dashboards are: %s", l.Type, strings.Join(savedobjects.Types(), ", "))
		return l.Object
	}
	if !savedobjects.IsID(l.ID) {
		c.refuse(l, "its id has other characters than letters, digits, hyphen, dot and underscore")
	}
	if title, _ := l.Attributes["title"].(string); title == "" {
		c.refuse(l, "it has no title")
	}
	text, err := json.Marshal(l.Attributes)
	if err != nil || strings.Contains(string(text), savedobjects.Placeholder) {
		c.refuse(l, "it holds the text %s, which stands for the tenant in templates", savedobjects.Placeholder)
	}
	c.references(l)
	if l.Type == savedobjects.TypeVisualization {
		c.visualization(l)
	}
	o, err := migrate(l.Object)
	if err != nil {
		c.refuse(l, "%s", err)
		return o
	}
	scripted := o.Scripted()
	delete(o.Attributes, "fields")
	if len(scripted) > 0 {
		o.Attributes["fields"] = savedobjects.Encode(scripted)
	}
	carried, err := o.Visit(savedobjects.Places{
		Index: c.index,
		Field: func(of savedobjects.Source, name string) string { return c.field(l, of, name) },
	})
	if err != nil {
		for _, reason := range reasons(err) {
			c.refuse(l, "%s", reason)
		}
		return o
	}
	if _, _, err := carried.File(); err != nil {
		c.refuse(l, "%s", err)
	}
	return carried
}

// visualizations are the kinds that Dashboards has itself: in them every name of an index is found.
var visualizations = []string{
	"area", "gauge", "goal", "heatmap", "histogram", "horizontal_bar", "input_control_vis", "line", "markdown", "metric", "metrics", "pie",
	"region_map", "table", "tagcloud", "tile_map", "timelion", "vega",
}

// visualization refuses a kind that Dashboards has not.
func (c *carrier) visualization(l line) {
	var state struct {
		Type string `json:"type"`
	}
	text, _ := l.Attributes["visState"].(string)
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		c.refuse(l, "its visState holds no JSON: %s", err)
	} else if !slices.Contains(visualizations, state.Type) {
		c.refuse(l, "Dashboards has no visualizations of type %q", state.Type)
	}
}

// reasons parts a joined error, each once.
func reasons(err error) (list []string) {
	for _, reason := range strings.Split(err.Error(), "\n") {
		if !slices.Contains(list, reason) {
			list = append(list, reason)
		}
	}
	return list
}

// references refuses those that lead to nothing, or of which two have one name, and panels that name none.
func (c *carrier) references(l line) {
	names := map[string]bool{}
	for _, r := range l.References {
		if names[r.Name] {
			c.refuse(l, "two of its references are named %q", r.Name)
		}
		names[r.Name] = true
		key := r.Type + ":" + r.ID
		if c.lines[key] == 0 && (c.Known == nil || !c.Known(key)) {
			c.refuse(l, "it refers to %s, which is not in the file; export it with related objects", key)
		}
	}
	if l.Type != savedobjects.TypeDashboard {
		return
	}
	var panels []struct {
		Name  string `json:"panelRefName"`
		Index any    `json:"panelIndex"`
	}
	text, _ := l.Attributes["panelsJSON"].(string)
	if err := json.Unmarshal([]byte(text), &panels); err != nil {
		c.refuse(l, "its panelsJSON cannot be read: %s", err)
	}
	for _, p := range panels {
		if !names[p.Name] {
			c.refuse(l, "panel %v is missing: it refers to %q, which is no reference", p.Index, p.Name)
		}
	}
}

var (
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._*-]*$`)

	errNotTheTenants = errors.New("no index of a tenant has this name")
)

// isName reports whether text can be an index's name or pattern.
func isName(text string) bool {
	const most = 200 // in the expression the count would slow a cold start
	return len(text) <= most && nameForm.MatchString(text)
}

// index gives the names of a list the tenant's prefix, or says why it cannot have it. Nothing here depends on which tenants
// there are.
func (c *carrier) index(names string) (string, error) {
	list := strings.Split(names, ",")
	for i, name := range list {
		prefixed, err := c.prefixed(name)
		if err != nil {
			return "", fmt.Errorf("the index %q: %w", name, err)
		}
		list[i] = prefixed
	}
	return strings.Join(list, ","), nil
}

func (c *carrier) prefixed(name string) (string, error) {
	switch {
	case strings.ContainsAny(name, "<>%"):
		return "", errors.New("a name with date math is not taken")
	case strings.Contains(name, ":"):
		return "", errors.New("an index of a remote cluster is not taken")
	case strings.HasPrefix(name, "-"):
		return "", errors.New("an excluded index is not taken")
	case name == "_all", strings.Trim(name, "*?.-") == "":
		return "", errors.New("a name that is wildcards only would be every tenant's")
	}
	if rest, isOwn := strings.CutPrefix(name, c.Own.String()+"-"); isOwn && c.Own != "" && (rest == "*" || isName(rest)) {
		return savedobjects.Placeholder + "-" + rest, nil
	}
	if !isName(name) {
		return "", errNotTheTenants
	}
	if slices.Contains(savedobjects.Kinds(), name) { // TSVB keeps the beginning alone, and asks for what begins so
		name += "-*"
	}
	if len(savedobjects.KindsOf(savedobjects.Placeholder+"-"+name)) == 0 {
		return "", errNotTheTenants
	}
	return savedobjects.Placeholder + "-" + name, nil
}

// field returns the name under which documents have a field: the published solution's reports lack the doc. that theirs and
// ours have.
func (c *carrier) field(l line, of savedobjects.Source, name string) string {
	names := of.Index
	if of.Pattern != "" {
		names = c.patterns[of.Pattern]
	}
	kinds := savedobjects.Kinds()
	if names != "" {
		prefixed, err := c.index(names)
		if err != nil {
			return name // the name is refused where it stands
		}
		kinds = savedobjects.KindsOf(prefixed)
	}
	bare := strings.TrimPrefix(name, "-")
	switch {
	case bare == "", strings.ContainsAny(bare, "*?"), savedobjects.HasField(bare, kinds...):
		return name
	case savedobjects.HasField("doc."+bare, kinds...):
		return strings.Replace(name, bare, "doc."+bare, 1)
	case len(kinds) > 0 && (of != savedobjects.Source{}):
		c.note(l, "the field %q is in no document of %s", bare, names)
	}
	return name
}
