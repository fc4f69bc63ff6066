package savedobjects_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/earshot-hq/earshot/internal/savedobjects"
	"github.com/earshot-hq/earshot/internal/slug"
	kibanatemplates "github.com/earshot-hq/earshot/kibana-templates"
)

// files returns a copy of the real templates that a test may spoil.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	copied := fstest.MapFS{}
	names, err := fs.Glob(kibanatemplates.Files, "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(kibanatemplates.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		copied[name] = &fstest.MapFile{Data: text}
	}
	return copied
}

func TestFaultsOfTemplatesAreFound(t *testing.T) {
	t.Parallel()
	const (
		pattern = "index-pattern/earshot-calls.json"
		table   = "visualization/earshot-queue-table.json"
		control = "visualization/earshot-filter-calls.json"
		links   = "visualization/earshot-links.json"
		list    = "search/earshot-calls-to-look-at.json"
		board   = "dashboard/earshot-overview.json"
	)
	for name, row := range map[string]struct{ file, old, text, want string }{
		"another's index":             {pattern, `{tenant}-callsummary-*`, `beta-callsummary-*`, "none of {tenant}-<kind>-*"},
		"no hyphen":                   {pattern, `{tenant}-callsummary-*`, `{tenant}*`, "none of {tenant}-<kind>-*"},
		"all indices":                 {pattern, `{tenant}-callsummary-*`, `*`, "none of {tenant}-<kind>-*"},
		"a list of indices":           {pattern, `{tenant}-callsummary-*`, `{tenant}-callsummary-*,*`, "none of {tenant}-<kind>-*"},
		"no kind of ours":             {pattern, `{tenant}-callsummary-*`, `{tenant}-calls-*`, "none of {tenant}-<kind>-*"},
		"no time":                     {pattern, `doc.startedAt`, `doc.verdict`, "time field"},
		"the placeholder in words":    {table, `"description": ""`, `"description": "of {tenant}"`, "nowhere else"},
		"a field that is not":         {table, `doc.contactQueue.keyword`, `doc.queue.keyword`, `no document has the field "doc.queue.keyword"`},
		"grouped by a text":           {table, `doc.contactQueue.keyword`, `doc.contactQueue`, "cannot group"},
		"a control's field":           {control, `doc.contactQueue.keyword`, `contactQueue.keyword`, "no document has"},
		"a column":                    {list, `doc.explanation`, `doc.reason`, "no document has"},
		"a query's field":             {list, `doc.verdict.keyword: (`, `verdict: (`, `field "verdict"`},
		"a query's range":             {list, `doc.verdict.keyword: (`, `doc.seconds >= 3 and doc.verdict.keyword: (`, `field "doc.seconds"`},
		"lucene":                      {list, `kuery`, `lucene`, "no kuery"},
		"a newer form":                {board, `"dashboard": "7.9.3"`, `"dashboard": "8.0.0"`, "migrationVersion"},
		"a reference to nothing":      {board, `"id": "earshot-verdicts"`, `"id": "earshot-verdict"`, "is no template"},
		"a reference that is missing": {board, `"panelRefName": "panel_1"`, `"panelRefName": "panel_99"`, `no reference "panel_99"`},
		"panels upon each other":      {board, `"y": 4,`, `"y": 3,`, "covers"},
		"a link to nowhere":           {links, `earshot-queues`, `earshot-queue`, "no dashboard"},
		"Timelion":                    {table, `"type": "table"`, `"type": "timelion"`, "no visualizations of type"},
		"two titles":                  {table, `"title": "Queues, most`, `"title": "Queue, most`, "another title"},
		"another file's object":       {table, `"id": "earshot-queue-table"`, `"id": "earshot-other"`, "it holds"},
		"a member of none":            {table, `"references":`, `"namespace": "x", "references":`, "unknown field"},
		"something after it":          {table, `"visualization": "7.10.0"` + "\n  }\n}", `"visualization": "7.10.0"}} {}`, "follows"},
		"no JSON":                     {table, `{`, ``, "no saved object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := files(t)
			text := string(all[row.file].Data)
			if !strings.Contains(text, row.old) {
				t.Fatalf("%s lacks %q", row.file, row.old)
			}
			all[row.file].Data = []byte(strings.Replace(text, row.old, row.text, 1))
			if _, err := savedobjects.Read(all); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestATemplateBecomesATenants(t *testing.T) {
	t.Parallel()
	objects, err := savedobjects.Read(kibanatemplates.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range objects {
		before := template.Whole()
		o := template.For("acme")
		if template.Whole() != before {
			t.Errorf("%s: making a tenant's of it changed the template", o.Key())
		}
		text, err := json.Marshal(o.Document(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), savedobjects.Placeholder) {
			t.Errorf("%s still has the placeholder", o.Key())
		}
		read, err := savedobjects.FromDocument(o.Key(), text)
		if err != nil || read.Whole() != o.Whole() || read.Content() != o.Content() {
			t.Errorf("%s is another one when it is read back, %v", o.Key(), err)
		}
		title, _ := o.Attributes["title"].(string)
		if o.Type == savedobjects.TypeIndexPattern && !strings.HasPrefix(title, slug.Slug("acme").String()+"-") {
			t.Errorf("%s reads %q", o.Key(), title)
		}
	}
}
