// Package infra_test guards the templates: what cfn-lint does not know, and what the emulator does not enforce.
package infra_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A template is a CloudFormation template with its short tags written out: !Ref X is {"Ref": "X"}.
type template map[string]any

func load(t *testing.T, file string) template {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, file, text)
}

func parse(t *testing.T, file string, text []byte) template {
	t.Helper()
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	whole, ok := plain(t, parsed.Docs[0].Body).(map[string]any)
	if !ok {
		t.Fatalf("%s is no mapping", file)
	}
	return whole
}

// plain turns a YAML node into maps, lists and strings.
func plain(t *testing.T, node ast.Node) any {
	t.Helper()
	switch n := node.(type) {
	case *ast.TagNode:
		name := strings.TrimPrefix(n.Start.Value, "!")
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return map[string]any{name: plain(t, n.Value)}
	case *ast.MappingNode:
		return pairs(t, n.Values)
	case *ast.MappingValueNode:
		return pairs(t, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, item := range n.Values {
			list = append(list, plain(t, item))
		}
		return list
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value)
	case *ast.IntegerNode:
		return fmt.Sprint(n.Value)
	}
	t.Fatalf("template has a %T: %s", node, node)
	return nil
}

func pairs(t *testing.T, nodes []*ast.MappingValueNode) map[string]any {
	t.Helper()
	m := make(map[string]any, len(nodes))
	for _, pair := range nodes {
		m[pair.Key.GetToken().Value] = plain(t, pair.Value)
	}
	return m
}

// at follows keys into nested mappings; nil where there is nothing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

func names(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func (tpl template) resources() map[string]any { return names(tpl["Resources"]) }

// ofType returns the resources of one type by logical id.
func (tpl template) ofType(kind string) map[string]any {
	found := map[string]any{}
	for id, resource := range tpl.resources() {
		if at(resource, "Type") == kind {
			found[id] = resource
		}
	}
	return found
}

// statements returns every policy statement under value, those inside an Fn::If too.
func statements(value any) []map[string]any {
	var found []map[string]any
	switch v := value.(type) {
	case map[string]any:
		if v["Effect"] != nil {
			return append(found, v)
		}
		for _, inner := range v {
			found = append(found, statements(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, statements(inner)...)
		}
	}
	return found
}

// list returns value as strings, whether it is one or several.
func list(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, list(item)...)
		}
		return all
	}
	return nil
}
