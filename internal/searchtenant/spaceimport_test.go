package searchtenant_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/exports"
	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
)

// everyName is a file in which names of indices hide wherever they can.
func everyName(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../exports/testdata/every-place-an-index-hides.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func importInto(t *testing.T, admin *searchtenant.Admin, s slug.Slug, r searchtenant.ImportRequest) searchtenant.ImportResult {
	t.Helper()
	result, err := admin.Import(t.Context(), s, r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func exportOf(t *testing.T, admin *searchtenant.Admin, s slug.Slug) []byte {
	t.Helper()
	text, err := admin.Export(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestImportedObjectsAreTheTenantsAlone reads what was imported for two tenants from their own indices: each index that an object
// names is the tenant's, and each field that an index pattern, Timelion or TSVB names is mapped.
func TestImportedObjectsAreTheTenantsAlone(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	for _, s := range []slug.Slug{a, b} {
		before := len(held(t, spaceIndex(t, admin, s)))
		result := importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t)})
		if len(result.Created) != 9 || len(result.Updated)+len(result.Unchanged)+len(result.Conflicts) != 0 {
			t.Errorf("%+v", result)
		}
		objects := held(t, spaceIndex(t, admin, s))
		if len(objects) != before+9 {
			t.Errorf("the space of %s holds %d objects, before %d", s, len(objects), before)
		}
		reader := as(t, s.ReaderRole(), "of the reader "+s.String())
		for key, o := range objects {
			namesAreTheTenants(t, s, o)
			indices, err := o.Indices()
			if err != nil {
				t.Errorf("%s of %s: %v", key, s, err)
			}
			for _, index := range indices { // as each of its questions would ask
				if status, text := do(t, reader, http.MethodGet, "/"+index+"/_search?size=0", ""); status != http.StatusOK {
					t.Errorf("%s of %s: its reader gets %d of %s: %.200s", key, s, status, index, text)
				}
			}
			if o.MigrationVersion[o.Type] != savedobjects.FormOf(o.Type) {
				t.Errorf("%s of %s has the form %v", key, s, o.MigrationVersion)
			}
			if title, _ := o.Attributes["title"].(string); o.Type == savedobjects.TypeIndexPattern {
				fieldsAreMapped(t, strings.Replace(title, "apimetric*", "apimetric-*", 1), o.Attributes["fields"])
			}
		}
	}
}

// namesAreTheTenants checks every name of an index and of a field in an object.
func namesAreTheTenants(t *testing.T, s slug.Slug, o savedobjects.Object) {
	t.Helper()
	_, err := o.Visit(savedobjects.Places{
		Index: func(names string) (string, error) {
			for name := range strings.SplitSeq(names, ",") {
				if !strings.HasPrefix(name, s.String()+"-") {
					t.Errorf("%s of %s names the index %q", o.Key(), s, name)
				}
			}
			return names, nil
		},
		Field: func(of savedobjects.Source, name string) string {
			kinds := savedobjects.Kinds()
			if of.Index != "" {
				kinds = savedobjects.KindsOf(strings.Replace(of.Index, s.String()+"-", savedobjects.Placeholder+"-", 1))
			}
			isOdd := o.ID == "c13-tsvb" && name == "doc.softphoneStreamType.keyword" // of a series of reports, which have none: it is among the notes
			if !savedobjects.HasField(name, kinds...) && !isOdd {
				t.Errorf("%s of %s names the field %q of %+v", o.Key(), s, name, of)
			}
			return name
		},
	})
	if err != nil {
		t.Errorf("%s of %s: %v", o.Key(), s, err)
	}
}

func TestASecondImportChangesNothing(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	first := importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t)})
	index := spaceIndex(t, admin, s)
	before := versions(t, index)
	for name, file := range map[string][]byte{"the file": everyName(t), "the export of what was made": exportOf(t, admin, s)} {
		again := importInto(t, admin, s, searchtenant.ImportRequest{File: file})
		if len(again.Unchanged) < len(first.Created) || len(again.Created)+len(again.Updated)+len(again.Conflicts) != 0 {
			t.Errorf("%s: %+v", name, again)
		}
	}
	if after := versions(t, index); !maps.Equal(after, before) {
		t.Errorf("written again: %v, before %v", after, before)
	}
}

// versions says how often each object of an index was written.
func versions(t *testing.T, index string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for key := range held(t, index) {
		_, text := do(t, as(t, "", ""), http.MethodGet, "/"+index+"/_doc/"+key+"?_source=false", "")
		found[key] = text
	}
	return found
}

