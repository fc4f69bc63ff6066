// Package savedobjects knows the saved objects of OpenSearch Dashboards: how our templates are written, how one becomes a
// tenant's, and what must hold of them. It reads and writes nothing but bytes.
package savedobjects

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Placeholder stands in a template for the tenant's slug, and only at the beginning of an index name.
const Placeholder = "{tenant}"

// The types of objects that templates may have.
const (
	TypeConfig        = "config"
	TypeDashboard     = "dashboard"
	TypeIndexPattern  = "index-pattern"
	TypeSearch        = "search"
	TypeVisualization = "visualization"
)

// migrations are the versions of a type's form that Dashboards 2 writes. With another one its next start would migrate the
// index of the tenant, and one tenant's failing migration stops the whole of Dashboards.
var migrations = map[string]string{
	TypeConfig:        "7.9.0",
	TypeDashboard:     "7.9.3",
	TypeIndexPattern:  "7.6.0",
	TypeSearch:        "7.9.3",
	TypeVisualization: "7.10.0",
}

// FormOf is the version of a type's form that Dashboards 2 writes, empty for one that templates cannot have.
func FormOf(kind string) string { return migrations[kind] }

// Types returns the types that templates may have.
func Types() []string { return slices.Sorted(maps.Keys(migrations)) }

// textMembers are the attributes that Dashboards keeps as text with JSON in it. Templates have them written out.
var textMembers = []string{"fieldFormatMap", fieldsMember, "optionsJSON", "panelsJSON", "uiStateJSON", "visState"}

const (
	metaMember   = "kibanaSavedObjectMeta"
	sourceMember = "searchSourceJSON" // in metaMember, a text with JSON too
	fieldsMember = "fields"           // of an index pattern: derived from the mapping, never in a template
	titleMember  = "title"
)

// An Object is one saved object, its attributes as Dashboards keeps them.
type Object struct {
	Type             string            `json:"type"`
	ID               string            `json:"id"`
	Attributes       map[string]any    `json:"attributes"`
	References       []Reference       `json:"references"`
	MigrationVersion map[string]string `json:"migrationVersion"`
}

// A Reference names another object; attributes refer to it by Name.
type Reference struct {
	Name string `json:"name"`
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Key is the object's name in its index.
func (o Object) Key() string { return o.Type + ":" + o.ID }

// Read returns the templates in files, in the order of their keys, or every fault that it finds in them.
func Read(files fs.FS) ([]Object, error) {
	names, err := fs.Glob(files, "*/*.json")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	var objects []Object
	var faults []error
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read template: %w", err)
		}
		o, err := parse(text)
		if err == nil && name != path.Join(o.Type, o.ID+".json") {
			err = fmt.Errorf("it holds %s", o.Key())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		objects = append(objects, o)
	}
	if err := errors.Join(append(faults, check(objects)...)...); err != nil {
		return nil, err
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key(), b.Key()) })
	return objects, nil
}

