package problem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root      = "../.."
	catalogue = root + "/docs/errors.md"
)

// TestCatalogue compares the codes that the source declares with the headings of docs/errors.md, both ways. It reads the
// source instead of importing it, so that no package can be forgotten and the codes of single members are seen too.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	declared := declaredCodes(t)
	text, err := os.ReadFile(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, heading := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		if slices.Contains(explained, heading[1]) {
			t.Errorf("docs/errors.md explains %s twice", heading[1])
		}
		explained = append(explained, heading[1])
	}
	for code, where := range declared {
		if !slices.Contains(explained, code) {
			t.Errorf("%s declares %q: add to docs/errors.md the heading `### %s`, and under it what it means and what to do", where, code, code)
		}
	}
	for _, code := range explained {
		if declared[code] == "" {
			t.Errorf("docs/errors.md explains %q, which nothing declares: if it was retired, move its line under `## Retired`", code)
		}
	}
}

// declaredCodes returns each code and the place that declares it: fault.New(kind, code, …), the add(pointer, code, …) of
// collected members, Code in a literal of Fault, Field or Failure, and the answers that a template gives API Gateway.
func declaredCodes(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil //nolint:nilerr // the compiler says it better
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if code := codeOf(n); code != "" {
				codes[code] = strings.TrimPrefix(path, root+"/")
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const template = "infra/tenant.yaml"
	text, err := os.ReadFile(filepath.Join(root, template))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`"code":"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		codes[code[1]] = template
	}
	return codes
}

var codeForm = regexp.MustCompile(`^(internal|[a-z][a-z0-9_]*(\.[a-z0-9_]+)+)$`)

func codeOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		if fun, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 3 && (fun.Sel.Name == "New" || fun.Sel.Name == "add") {
			return literal(n.Args[1])
		}
	case *ast.CompositeLit:
		if !slices.Contains([]string{"Fault", "Field", "Failure"}, typeName(n.Type)) {
			return ""
		}
		for _, element := range n.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Code" {
					return literal(pair.Value)
				}
			}
		}
	}
	return ""
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil || !codeForm.MatchString(value) {
		return ""
	}
	return value
}
