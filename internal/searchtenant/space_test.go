package searchtenant_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

// spaceIndex is the one index of a tenant's space, found by what is left of it.
func spaceIndex(t *testing.T, admin *searchtenant.Admin, s slug.Slug) string {
	t.Helper()
	var found []string
	for _, what := range left(t, admin, s) {
		if name, isIndex := strings.CutPrefix(what, "index "); isIndex && strings.HasPrefix(name, ".kibana_") {
			found = append(found, name)
		}
	}
	if len(found) != 1 || !strings.HasSuffix(found[0], "_"+s.Space()+"_1") {
		t.Fatalf("the space of %s has the indices %q", s, found)
	}
	return strings.TrimSuffix(found[0], "_1")
}

// held returns what an index holds, by the objects' keys.
func held(t *testing.T, index string) map[string]savedobjects.Object {
	t.Helper()
	status, text := do(t, as(t, "", ""), http.MethodGet, "/"+index+"/_search?size=1000", "")
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatal(status, text, err)
	}
	objects := map[string]savedobjects.Object{}
	for _, hit := range answer.Hits.Hits {
		o, err := savedobjects.FromDocument(hit.ID, hit.Source)
		if err != nil {
			t.Fatal(err)
		}
		objects[hit.ID] = o
	}
	return objects
}

func templates(t *testing.T) []savedobjects.Object {
	t.Helper()
	objects, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// write puts an object into an index as Dashboards would.
func write(t *testing.T, index string, o savedobjects.Object) {
	t.Helper()
	text, err := json.Marshal(o.Document(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if status, said := do(t, as(t, "", ""), http.MethodPut, "/"+index+"/_doc/"+o.Key()+"?refresh=true", string(text)); !isAllowed(status) {
		t.Fatal(status, said)
	}
}

// TestEachSpaceHoldsItsTenantsObjects reads all that was written of two tenants from their own indices.
func TestEachSpaceHoldsItsTenantsObjects(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	for _, s := range []slug.Slug{a, b} {
		index := spaceIndex(t, admin, s)
		objects := held(t, index)
		if len(objects) != len(templates(t))+1 {
			t.Errorf("%s holds %d objects", index, len(objects))
		}
		for _, template := range templates(t) {
			if got := objects[template.Key()]; got.Whole() != template.For(s).Whole() {
				t.Errorf("%s of %s reads %+v", template.Key(), s, got)
			}
		}
		for _, o := range objects {
			if o.Type != savedobjects.TypeIndexPattern {
				continue
			}
			title, _ := o.Attributes["title"].(string)
			if !strings.HasPrefix(title, s.String()+"-") {
				t.Errorf("%s of %s reads %q", o.Key(), s, title)
			}
			fieldsAreMapped(t, title, o.Attributes["fields"])
		}
	}
}

// fieldsAreMapped checks that an index of the pattern would map each field of the list.
func fieldsAreMapped(t *testing.T, title string, list any) {
	t.Helper()
	status, text := do(t, as(t, "", ""), http.MethodPost, "/_index_template/_simulate_index/"+strings.Replace(title, "*", "2026.q4", 1), "")
	var answer struct {
		Template struct {
			Mappings struct {
				Properties map[string]any `json:"properties"`
			} `json:"mappings"`
		} `json:"template"`
	}
	var fields []struct {
		Name string `json:"name"`
	}
	fieldText, _ := list.(string)
	if json.Unmarshal([]byte(text), &answer) != nil || json.Unmarshal([]byte(fieldText), &fields) != nil || status != http.StatusOK || len(fields) == 0 {
		t.Fatal(status, text, list)
	}
	for _, field := range fields {
		at := map[string]any{"properties": answer.Template.Mappings.Properties}
		for member := range strings.SplitSeq(field.Name, ".") {
			below, _ := at["properties"].(map[string]any)
			if member == "keyword" {
				below, _ = at["fields"].(map[string]any)
			}
			at, _ = below[member].(map[string]any)
		}
		if at["type"] == nil {
			t.Errorf("no index of %s maps %q", title, field.Name)
		}
	}
}

// TestAttackTheNeighboursSpace reads with the reader of one tenant what was written for another.
func TestAttackTheNeighboursSpace(t *testing.T) {
	t.Parallel()
	admin, a, b := neighbours(t)
	reader := as(t, a.ReaderRole(), "of the reader "+a.String())
	own := `"title":"` + a.String() + `-` + telemetry.KindCallSummary + `-*"`
	if status, text := do(t, reader, http.MethodGet, "/.kibana/_search?size=100", "", "securitytenant", a.Space()); status != http.StatusOK || !strings.Contains(text, own) {
		t.Errorf("its own space: %d %.300s", status, text)
	}
	foreign := b.String() + "-" + telemetry.KindCallSummary
	for _, path := range []string{
		"/.kibana/_search?size=100", "/.kibana/_doc/index-pattern:earshot-calls", "/" + spaceIndex(t, admin, b) + "/_search?size=100",
		"/" + spaceIndex(t, admin, b) + "_1/_search?size=100", "/" + spaceIndex(t, admin, b) + "/_doc/index-pattern:earshot-calls", "/.kibana_*/_search?size=1000",
	} {
		status, text := do(t, reader, http.MethodGet, path, "", "securitytenant", b.Space())
		if strings.Contains(text, foreign) || isAllowed(status) && !isEmptyAnswer(text) && !strings.Contains(text, `"found":false`) {
			t.Errorf("%s shows the neighbour's: %d %.300s", path, status, text)
		}
	}
}

// TestSpacesAreWrittenWhileOthersAskForTheirs has the administrator ask for spaces by header all the while: the plugin keeps the
// space that a user asked for last beside the user, where requests without header were seen to find it.
func TestSpacesAreWrittenWhileOthersAskForTheirs(t *testing.T) {
	t.Parallel()
	root := as(t, "", "")
	admin, first := setup(t)
	apply(t, admin, grant(first, stackA))
	tenants := []slug.Slug{first}
	for range 3 {
		_, s := setup(t)
		tenants = append(tenants, s)
	}
	stop := make(chan struct{})
	var asking, applying sync.WaitGroup
	for _, space := range []string{first.Space(), "", "admin_tenant"} {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					ask(t, root, space)
				}
			}
		})
	}
	for _, s := range tenants {
		applying.Go(func() {
			if err := admin.Apply(t.Context(), grant(s, stackA)); err != nil {
				t.Error(err)
			}
		})
	}
	applying.Wait()
	close(stop)
	asking.Wait()
	for _, s := range tenants {
		objects := held(t, spaceIndex(t, admin, s))
		if len(objects) != len(templates(t))+1 {
			t.Errorf("the space of %s holds %d objects", s, len(objects))
		}
	}
}

