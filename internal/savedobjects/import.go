package savedobjects

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// OwnKey is where a space keeps the templates that are its tenant's own.
const OwnKey = TypeConfig + ":" + ownID

const (
	ownID     = "earshot-templates"
	ownMember = "templates" // a text
	mostOwn   = 64 << 20    // bytes of templates, unpacked
)

// An Import is what is to be written of objects that somebody sends, and what becomes of each, by their keys.
type Import struct {
	Put       []Object
	Created   []string
	Updated   []string
	Unchanged []string
	Conflicts []string // there, and another; they are Updated when that is asked for
}

// Import returns how the space gets the objects, which are the tenant's own already.
func (s Space) Import(objects []Object, overwrite bool) Import {
	i := Import{Created: []string{}, Updated: []string{}, Unchanged: []string{}, Conflicts: []string{}}
	for _, o := range objects {
		key := o.Key()
		switch found, isThere := s.Found[key]; {
		case !isThere:
			i.Created = append(i.Created, key)
		case found.Means(o):
			i.Unchanged = append(i.Unchanged, key)
			continue
		case !overwrite:
			i.Conflicts = append(i.Conflicts, key)
			continue
		default:
			i.Updated = append(i.Updated, key)
		}
		i.Put = append(i.Put, o)
	}
	return i
}

// Means reports whether two objects are equal but for how their texts with JSON in them are written, and for what Dashboards
// derives.
func (o Object) Means(other Object) bool { return o.meaning().Whole() == other.meaning().Whole() }

// meaning returns the object with its texts read.
func (o Object) meaning() Object {
	o.Attributes = maps.Clone(o.Attributes)
	scripted := o.Scripted()
	delete(o.Attributes, fieldsMember)
	if len(scripted) > 0 {
		o.Attributes[fieldsMember] = scripted
	}
	for _, member := range textMembers {
		readText(o.Attributes, member)
	}
	if meta, isObject := o.Attributes[metaMember].(map[string]any); isObject {
		meta = maps.Clone(meta)
		readText(meta, sourceMember)
		o.Attributes[metaMember] = meta
	}
	return o
}

func readText(m map[string]any, member string) {
	text, isText := m[member].(string)
	var value any
	if isText && json.Unmarshal([]byte(text), &value) == nil {
		m[member] = value
	}
}

// Exported are the objects of a space that an export holds: those of the types that templates may have, without settings, in the
// order of their keys. Left are the keys of others.
func Exported(objects []Object) (exported []Object, left []string) {
	for _, o := range objects {
		switch {
		case o.Type == TypeConfig:
		case migrations[o.Type] == "":
			left = append(left, o.Key())
		default:
			exported = append(exported, o)
		}
	}
	slices.SortFunc(exported, func(a, b Object) int { return strings.Compare(a.Key(), b.Key()) })
	slices.Sort(left)
	return exported, left
}

// ExportText writes objects as Dashboards exports them: one on a line, and a last line that counts them.
func ExportText(objects []Object, left []string) []byte {
	var text bytes.Buffer
	for _, o := range objects {
		text.WriteString(Encode(o))
		text.WriteByte('\n')
	}
	summary := map[string]any{"exportedCount": len(objects), "missingRefCount": 0, "missingReferences": []any{}}
	if len(left) > 0 {
		summary["excludedObjectsCount"], summary["excludedObjects"] = len(left), left
	}
	text.WriteString(Encode(summary))
	text.WriteByte('\n')
	return text.Bytes()
}

// OwnRecord returns a tenant's own templates as an object that Dashboards keeps and uses for nothing.
func OwnRecord(templates []Object) (Object, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(w).Encode(templates), w.Close()); err != nil {
		return Object{}, fmt.Errorf("pack templates: %w", err)
	}
	return Object{
		Type: TypeConfig, ID: ownID, References: []Reference{},
		Attributes:       map[string]any{ownMember: base64.StdEncoding.EncodeToString(packed.Bytes())},
		MigrationVersion: map[string]string{TypeConfig: migrations[TypeConfig]},
	}, nil
}

// OwnFrom returns the templates of a record. People who may change the space may have changed it: the templates are looked at
// as if they came from outside.
func OwnFrom(record Object) ([]Object, error) {
	text, _ := record.Attributes[ownMember].(string)
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the tenant's own templates: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the tenant's own templates: %w", err)
	}
	var templates []Object
	if err := json.NewDecoder(io.LimitReader(r, mostOwn)).Decode(&templates); err != nil {
		return nil, fmt.Errorf("the tenant's own templates: %w", err)
	}
	return templates, nil
}

// Merged returns templates with a tenant's own in the place of those with the same keys, and beside the others.
func Merged(templates, own []Object) []Object {
	isOwn := map[string]bool{}
	for _, o := range own {
		isOwn[o.Key()] = true
	}
	merged := slices.DeleteFunc(slices.Clone(templates), func(o Object) bool { return isOwn[o.Key()] })
	merged = append(merged, own...)
	slices.SortFunc(merged, func(a, b Object) int { return strings.Compare(a.Key(), b.Key()) })
	return merged
}