// parse reads the file of one template.
func parse(text []byte) (Object, error) {
	var o Object
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil {
		return o, fmt.Errorf("no saved object: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("something follows the object")
	}
	for _, member := range textMembers {
		if value, isThere := o.Attributes[member]; isThere {
			o.Attributes[member] = Encode(value)
		}
	}
	if meta, isObject := o.Attributes[metaMember].(map[string]any); isObject {
		if source, isThere := meta[sourceMember]; isThere {
			meta[sourceMember] = Encode(source)
		}
	}
	if o.References == nil {
		o.References = []Reference{}
	}
	return o, nil
}

// For returns the template as the tenant's own. The template is one that Read or Check accepts.
func (o Object) For(s slug.Slug) Object {
	title, _ := o.Attributes[titleMember].(string)
	own, err := o.Visit(Places{
		Index: func(name string) (string, error) {
			return strings.ReplaceAll(name, Placeholder+"-", s.String()+"-"), nil
		},
		Field: func(_ Source, name string) string { return name },
	})
	if err != nil {
		panic(err) // of what was checked every place is understood
	}
	if own.Type == TypeIndexPattern {
		own.Attributes[fieldsMember] = Encode(append(anyOf(patternFields(KindsOf(title)...)), o.Scripted()...))
	}
	return own
}

// Scripted returns the fields of an index pattern that somebody computes, as Dashboards keeps them in its list of fields.
func (o Object) Scripted() []any {
	var list, scripted []any
	if text, _ := o.Attributes[fieldsMember].(string); json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	for _, field := range Objects(list) {
		if is, _ := field["scripted"].(bool); is {
			scripted = append(scripted, field)
		}
	}
	return scripted
}

func anyOf(fields []patternField) []any {
	list := make([]any, len(fields))
	for i, field := range fields {
		list[i] = field
	}
	return list
}

// Content is a hash of what a person changes in Dashboards. An index pattern's list of fields is not of it: Dashboards
// writes that by itself, with how often each was looked at.
func (o Object) Content() string {
	if o.Type == TypeIndexPattern {
		o.Attributes = maps.Clone(o.Attributes)
		delete(o.Attributes, fieldsMember)
	}
	return o.Whole()
}

// Whole is a hash of all that is ours in the object.
func (o Object) Whole() string {
	references := slices.Clone(o.References)
	slices.SortFunc(references, func(a, b Reference) int { return strings.Compare(a.Name, b.Name) })
	sum := sha256.Sum256([]byte(Encode([]any{o.Type, o.ID, o.Attributes, append([]Reference{}, references...)})))
	return hex.EncodeToString(sum[:16])
}

// Document returns the object as it lies in its index, under Key.
func (o Object) Document(at time.Time) map[string]any {
	return map[string]any{
		"type": o.Type, o.Type: o.Attributes, "references": o.References, "migrationVersion": o.MigrationVersion,
		"updated_at": at.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
}

// FromDocument returns the object that lies in an index under a key.
func FromDocument(key string, source []byte) (Object, error) {
	o := Object{References: []Reference{}}
	o.Type, o.ID, _ = strings.Cut(key, ":")
	var members map[string]json.RawMessage
	if err := json.Unmarshal(source, &members); err != nil {
		return o, fmt.Errorf("%s: no saved object: %w", key, err)
	}
	for name, into := range map[string]any{
		o.Type: &o.Attributes, "references": &o.References, "migrationVersion": &o.MigrationVersion,
	} {
		if text, isThere := members[name]; isThere {
			if err := json.Unmarshal(text, into); err != nil {
				return o, fmt.Errorf("%s: %s: %w", key, name, err)
			}
		}
	}
	return o, nil
}

// patternField is one field as an index pattern lists it. With the list Dashboards need not ask search, which has no answer
// before the first call.
type patternField struct {
	Name              string   `json:"name"`
	Type              string   `json:"type"`
	ESTypes           []string `json:"esTypes"`
	Count             int      `json:"count"`
	Scripted          bool     `json:"scripted"`
	Searchable        bool     `json:"searchable"`
	Aggregatable      bool     `json:"aggregatable"`
	ReadFromDocValues bool     `json:"readFromDocValues"`
}

// patternFields lists what can be looked for in documents of some kinds.
func patternFields(kinds ...string) []patternField {
	list := []patternField{}
	listed := map[string]bool{}
	add := func(name, dashboards, search string, isSearchable, isAggregatable bool) {
		if listed[name] {
			return
		}
		listed[name] = true
		list = append(list, patternField{
			Name: name, Type: dashboards, ESTypes: []string{search},
			Searchable: isSearchable, Aggregatable: isAggregatable, ReadFromDocValues: isAggregatable,
		})
	}
	for _, kind := range kinds {
		for _, field := range telemetry.Fields(kind) {
			switch field.Type {
			case telemetry.TypeText, telemetry.TypeID:
				add(field.Path, "string", "text", field.Type == telemetry.TypeText, false)
				add(field.Path+".keyword", "string", "keyword", true, true)
			case telemetry.TypeLong, telemetry.TypeFloat:
				add(field.Path, "number", string(field.Type), true, true)
			case telemetry.TypeBoolean, telemetry.TypeDate:
				add(field.Path, string(field.Type), string(field.Type), true, true)
			case telemetry.TypeDisabled, telemetry.TypeFlat:
			}
		}
	}
	return list
}

// HasField reports whether documents of one of the kinds may have a field, or search keeps it of every document.
func HasField(name string, kinds ...string) bool {
	return strings.HasPrefix(name, "_") || slices.ContainsFunc(kinds, func(kind string) bool { return fieldNames()[kind][name] })
}

// fieldNames are the names of fields by kind.
var fieldNames = sync.OnceValue(func() map[string]map[string]bool {
	names := map[string]map[string]bool{}
	for _, kind := range Kinds() {
		names[kind] = map[string]bool{}
		for _, field := range patternFields(kind) {
			names[kind][field.Name] = true
		}
	}
	return names
})

// Kinds are the kinds of documents that a tenant's indices hold.
func Kinds() []string {
	return []string{telemetry.KindAPIMetric, telemetry.KindCallReport, telemetry.KindCallSummary, telemetry.KindStreamStats}
}

// KindsOf returns the kinds of documents behind the names of indices in a template, separated by commas.
func KindsOf(names string) (kinds []string) {
	for name := range strings.SplitSeq(names, ",") {
		begin, _, isPattern := strings.Cut(strings.TrimPrefix(name, Placeholder+"-"), "*")
		for _, kind := range Kinds() {
			if (begin == kind || strings.HasPrefix(begin, kind+"-") || isPattern && strings.HasPrefix(kind, begin)) && !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

// kindOf returns the kind of documents behind a template's index pattern, or nothing.
func kindOf(title string) string {
	rest, isOurs := strings.CutPrefix(title, Placeholder+"-")
	kind, isPattern := strings.CutSuffix(rest, "-*")
	if !isOurs || !isPattern || telemetry.Fields(kind) == nil {
		return ""
	}
	return kind
}

// File returns the template as its file in kibana-templates holds it, and the file's path there.
func (o Object) File() (name string, text []byte, err error) {
	spread := func(m map[string]any, member string) error {
		inner, isText := m[member].(string)
		if !isText {
			return nil
		}
		var value any
		if err := json.Unmarshal([]byte(inner), &value); err != nil {
			return fmt.Errorf("%s: %s holds no JSON: %w", o.Key(), member, err)
		}
		m[member] = value
		return nil
	}
	o.Attributes = maps.Clone(o.Attributes)
	for _, member := range textMembers {
		err = errors.Join(err, spread(o.Attributes, member))
	}
	if meta, isObject := o.Attributes[metaMember].(map[string]any); isObject {
		meta = maps.Clone(meta)
		o.Attributes[metaMember] = meta
		err = errors.Join(err, spread(meta, sourceMember))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = errors.Join(err, encoder.Encode(o))
	return path.Join(o.Type, o.ID+".json"), out.Bytes(), err
}

// Encode writes what was read from JSON, members in order and no character escaped that need not be.
func Encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values of maps, lists, strings and numbers always encode
	}
	return strings.TrimSuffix(text.String(), "\n")
}
