// Command wireschema writes the bodies of schema 2 into a folder, as a JSON Schema and as TypeScript.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

var bodies = []reflect.Type{
	reflect.TypeFor[telemetry.WireStreamBody](),
	reflect.TypeFor[telemetry.WireAPIBody](),
	reflect.TypeFor[telemetry.WireReportBody](),
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wireschema:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("usage: wireschema DIR")
	}
	dir, err := os.OpenRoot(arguments[0])
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // its files are closed
	w := &writer{definitions: map[string]any{}}
	for _, body := range bodies {
		w.define(body)
	}
	var schema bytes.Buffer
	encoder := json.NewEncoder(&schema)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "What Earshot's softphone sends (schema " + strconv.Itoa(telemetry.WireSchemaVersion) + ")",
		"description": "Generated from internal/telemetry/wire.go.",
		"$defs":       w.definitions,
	}); err != nil {
		return err
	}
	if err := dir.WriteFile("schema.json", schema.Bytes(), 0o644); err != nil {
		return err
	}
	text := "// Generated from internal/telemetry/wire.go by wireschema. Do not edit.\n\n" +
		"export const schemaVersion = " + strconv.Itoa(telemetry.WireSchemaVersion) + ";\n" + w.script.String()
	return dir.WriteFile("types.gen.ts", []byte(text), 0o644)
}

// A writer collects each type once, in order of use.
type writer struct {
	definitions map[string]any
	script      strings.Builder
}

// nameOf is a type's name on the wire's other side.
func nameOf(of reflect.Type) string { return strings.TrimPrefix(of.Name(), "Wire") }

func (w *writer) define(of reflect.Type) {
	if _, known := w.definitions[nameOf(of)]; known {
		return
	}
	properties, required := map[string]any{}, []string{}
	w.definitions[nameOf(of)] = map[string]any{} // for types that hold themselves
	var members strings.Builder
	var extends []string
	for _, field := range reflect.VisibleFields(of) {
		if field.Anonymous {
			w.define(field.Type)
			extends = append(extends, nameOf(field.Type))
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, script := w.value(field)
		properties[name] = property
		mark := ""
		if options == "omitempty" {
			mark = "?"
		} else {
			required = append(required, name)
		}
		if len(field.Index) == 1 { // the others are in the interface that is extended
			fmt.Fprintf(&members, "  %s%s: %s;\n", name, mark, script)
		}
	}
	w.definitions[nameOf(of)] = map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
	base := ""
	if len(extends) > 0 {
		base = " extends " + strings.Join(extends, ", ")
	}
	fmt.Fprintf(&w.script, "\nexport interface %s%s {\n%s}\n", nameOf(of), base, members.String())
}

// value describes the values of a field, as schema and as TypeScript.
func (w *writer) value(field reflect.StructField) (schema map[string]any, script string) {
	if words := field.Tag.Get("enum"); words != "" {
		list := strings.Split(words, ",")
		return map[string]any{"enum": list}, `"` + strings.Join(list, `" | "`) + `"`
	}
	return w.typed(field.Type, field.Tag)
}

func (w *writer) typed(of reflect.Type, tag reflect.StructTag) (schema map[string]any, script string) {
	schema = map[string]any{}
	limit := func(member string) {
		if most, err := strconv.Atoi(tag.Get("max")); err == nil {
			schema[member] = most
		}
	}
	switch of.Kind() {
	case reflect.String:
		schema["type"] = "string"
		limit("maxLength")
		if format := tag.Get("format"); format != "" {
			schema["format"] = format
		}
		return schema, "string"
	case reflect.Int64:
		schema["type"], schema["minimum"] = "integer", 0
		return schema, "number"
	case reflect.Float64:
		schema["type"] = "number"
		return schema, "number"
	case reflect.Bool:
		schema["type"] = "boolean"
		return schema, "boolean"
	case reflect.Pointer:
		_, inner := w.typed(of.Elem(), "")
		schema["type"] = []string{inner, "null"}
		return schema, inner + " | null"
	case reflect.Slice:
		// Of a list, max bounds the list and format its values.
		inner, script := w.typed(of.Elem(), reflect.StructTag(`format:"`+tag.Get("format")+`"`))
		schema["type"], schema["items"] = "array", inner
		limit("maxItems")
		return schema, script + "[]"
	case reflect.Struct:
		w.define(of)
		return map[string]any{"$ref": "#/$defs/" + nameOf(of)}, nameOf(of)
	case reflect.Map:
		schema["type"] = "object"
		return schema, "Record<string, unknown>"
	default:
		panic("wireschema: no place for " + of.String())
	}
}