func ask(t *testing.T, root opensearchapi.Transport, space string) {
	t.Helper()
	var headers []string
	if space != "" {
		headers = []string{"securitytenant", space}
	}
	_, _ = do(t, root, http.MethodGet, "/.kibana/_search?size=1", "", headers...)
}

// TestAnUpgradeKeepsWhatPeopleMade plays an older release's objects and a manager's work on them.
func TestAnUpgradeKeepsWhatPeopleMade(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	apply(t, admin, grant(s, stackA))
	index := spaceIndex(t, admin, s)
	retitled := func(key, title string) savedobjects.Object {
		o := held(t, index)[key]
		o.Attributes["title"] = title
		return o
	}
	older := retitled("dashboard:earshot-overview", "Overview of an older release")
	toEdit := retitled("dashboard:earshot-queues", "Queues of an older release")
	retired := savedobjects.Object{Type: savedobjects.TypeDashboard, ID: "earshot-retired", Attributes: map[string]any{"title": "Retired"}, References: []savedobjects.Reference{}}
	needed := retired
	needed.ID = "earshot-needed"
	own := retired
	own.ID, own.References = "a-managers-own", []savedobjects.Reference{{Name: "panel_0", Type: needed.Type, ID: needed.ID}}
	before := savedobjects.Space{Found: map[string]savedobjects.Object{}}
	released := []savedobjects.Object{older, toEdit, retired, needed}
	for _, template := range templates(t) {
		if template.ID != older.ID && template.ID != toEdit.ID {
			released = append(released, template.For(s))
		}
	}
	write(t, index, before.Plan(released, false).Ledger.Record())
	for _, o := range []savedobjects.Object{
		older, retired, needed, own, retitled("dashboard:earshot-queues", "My queues"), retitled("dashboard:earshot-agents", "My agents"),
	} {
		write(t, index, o)
	}
	if status, text := do(t, as(t, "", ""), http.MethodDelete, "/"+index+"/_doc/dashboard:earshot-api-health?refresh=true", ""); status != http.StatusOK {
		t.Fatal(status, text)
	}

	report := provision(t, admin, s, false)
	for list, row := range map[string]struct{ got, want []string }{
		"updated":   {report.Updated, []string{"dashboard:earshot-overview"}},
		"removed":   {report.Removed, []string{"dashboard:earshot-retired"}},
		"edited":    {report.Edited, []string{"dashboard:earshot-agents"}},
		"conflicts": {report.Conflicts, []string{"dashboard:earshot-queues"}},
		"deleted":   {report.Deleted, []string{"dashboard:earshot-api-health"}},
		"created":   {report.Created, []string{}},
	} {
		if !slices.Equal(row.got, row.want) {
			t.Errorf("%s: %q, want %q", list, row.got, row.want)
		}
	}
	objects := held(t, index)
	for key, want := range map[string]string{
		"dashboard:earshot-overview": "Overview", "dashboard:earshot-queues": "My queues", "dashboard:earshot-agents": "My agents",
		"dashboard:a-managers-own": "Retired", "dashboard:earshot-needed": "Retired", "dashboard:earshot-retired": "", "dashboard:earshot-api-health": "",
	} {
		if title, _ := objects[key].Attributes["title"].(string); title != want {
			t.Errorf("%s has the title %q, want %q", key, title, want)
		}
	}
	if again := provision(t, admin, s, false); !slices.Equal(again.Updated, report.Updated) || !slices.Equal(again.Conflicts, report.Conflicts) {
		t.Errorf("said again: %+v", again)
	}
	if asked := provision(t, admin, s, true); !slices.Equal(asked.Created, []string{"dashboard:earshot-api-health"}) || len(asked.Deleted) != 0 {
		t.Errorf("asked for what was deleted: %+v", asked)
	}
	if _, isThere := held(t, index)["dashboard:earshot-api-health"]; !isThere {
		t.Error("what was deleted and asked for did not come back")
	}
}