// TestAttackImportsLeaveNoTrace sends files of which one object cannot be the tenant's.
func TestAttackImportsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	index := spaceIndex(t, admin, a)
	before := versions(t, index)
	good := strings.SplitN(string(everyName(t)), "\n", 2)[0]
	pattern := func(title string) string {
		return fmt.Sprintf(`{"type":"index-pattern","id":"bad","attributes":{"title":%q}}`, title)
	}
	answers := map[string]string{}
	for name, line := range map[string]string{
		"the neighbour's index":   pattern(b.String() + "-callsummary-*"),
		"nobody's index":          pattern("nobody7-callsummary-*"),
		"the neighbour's space":   pattern(spaceIndex(t, admin, b)),
		"all":                     pattern("*"),
		"date math":               pattern("<" + a.String() + "-callsummary-{now/d}>"),
		"a remote cluster":        pattern("other:" + a.String() + "-callsummary-*"),
		"all but the tenant's":    pattern("*,-" + a.String() + "-*"),
		"a newer form":            `{"type":"dashboard","id":"bad","attributes":{"title":"D","panelsJSON":"[]"},"migrationVersion":{"dashboard":"99.0.0"}}`,
		"a duplicate":             good,
		"the neighbour's objects": `{"type":"search","id":"bad","attributes":{"title":"S"},"references":[{"name":"x","type":"index-pattern","id":"only-there"}]}`,
		"no object":               `{"type":`,
	} {
		result, err := admin.Import(t.Context(), a, searchtenant.ImportRequest{File: []byte(good + "\n" + line), Overwrite: true})
		var refused *exports.Refused
		if !errors.As(err, &refused) {
			t.Errorf("%s: %+v, %v", name, result, err)
			continue
		}
		answers[name] = refused.Refusals[0].Reason
	}
	there := strings.ReplaceAll(answers["the neighbour's index"], b.String(), "X")
	if not := strings.ReplaceAll(answers["nobody's index"], "nobody7", "X"); there != not || there == "" {
		t.Errorf("who asks for a tenant that is there hears %q, for one that is not %q", there, not)
	}
	if after := versions(t, index); !maps.Equal(after, before) {
		t.Error("a refused file changed the space")
	}
}

func TestAnImportOverwritesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	index := spaceIndex(t, admin, s)
	importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t)})
	mine := held(t, index)["dashboard:c13-dash"]
	mine.Attributes["title"] = "Mine"
	write(t, index, mine)
	pattern := held(t, index)["index-pattern:c13-sss"] // looked at by Dashboards, which counts
	pattern.Attributes["fields"] = strings.Replace(pattern.Attributes["fields"].(string), `"count":0`, `"count":7`, 1)
	write(t, index, pattern)
	if status, text := do(t, as(t, "", ""), http.MethodDelete, "/"+index+"/_doc/search:c13-search?refresh=true", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}
	result := importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t)})
	if !slices.Equal(result.Conflicts, []string{"dashboard:c13-dash"}) || len(result.Created) != 0 {
		t.Errorf("%+v", result)
	}
	objects := held(t, index)
	if _, isThere := objects["search:c13-search"]; isThere || objects["dashboard:c13-dash"].Attributes["title"] != "Mine" {
		t.Error("a file with a conflict was written in part")
	}
	result = importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t), Overwrite: true})
	if !slices.Equal(result.Updated, []string{"dashboard:c13-dash"}) || !slices.Equal(result.Created, []string{"search:c13-search"}) || len(result.Unchanged) != 7 {
		t.Errorf("%+v", result)
	}
	if held(t, index)["dashboard:c13-dash"].Attributes["title"] != "Old wallboard" {
		t.Error("what was asked for was not overwritten")
	}
}

// TestAnExportBecomesTheTenantsTemplate follows an export from the space of one tenant to the later deploys of another.
func TestAnExportBecomesTheTenantsTemplate(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	index := spaceIndex(t, admin, s)
	managed := len(templates(t))
	result := importInto(t, admin, s, searchtenant.ImportRequest{File: everyName(t), Template: true})
	if result.Space == nil || result.Space.Managed != managed+9 || len(result.Created) != 9 {
		t.Fatalf("%+v", result)
	}
	exported := exportOf(t, admin, s)

	for _, key := range []string{"visualization:c13-vega", "dashboard:earshot-agents"} {
		if status, text := do(t, as(t, "", ""), http.MethodDelete, "/"+index+"/_doc/"+key+"?refresh=true", ""); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	mine := held(t, index)["search:c13-search"]
	mine.Attributes["title"] = "Mine"
	write(t, index, mine)
	apply(t, admin, grant(s, stackA)) // a later deploy
	report := provision(t, admin, s, false)
	if want := []string{"dashboard:earshot-agents", "visualization:c13-vega"}; !slices.Equal(report.Deleted, want) || !slices.Equal(report.Edited, []string{"search:c13-search"}) {
		t.Errorf("after a deploy: %+v", report)
	}
	if report := provision(t, admin, s, true); len(report.Created) != 2 || report.Managed != managed+9 {
		t.Errorf("asked for what was deleted: %+v", report)
	}
	if got := held(t, index)["search:c13-search"].Attributes["title"]; got != "Mine" {
		t.Errorf("a manager's edit is %q", got)
	}
	write(t, index, savedobjectsOf(t, s, exported)["search:c13-search"])
	if again := exportOf(t, admin, s); !sameMeaning(t, s, exported, again) {
		t.Error("export, provision, export: another meaning")
	}

	part := strings.Join(strings.Split(string(everyName(t)), "\n")[:3], "\n") // only the index patterns are templates from now on
	later := importInto(t, admin, s, searchtenant.ImportRequest{File: []byte(part), Template: true})
	if later.Space.Managed != managed+3 || len(later.Space.Removed) != 6 {
		t.Errorf("other templates: %+v", later.Space)
	}
}

// savedobjectsOf reads an export of a tenant's space.
func savedobjectsOf(t *testing.T, s slug.Slug, text []byte) map[string]savedobjects.Object {
	t.Helper()
	export, err := exports.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := export.Templates(exports.Options{Own: s})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]savedobjects.Object{}
	for _, o := range made {
		objects[o.Key()] = o.For(s)
	}
	return objects
}

