package kibanatemplates_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/verdict"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

func TestTemplatesHold(t *testing.T) {
	t.Parallel()
	objects, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) == 0 {
		t.Error("there are none")
	}
}

// Left alone, Dashboards gives the first verdict of a panel green, whichever it is.
func TestVerdictsHaveColoursOfTheirOwn(t *testing.T) {
	t.Parallel()
	objects, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	split := 0
	for _, o := range objects {
		if !isSplitByVerdict(o) {
			continue
		}
		split++
		colours, _ := member(o.Attributes, "uiStateJSON", "vis", "colors").(map[string]any)
		seen := map[any]bool{}
		for _, v := range []string{verdict.Good, verdict.Degraded, verdict.Bad, verdict.Failed} {
			if colours[v] == nil || seen[colours[v]] {
				t.Errorf("%s: %s has the colour %v", o.ID, v, colours[v])
			}
			seen[colours[v]] = true
		}
	}
	if split == 0 {
		t.Error("no panel is split by verdict")
	}
}

// isSplitByVerdict tells of a chart whether its series or slices are verdicts.
func isSplitByVerdict(o savedobjects.Object) bool {
	kind := member(o.Attributes, "visState", "type")
	aggs, _ := member(o.Attributes, "visState", "aggs").([]any)
	for _, a := range aggs {
		agg, _ := a.(map[string]any)
		isSeries := agg["schema"] == "group" || kind == "pie" && agg["schema"] == "segment"
		if isSeries && fmt.Sprint(member(agg, "params", "field")) == "doc.verdict.keyword" {
			return true
		}
	}
	return false
}

// member digs into attributes, of which some hold JSON as text.
func member(of map[string]any, path ...string) any {
	var at any = of
	for _, name := range path {
		if text, isText := at.(string); isText {
			if err := json.Unmarshal([]byte(text), &at); err != nil {
				return nil
			}
		}
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}