func provision(t *testing.T, admin *searchtenant.Admin, s slug.Slug, restore bool) savedobjects.Report {
	t.Helper()
	report, err := admin.Provision(t.Context(), s, restore)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A person who saves while provisioning writes is never overwritten: the plan is made anew.
func TestAnEditDuringProvisioningIsKept(t *testing.T) {
	t.Parallel()
	_, s := setup(t)
	quiet := searchtenant.New(as(t, "", ""), options())
	apply(t, quiet, grant(s, stackA))
	index := spaceIndex(t, quiet, s)
	older := held(t, index)["dashboard:earshot-overview"]
	older.Attributes["title"] = "Overview of an older release"
	released := []savedobjects.Object{older}
	for _, template := range templates(t) {
		if template.Key() != older.Key() {
			released = append(released, template.For(s))
		}
	}
	write(t, index, older)
	write(t, index, savedobjects.Space{}.Plan(released, false).Ledger.Record())
	saves := 0
	m := &meter{next: as(t, "", ""), spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/_bulk") && saves == 0 {
			saves++
			edited := older
			edited.Attributes["title"] = "My overview"
			write(t, index, edited)
		}
		return nil, nil
	}}
	report := provision(t, searchtenant.New(m, options()), s, false)
	title := held(t, index)["dashboard:earshot-overview"].Attributes["title"]
	if title != "My overview" || !slices.Equal(report.Conflicts, []string{"dashboard:earshot-overview"}) || saves != 1 {
		t.Errorf("%v after %d saves, %+v", title, saves, report)
	}
}

func TestNoSpaceForATenantThatIsNotThere(t *testing.T) {
	t.Parallel()
	admin, s := setup(t)
	if _, err := admin.Provision(t.Context(), s, true); err == nil || !strings.Contains(err.Error(), searchtenant.ErrNoTenant.Error()) {
		t.Errorf("got %v", err)
	}
	if what := left(t, admin, s); len(what) != 0 {
		t.Errorf("left %q", what)
	}
}