func sameMeaning(t *testing.T, s slug.Slug, a, b []byte) bool {
	t.Helper()
	one, other := savedobjectsOf(t, s, a), savedobjectsOf(t, s, b)
	return maps.EqualFunc(one, other, func(x, y savedobjects.Object) bool { return x.Means(y) })
}

// A record of templates that an editor has spoilt takes nothing into the space, and nothing out of it.
func TestAttackTheTenantsTemplates(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	index := spaceIndex(t, admin, a)
	foreign, err := savedobjects.OwnRecord([]savedobjects.Object{{
		Type: savedobjects.TypeIndexPattern, ID: "theirs", Attributes: map[string]any{"title": b.String() + "-callsummary-*"},
		References: []savedobjects.Reference{}, MigrationVersion: map[string]string{"index-pattern": "7.6.0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	torn := foreign
	torn.Attributes = map[string]any{"templates": "H4sIAAAAAAAA"}
	for name, record := range map[string]savedobjects.Object{"another's index": foreign, "torn": torn} {
		write(t, index, record)
		report := provision(t, admin, a, true)
		if _, isThere := held(t, index)["index-pattern:theirs"]; isThere || report.Managed != len(templates(t)) {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func TestAnExportIsDashboardsOwnForm(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	index := spaceIndex(t, admin, s)
	write(t, index, savedobjects.Object{Type: "query", ID: "q", Attributes: map[string]any{"title": "Q"}, References: []savedobjects.Reference{}})
	lines := strings.Split(strings.TrimSpace(string(exportOf(t, admin, s))), "\n")
	n := len(templates(t)) - 1 // without the settings
	last := fmt.Sprintf(`{"excludedObjects":["query:q"],"excludedObjectsCount":1,"exportedCount":%d,"missingRefCount":0,"missingReferences":[]}`, n)
	if len(lines) != n+1 || lines[n] != last || strings.Contains(strings.Join(lines, ""), `"type":"config"`) {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
	_, stranger := setup(t)
	if _, err := admin.Export(t.Context(), stranger); !errors.Is(err, searchtenant.ErrNoTenant) {
		t.Errorf("a tenant that is not there: %v", err)
	}
	if _, err := admin.Import(t.Context(), stranger, searchtenant.ImportRequest{File: everyName(t)}); !errors.Is(err, searchtenant.ErrNoTenant) {
		t.Errorf("a tenant that is not there: %v", err)
	}
	if what := left(t, admin, stranger); len(what) != 0 {
		t.Errorf("left %q", what)
	}
}

// A person who saves while an import writes is not overwritten unseen.
func TestAnEditDuringAnImportIsAConflict(t *testing.T) {
	t.Parallel()
	quiet, s := setup(t)
	apply(t, quiet, grant(s, stackA))
	index := spaceIndex(t, quiet, s)
	saves := 0
	m := &meter{next: as(t, "", ""), spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/_bulk") && saves == 0 {
			saves++
			write(t, index, savedobjects.Object{Type: "dashboard", ID: "c13-dash", Attributes: map[string]any{"title": "Mine"}, References: []savedobjects.Reference{}})
		}
		return nil, nil
	}}
	result := importInto(t, searchtenant.New(m, options()), s, searchtenant.ImportRequest{File: everyName(t)})
	if got := held(t, index)["dashboard:c13-dash"].Attributes["title"]; got != "Mine" || !slices.Equal(result.Conflicts, []string{"dashboard:c13-dash"}) || saves != 1 {
		t.Errorf("%v, %+v", got, result)
	}
}
