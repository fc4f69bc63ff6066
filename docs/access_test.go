package docs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/earshot-hq/earshot/api"
	"github.com/earshot-hq/earshot/internal/access"
)

// The table in access.md is the one that the code goes by, and its routes are those of the specification.
func TestAccessShowsTheTableOfRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("access.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(text), "<!-- rights -->\n")
	shown, _, ends := strings.Cut(rest, "<!-- end of rights -->")
	if want := rightsTable(t); !begins || !ends || shown != want {
		t.Errorf("between <!-- rights --> and <!-- end of rights --> belongs:\n%s", want)
	}
}

func rightsTable(t *testing.T) string {
	t.Helper()
	routes := map[access.Action][]string{}
	document, err := openapi3.NewLoader().LoadFromData(api.Specification)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			action, _ := operation.Extensions["x-action"].(string)
			routes[access.Action(action)] = append(routes[access.Action(action)], fmt.Sprintf("`%s %s`", method, strings.TrimPrefix(path, "/v1")))
		}
	}
	var table strings.Builder
	table.WriteString("| action | to | owner | operator | auditor | reach | routes below /v1 |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, right := range access.Rights() {
		fmt.Fprintf(&table, "| `%s` | %s |", right.Action, right.What)
		for _, role := range []access.Role{access.Owner, access.Operator, access.Auditor} {
			table.WriteString(map[bool]string{true: " yes |", false: " |"}[slices.Contains(right.Roles, role)])
		}
		reach := "scope"
		if right.Whole {
			reach = "**all**"
		}
		slices.Sort(routes[right.Action])
		fmt.Fprintf(&table, " %s | %s |\n", reach, strings.Join(routes[right.Action], ", "))
	}
	return table.String()
}
