package searchtenant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// kinds are the documents that a tenant has indices of.
var kinds = []string{telemetry.KindStreamStats, telemetry.KindCallReport, telemetry.KindAPIMetric, telemetry.KindCallSummary}

const (
	templatePriority = 200
	ignoreAbove      = 1024 // characters of a keyword; the longest names and lists of addresses are shorter
	keyword          = ".keyword"
)

// version is what a template, and each index made from it, says of itself in _meta: the hash of what we sent.
type version struct {
	Meta struct {
		Version string `json:"version"`
	} `json:"_meta"`
}

// putTemplates makes one index template a kind, and gives the indices that exist the fields that they lack: a strict index
// would refuse the records of a newer pusher until its period ends.
func (w *writer) putTemplates(ctx context.Context, s slug.Slug) error {
	for _, kind := range kinds {
		body, current := template(s, kind, w.options.Replicas)
		path := "/_index_template/" + s.IndexTemplate(kind)
		found, err := w.templateVersion(ctx, path)
		if err != nil {
			return err
		}
		if found == current {
			continue
		}
		if err := w.putMappings(ctx, s, kind); err != nil {
			return err
		}
		if err := w.change(ctx, http.MethodPut, path, body); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) templateVersion(ctx context.Context, path string) (string, error) {
	var found struct {
		Templates []struct {
			Template version `json:"index_template"`
		} `json:"index_templates"`
	}
	err := w.call(ctx, http.MethodGet, path, nil, &found)
	if errors.Is(err, errAbsent) || err == nil && len(found.Templates) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return found.Templates[0].Template.Meta.Version, nil
}

// putMappings adds to the tenant's indices of a kind the fields that they lack. How an index maps a field cannot be changed:
// those that it has stay as they are until its period ends.
func (w *writer) putMappings(ctx context.Context, s slug.Slug, kind string) error {
	names, err := w.indices(ctx, s.KindPattern(kind), func(name string) bool {
		return strings.HasPrefix(name, strings.TrimSuffix(s.KindPattern(kind), "*"))
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		var found map[string]struct {
			Mappings struct {
				Properties map[string]any `json:"properties"`
			} `json:"mappings"`
		}
		if err := w.call(ctx, http.MethodGet, "/"+name+"/_mapping", nil, &found); err != nil {
			return fmt.Errorf("read the fields of %s: %w", name, err)
		}
		lacking := slices.DeleteFunc(telemetry.Fields(kind), func(f telemetry.Field) bool {
			return has(found[name].Mappings.Properties, strings.Split(f.Path, "."))
		})
		if len(lacking) == 0 {
			continue
		}
		if err := w.change(ctx, http.MethodPut, "/"+name+"/_mapping", mappings(lacking)); err != nil {
			return fmt.Errorf("add fields to %s: %w", name, err)
		}
	}
	return nil
}

// has reports whether properties hold a field at path.
func has(properties map[string]any, path []string) bool {
	member, isThere := properties[path[0]].(map[string]any)
	if len(path) == 1 {
		return isThere
	}
	below, _ := member["properties"].(map[string]any)
	return has(below, path[1:])
}

// template returns the index template of a kind and its version.
func template(s slug.Slug, kind string, replicas int) (map[string]any, string) {
	body := map[string]any{
		"index_patterns": []string{s.KindPattern(kind)},
		"priority":       templatePriority,
		"template": map[string]any{
			"settings": map[string]any{"index": settings(kind, replicas)},
			"mappings": mappings(telemetry.Fields(kind)),
		},
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps of strings and numbers always encode
	}
	sum := sha256.Sum256(text)
	current := hex.EncodeToString(sum[:8])
	body["_meta"] = map[string]any{"version": current}
	return body, current
}

// settings sort an index by contact and time, which puts what is alike together: ids then cost nothing, and a call is read from
// neighbouring blocks. API metrics, which have no contact, and summaries, which are read by agent, are sorted by agent and time.
func settings(kind string, replicas int) map[string]any {
	first := "doc.contactId"
	if kind == telemetry.KindAPIMetric || kind == telemetry.KindCallSummary {
		first = "doc.agent"
	}
	return map[string]any{
		"number_of_shards":   1,
		"number_of_replicas": replicas,
		"refresh_interval":   "5s",
		"codec":              "best_compression",
		"sort.field":         []string{first + keyword, "@timestamp"},
		"sort.order":         []string{"asc", "asc"},
		"sort.missing":       []string{"_last", "_last"},
	}
}

// mappings are strict, so that a typo never explodes an index.
func mappings(fields []telemetry.Field) map[string]any {
	root := map[string]any{}
	for _, field := range fields {
		at := root
		path := strings.Split(field.Path, ".")
		for _, member := range path[:len(path)-1] {
			at = inner(at, member)
		}
		at[path[len(path)-1]] = mapped(field.Type)
	}
	return map[string]any{"dynamic": "strict", "properties": root}
}

// inner returns the properties of an object member, made when they are not there.
func inner(properties map[string]any, member string) map[string]any {
	object, isThere := properties[member].(map[string]any)
	if !isThere {
		object = map[string]any{"properties": map[string]any{}}
		properties[member] = object
	}
	return object["properties"].(map[string]any) // telemetry.Fields lists no path under a plain field
}

// mapped returns how search keeps a type. A text has no norms: nobody ranks telemetry. It has positions, since whoever filters by a
// value in Dashboards asks for a phrase, which search refuses without them. Numbers have no index: they are drawn, and where a query
// compares them the columns that draw them answer it, within the contact or the time that it is about anyway.
func mapped(t telemetry.Type) map[string]any {
	switch t {
	case telemetry.TypeText:
		return map[string]any{"type": "text", "norms": false, "fields": keywordField}
	case telemetry.TypeID:
		return map[string]any{"type": "text", "index": false, "norms": false, "fields": keywordField}
	case telemetry.TypeLong, telemetry.TypeFloat:
		return map[string]any{"type": string(t), "index": false}
	case telemetry.TypeDisabled:
		return map[string]any{"type": "object", "enabled": false}
	case telemetry.TypeBoolean, telemetry.TypeDate, telemetry.TypeFlat:
	}
	return map[string]any{"type": string(t)}
}

var keywordField = map[string]any{"keyword": map[string]any{"type": "keyword", "ignore_above": ignoreAbove}}
