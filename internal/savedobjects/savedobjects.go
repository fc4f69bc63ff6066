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

// Types returns the types that templates may have.
func Types() []string { return slices.Sorted(maps.Keys(migrations)) }

// textMembers are the attributes that Dashboards keeps as text with JSON in it. Templates have them written out.
var textMembers = []string{"fieldFormatMap", "optionsJSON", "panelsJSON", "uiStateJSON", "visState"}

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
			o.Attributes[member] = encode(value)
		}
	}
	if meta, isObject := o.Attributes[metaMember].(map[string]any); isObject {
		if source, isThere := meta[sourceMember]; isThere {
			meta[sourceMember] = encode(source)
		}
	}
	if o.References == nil {
		o.References = []Reference{}
	}
	return o, nil
}

// For returns the template as the tenant's own.
func (o Object) For(s slug.Slug) Object {
	o.Attributes = maps.Clone(o.Attributes)
	if o.Type != TypeIndexPattern {
		return o
	}
	title, _ := o.Attributes[titleMember].(string)
	o.Attributes[titleMember] = strings.Replace(title, Placeholder, s.String(), 1)
	o.Attributes[fieldsMember] = encode(patternFields(kindOf(title)))
	return o
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
	sum := sha256.Sum256([]byte(encode([]any{o.Type, o.ID, o.Attributes, append([]Reference{}, references...)})))
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

// patternFields lists what can be looked for in documents of a kind.
func patternFields(kind string) []patternField {
	list := []patternField{}
	add := func(name, dashboards, search string, isSearchable, isAggregatable bool) {
		list = append(list, patternField{
			Name: name, Type: dashboards, ESTypes: []string{search},
			Searchable: isSearchable, Aggregatable: isAggregatable, ReadFromDocValues: isAggregatable,
		})
	}
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
	return list
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

// encode writes what was read from JSON, members in order and no character escaped that need not be.
func encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values of maps, lists, strings and numbers always encode
	}
	return strings.TrimSuffix(text.String(), "\n")
}
