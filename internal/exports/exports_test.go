package exports_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf16"

	"github.com/earshot-hq/earshot/internal/exports"
	"github.com/earshot-hq/earshot/internal/savedobjects"
)

const (
	withMark  = "bom-crlf-summary.ndjson"
	everyName = "every-place-an-index-hides.ndjson"
)

func file(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// templates makes templates of a file that is as it should be.
func templates(t *testing.T, text []byte, o exports.Options) []savedobjects.Object {
	t.Helper()
	export, err := exports.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := export.Templates(o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// acmes returns them as acme's, by their keys.
func acmes(made []savedobjects.Object) map[string]savedobjects.Object {
	own := map[string]savedobjects.Object{}
	for _, o := range made {
		own[o.Key()] = o.For("acme")
	}
	return own
}

// exported writes objects as Dashboards exports them.
func exported(t *testing.T, objects map[string]savedobjects.Object) []byte {
	t.Helper()
	var text bytes.Buffer
	for _, o := range objects {
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	fmt.Fprintf(&text, `{"exportedCount":%d,"missingRefCount":0,"missingReferences":[]}`, len(objects))
	return text.Bytes()
}

func TestAFileAsPeopleSaveIt(t *testing.T) {
	t.Parallel()
	export, err := exports.Read(file(t, withMark))
	if err != nil || export.Summary != 1 || export.Blank != 2 {
		t.Fatalf("%+v, %v", export, err)
	}
	var titles []string
	for _, o := range acmes(templates(t, file(t, withMark), exports.Options{})) {
		titles = append(titles, o.Attributes["title"].(string))
	}
	slices.Sort(titles)
	if want := []string{"Nachtschicht", "Round trip – Nachtschicht", "acme-softphonestreamstats-*"}; !slices.Equal(titles, want) {
		t.Errorf("titles %q, want %q", titles, want)
	}
}

func TestFilesThatAreNoExports(t *testing.T) {
	t.Parallel()
	good := file(t, withMark)
	lines := bytes.Split(bytes.TrimPrefix(bytes.ReplaceAll(good, []byte("\r"), nil), []byte("\xef\xbb\xbf")), []byte("\n"))
	little := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(bytes.TrimPrefix(good, []byte("\xef\xbb\xbf"))))) {
		little = append(little, byte(unit), byte(unit>>8))
	}
	for name, row := range map[string]struct {
		text []byte
		want string
	}{
		"UTF-16":             {little, "The file is in UTF-16LE. Save it as UTF-8."},
		"UTF-16, no mark":    {little[2:], "UTF-16LE"},
		"joined lines":       {slices.Concat(lines[0], lines[1]), fmt.Sprintf("line 1: column %d: something follows the object", len(lines[0])+1)},
		"a JSON array":       {slices.Concat([]byte(" [\n"), lines[0], []byte("]")), "jq -c '.[]'"},
		"11 MiB":             {bytes.Repeat([]byte("{}\n"), 11<<20/3), "at most 10485760 are taken"},
		"many objects":       {bytes.Repeat([]byte(`{"type":"search","id":"a","attributes":{}}`+"\n"), 2001), "more than 2000 objects"},
		"over several lines": {[]byte("{\n\"type\": \"search\"\n}"), "line 1: column 2: the line ends within an object"},
		"no JSON":            {[]byte(`{"a": nope}`), "line 1: column 8: no JSON"},
		"a number":           {[]byte("7"), "but a JSON number"},
		"no saved object":    {[]byte(`{"type": "search"}`), "it needs type, id and attributes"},
		"other bytes":        {[]byte("{\"type\": \"\xe4\"}"), "line 1: column 11: this is no UTF-8"},
		"nothing":            {nil, "no objects"},
		"a summary alone":    {[]byte(`{"exportedCount": 3}`), "no objects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := exports.Read(row.text)
			var refused *exports.Refused
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %.300v, want %q", err, row.want)
			}
		})
	}
}

// TestEveryPlaceOfAName goes through the places where the name of an index or of a field hides.
func TestEveryPlaceOfAName(t *testing.T) {
	t.Parallel()
	own := acmes(templates(t, file(t, everyName), exports.Options{}))
	if len(own) != 9 {
		t.Errorf("%d objects", len(own))
	}
	text := func(key string) string {
		encoded := savedobjects.Encode(own[key].Attributes)
		return strings.NewReplacer(`\\\"`, `"`, `\"`, `"`).Replace(encoded)
	}
	for key, wants := range map[string][]string{
		"index-pattern:c13-sss": {`"title":"acme-softphonestreamstats-*"`, `"timeFieldName":"doc.timestamp"`},
		"index-pattern:c13-rep": {`"title":"acme-softphonecallreport-*"`, `"timeFieldName":"doc.report.callEndTime"`},
		"index-pattern:c13-api": {`"title":"acme-apimetric*"`},
		"visualization:c13-timelion": {
			".es(index=acme-softphonestreamstats-*,timefield", ".es(index='acme-softphonestreamstats-*', q='doc.contactQueue:", `"softphonestreamstats-*"', timefield=`,
			`index = "acme-apimetric-*" )`, ".divide(.es(index=acme-apimetric-*))", `"description":"Text that names softphonestreamstats-* stays as it is."`,
			`"title":"RTT per queue (index softphonestreamstats-*)"`,
		},
		"visualization:c13-tsvb": {
			`"index_pattern":"acme-softphonestreamstats-*"`, `"default_index_pattern":"acme-apimetric-*"`, `"series_index_pattern":"acme-softphonecallreport-*"`,
			`"annotations":[{"id":"a1","index_pattern":"acme-apimetric-*"`, `"field":"doc.report.talkingTimeMillis"`, `"series_time_field":"doc.report.callEndTime"`,
			`"label":"jitter of softphonestreamstats-*"`, `"field":"doc.jitterBufferMillis"`,
		},
		"visualization:c13-vega": {
			`"index": "acme-softphonecallreport-*"`, `"%timefield%": "doc.report.callEndTime"`, `"field": "doc.contactQueue.keyword"`, `"title": "softphonecallreport in words"`,
		},
		"visualization:c13-control": {`"fieldName":"doc.contactQueue.keyword"`},
		"search:c13-search": {
			`"columns":["doc.report.handshakingFailure","doc.contactQueue","doc.agent"]`, `"sort":[["doc.report.callEndTime","desc"]]`,
			`doc.report.handshakingFailure:true and doc.contactQueue.keyword:"Claims Night"`, `"key":"doc.report.talkingTimeMillis"`,
			`"range":{"doc.report.talkingTimeMillis":{"gte":0}}`,
		},
	} {
		for _, want := range wants {
			if !strings.Contains(text(key), want) {
				t.Errorf("%s lacks %s:\n%s", key, want, text(key))
			}
		}
	}
	for key, o := range own {
		indices, err := o.Indices()
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		for _, index := range indices {
			if !strings.HasPrefix(index, "acme-") {
				t.Errorf("%s names the index %q", key, index)
			}
		}
	}
	if own["visualization:c13-control"].References[0].ID != "c13-rep" {
		t.Error("a reference by id changed")
	}
}

// TestASecondTimeChangesNothing takes the export of what was made of an export.
func TestASecondTimeChangesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{withMark, everyName} {
		first := templates(t, file(t, name), exports.Options{})
		second := templates(t, exported(t, acmes(first)), exports.Options{Own: "acme"})
		again := acmes(second)
		for key, o := range acmes(first) {
			if again[key].Whole() != o.Whole() {
				t.Errorf("%s: %s changed:\n%v\n%v", name, key, o, again[key])
			}
		}
	}
}

// TestTemplatesAreFiles writes templates as files, reads those, and finds the same objects, of which each tenant can have its own.
func TestTemplatesAreFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{withMark, everyName} {
		made := templates(t, file(t, name), exports.Options{})
		files := fstest.MapFS{}
		for _, o := range made {
			path, text, err := o.File()
			if err != nil {
				t.Fatal(err)
			}
			files[path] = &fstest.MapFile{Data: text}
		}
		read, err := savedobjects.Read(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range read {
			i := slices.IndexFunc(made, func(m savedobjects.Object) bool { return m.Key() == o.Key() })
			path, text, err := made[i].File()
			again, textAgain, errAgain := o.File()
			if path != again || !bytes.Equal(text, textAgain) || err != nil || errAgain != nil {
				t.Errorf("%s is another file when it is read back", o.Key())
			}
			document, err := json.Marshal(o.For("acme").Document(time.Now()))
			if err != nil || bytes.Contains(document, []byte(savedobjects.Placeholder)) {
				t.Errorf("%s, %v", document, err)
			}
		}
	}
}

// object is one line of an export.
func object(kind, id, attributes, rest string) string {
	return fmt.Sprintf(`{"type": %q, "id": %q, "attributes": %s%s}`, kind, id, attributes, rest)
}

func vis(state string) string {
	return object("visualization", "v", fmt.Sprintf(`{"title": "V", "visState": %s}`, savedobjects.Encode(state)), "")
}

func pattern(title string) string {
	return object("index-pattern", "p", fmt.Sprintf(`{"title": %s}`, savedobjects.Encode(title)), "")
}

func timelion(expression string) string {
	return vis(savedobjects.Encode(map[string]any{"type": "timelion", "params": map[string]any{"expression": expression}}))
}

func vega(spec string) string {
	return vis(savedobjects.Encode(map[string]any{"type": "vega", "params": map[string]any{"spec": spec}}))
}

// TestAttackImports tries what no object of a tenant may say.
func TestAttackImports(t *testing.T) {
	t.Parallel()
	const indexNames = "no index of a tenant has this name"
	dashboard := func(panels, references string) string {
		return object("dashboard", "d", fmt.Sprintf(`{"title": "D", "panelsJSON": %s}`, savedobjects.Encode(panels)), `, "references": [`+references+`]`)
	}
	for name, row := range map[string]struct{ text, want string }{
		"another tenant's index":           {pattern("beta-softphonestreamstats-*"), indexNames},
		"a tenant that is not there":       {pattern("nobodyhere-softphonestreamstats-*"), indexNames},
		"no index of ours":                 {pattern("logs-*"), indexNames},
		"the space of all":                 {pattern(".kibana_1"), indexNames},
		"a name that begins alike":         {pattern("acmeother-softphonestreamstats-*"), indexNames},
		"capital letters":                  {pattern("Softphonestreamstats-*"), indexNames},
		"blanks":                           {pattern(" softphonestreamstats-*"), indexNames},
		"wildcards only":                   {pattern("*"), "would be every tenant's"},
		"wildcards with a hyphen":          {pattern("*-*"), "would be every tenant's"},
		"all":                              {pattern("_all"), "would be every tenant's"},
		"wildcard before":                  {pattern("*softphonestreamstats-*"), indexNames},
		"date math":                        {pattern("<softphonestreamstats-{now/d}>"), "date math"},
		"date math, escaped":               {pattern("%3Csoftphonestreamstats-%7Bnow%2Fd%7D%3E"), "date math"},
		"a remote cluster":                 {pattern("other:softphonestreamstats-*"), "remote cluster"},
		"an exclusion":                     {pattern("softphonestreamstats-*,-softphonestreamstats-1"), "excluded"},
		"a list with another's":            {pattern("softphonestreamstats-*,beta-apimetric-*"), `"beta-apimetric-*"`},
		"a list with nothing":              {pattern("softphonestreamstats-*,"), "would be every tenant's"},
		"the placeholder":                  {pattern("{tenant}-apimetric-*"), "stands for the tenant"},
		"the placeholder in words":         {object("search", "s", `{"title": "of {tenant}"}`, ""), "stands for the tenant"},
		"Timelion, another's":              {timelion(".es(index=beta-apimetric-*)"), indexNames},
		"Timelion, by place":               {timelion(".es('*', 'count', 'doc.name.keyword:3', 'beta-apimetric-*')"), indexNames},
		"Timelion, no index":               {timelion(".es(*)"), "asks all indices, at character 1"},
		"Timelion, the second":             {timelion(".es(index=apimetric-*), .elasticsearch( q=x )"), "at character 25"},
		"Timelion, within":                 {timelion(".es(index=apimetric-*).divide(.opensearch(index=other:x))"), "remote"},
		"Timelion, in a group":             {timelion("(.es(index=apimetric-*), .es(index=*)).sum()"), "every tenant's"},
		"Timelion, computed":               {timelion(".es(index=.es(index=apimetric-*))"), "computes index"},
		"Timelion, quotes":                 {timelion(`.es(q='.es(index=apimetric-*)", index='beta-x')`), "ends within"},
		"Timelion, without an end":         {timelion(".es(index=apimetric-*"), "ends within"},
		"Timelion, blanks":                 {timelion(". es (\n index\n=\n beta-x )"), indexNames},
		"Timelion, large":                  {timelion(".ES(INDEX=beta-x)"), indexNames},
		"Timelion, deep":                   {timelion(strings.Repeat(".a(", 60) + strings.Repeat(")", 60)), "deeper"},
		"TSVB, another's":                  {vis(`{"type": "metrics", "params": {"index_pattern": "beta-apimetric-*"}}`), indexNames},
		"TSVB, an object":                  {vis(`{"type": "metrics", "params": {"index_pattern": {"id": "x"}}}`), "nobody here knows"},
		"TSVB, a series":                   {vis(`{"type": "metrics", "params": {"series": [{"series_index_pattern": "*"}]}}`), "every tenant's"},
		"TSVB, an annotation":              {vis(`{"type": "metrics", "params": {"annotations": [{"index_pattern": "x:y"}]}}`), "remote"},
		"Vega, another's":                  {vega(`{"data": {"url": {"index": "beta-apimetric-*"}}}`), indexNames},
		"Vega, no index":                   {vega(`{"data": [{"name": "a", "url": {"body": {}}}]}`), "asks all indices, at data.0.url"},
		"Vega, an empty question":          {vega(`{"data": {"url": {}}}`), "asks all indices"},
		"Vega, a computed index":           {vega(`{"data": {"url": {"index": {"signal": "x"}}}}`), "asks all indices"},
		"Vega, two names":                  {vega(`{"data": {"url": {"index": "apimetric-*", "index": "beta-x"}}}`), indexNames},
		"Vega, a lookup":                   {vega(`{"data": {"url": {"index": "apimetric-*", "body": {"query": {"terms": {"a": {"index": "beta-x"}}}}}}}`), indexNames},
		"Vega, in marks":                   {vega(`{"marks": [{"data": [{"url": {"index": "*"}}]}]}`), "every tenant's"},
		"Vega, another language":           {vega(`{"data": {"url": {"%type%": "ppl", "body": {"query": "source=beta-x"}}}}`), "another source"},
		"Vega, HJSON":                      {vega("{\n  # a comment\n  data: {\n    url: {\n      index: beta-apimetric-*\n    }\n  }\n}"), indexNames},
		"Vega, HJSON without braces":       {vega("data: {\n  url: {\n    index: '''beta-x'''\n  }\n}"), indexNames},
		"Vega, nothing that can be read":   {vega("{{"), "neither JSON nor HJSON"},
		"Vega, a filter of another's":      {vega(`{"signals": [{"on": [{"update": "kibanaAddFilter({match_all: {}}, 'beta-apimetric-*')"}]}]}`), indexNames},
		"a filter with a lookup":           {object("search", "s", `{"title": "S", "kibanaSavedObjectMeta": {"searchSourceJSON": "{\"filter\":[{\"query\":{\"terms\":{\"a\":{\"index\":\"beta-x\",\"path\":\"b\"}}}}]}"}}`, ""), indexNames},
		"a newer form":                     {object("dashboard", "d", `{"title": "D"}`, `, "migrationVersion": {"dashboard": "8.0.0"}`), "8.0.0 is newer than Dashboards', 7.9.3"},
		"a newer form of another":          {object("search", "s", `{"title": "D"}`, `, "migrationVersion": {"search": "7.9.3", "core": "9.0.0"}`), `of a type "core"`},
		"a form that is none":              {object("search", "s", `{"title": "D"}`, `, "migrationVersion": {"search": "7.9"}`), "is none"},
		"an older form":                    {object("visualization", "v", `{"title": "V", "visState": "{\"type\":\"pie\"}"}`, `, "migrationVersion": {"visualization": "6.7.2"}`), "older than 7.4.2"},
		"a visualization of another":       {vis(`{"type": "lens", "params": {"index": "beta-x"}}`), `no visualizations of type "lens"`},
		"a visualization of none":          {vis(`{"params": {}}`), `no visualizations of type ""`},
		"a type of another":                {object("lens", "l", `{"title": "L"}`, ""), `type "lens"`},
		"an id that is a path":             {object("search", "../../x", `{"title": "S"}`, ""), "its id has other characters"},
		"an id of dots":                    {object("search", "a..b", `{"title": "S"}`, ""), "its id has other characters"},
		"no title":                         {object("search", "s", `{}`, ""), "no title"},
		"twice":                            {object("search", "s", `{"title": "S"}`, "") + "\n" + object("search", "s", `{"title": "S"}`, ""), "it is on line 1 already"},
		"a missing panel":                  {dashboard(`[{"panelIndex": "1", "panelRefName": "panel_0"}]`, `{"name": "panel_0", "type": "visualization", "id": "gone"}`), "refers to visualization:gone, which is not in the file"},
		"a panel without a reference":      {dashboard(`[{"panelIndex": "7", "panelRefName": "panel_0"}]`, ""), "panel 7 is missing"},
		"a panel with what it shows in it": {dashboard(`[{"panelIndex": "7", "embeddableConfig": {"attributes": {}}}]`, ""), "panel 7 is missing"},
		"no panels that can be read":       {dashboard(`{`, ""), "panelsJSON cannot be read"},
		"two references of one name":       {object("search", "s", `{"title": "S"}`, `, "references": [{"name": "a", "type": "search", "id": "s"}, {"name": "a", "type": "search", "id": "s"}]`), "are named"},
		"a state that cannot be read":      {vis("{"), "visState holds no JSON"},
		"settings only":                    {object("config", "7.9.1", `{"defaultIndex": "x"}`, ""), "settings only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			export, err := exports.Read([]byte(row.text))
			if err != nil {
				t.Fatal(err)
			}
			made, _, err := export.Templates(exports.Options{Own: "acme"})
			var refused *exports.Refused
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), row.want) || made != nil {
				t.Errorf("got %v %v, want %q", made, err, row.want)
			}
		})
	}
}

// Who asks for another tenant's index learns nothing of whether there is that tenant: the refusal depends on the name alone.
func TestAllFaultsOfAFileAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{pattern("beta-apimetric-*"), timelion(".es(index=gamma-x)"), object("map", "m", `{"title": "M"}`, "")}, "\n\n")
	export, err := exports.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = export.Templates(exports.Options{})
	var refused *exports.Refused
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	var lines []int
	for _, r := range refused.Refusals {
		lines = append(lines, r.Line)
	}
	if !slices.Equal(lines, []int{1, 3, 5}) {
		t.Errorf("lines %v: %v", lines, err)
	}
}

func TestWhatIsLeftBehindIsSaid(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		object("config", "7.9.1", `{"defaultIndex": "p"}`, ""),
		object("index-pattern", "p", `{"title": "apimetric-*", "timeFieldName": "doc.when"}`, ""),
		`{"exportedCount": 3}`,
	}, "\n")
	export, err := exports.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	made, notes, err := export.Templates(exports.Options{})
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	want := []exports.Note{
		{Object: "config:7.9.1", Text: "dropped: settings are those of the space"},
		{Object: "index-pattern:p", Text: `the field "doc.when" is in no document of apimetric-*`},
		{Text: "the file says that it has 3 objects, and has 2"},
	}
	if !slices.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
}

// TestOlderForms brings objects of Elasticsearch 7.4, which the published solution began with, to the present form.
func TestOlderForms(t *testing.T) {
	t.Parallel()
	old := `, "migrationVersion": {"visualization": "7.4.2"}`
	source := `"kibanaSavedObjectMeta": {"searchSourceJSON": "{\"query\":{\"match_all\":{}},\"filter\":[]}"}`
	tsvb := object("visualization", "t", `{"title": "T", `+source+`, "visState": "{\"type\":\"metrics\",\"params\":{\"gauge_color_rules\":[{\"opperator\":\"gte\",\"value\":1}],\"series\":[{\"metrics\":[{\"type\":\"filter_ratio\",\"numerator\":\"doc.error:true\",\"denominator\":\"*\"}]}]}}"}`, old)
	split := object("visualization", "s", `{"title": "S", `+source+`, "visState": "{\"type\":\"pie\",\"params\":{},\"aggs\":[{\"type\":\"terms\",\"schema\":\"split\",\"params\":{\"row\":false}}]}"}`, old)
	for _, o := range templates(t, []byte(tsvb+"\n"+split), exports.Options{}) {
		text := savedobjects.Encode(o)
		for _, want := range map[string][]string{
			"t": {`\"split_color_mode\":\"gradient\"`, `\"numerator\":{\"language\":\"lucene\",\"query\":\"doc.error:true\"}`, `"searchSourceJSON":"{}"`, `\"gauge_color_rules\":[{\"value\":1}]`, `"visualization":"7.10.0"`},
			"s": {`\"params\":{\"row\":false},\"type\":\"pie\"`, `\"query\":{\"language\":\"kuery\",\"query\":\"\"}`, `"visualization":"7.10.0"`},
		}[o.ID] {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s", text, want)
			}
		}
	}
}

func TestCommentsOfAVegaSpecificationStay(t *testing.T) {
	t.Parallel()
	const spec = "{\n  // which calls were slow\n  title: apimetric in words\n  data: {\n    url: {\n      index: apimetric-*\n      # all of them\n      body: { size: 0 }\n    }\n  }\n}"
	o := templates(t, []byte(vega(spec)), exports.Options{})[0].For("acme")
	text := savedobjects.Encode(o.Attributes)
	for _, want := range []string{"// which calls were slow", "# all of them", "acme-apimetric-*", "title: apimetric in words"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", text, want)
		}
	}
}

// TestFieldsOfAVegaSpecification finds the fields of a question, and those of its documents that are drawn.
func TestFieldsOfAVegaSpecification(t *testing.T) {
	t.Parallel()
	const before = `{
 "data": {"url": {"index": "softphonecallreport-*", "body": {
  "_source": ["report.callEndTime", "doc.agent", "report.*"], "docvalue_fields": [{"field": "contactQueue.keyword"}],
  "sort": [{"report.callEndTime": {"order": "desc"}}, "report.talkingTimeMillis", "_doc"],
  "query": {"bool": {"filter": [{"range": {"report.callEndTime": {"%timefilter%": true}}}, {"terms": {"contactQueue.keyword": ["agent"]}},
   {"match": {"agent": {"query": "agent: x"}}}, {"query_string": {"query": "contactQueue.keyword:x"}}]}},
  "aggs": {"agent": {"terms": {"field": "agent.keyword", "order": {"agent": "asc"}}, "aggs": {"range": {"range": {"field": "report.talkingTimeMillis", "ranges": []}}}}}
 }}, "format": {"property": "hits.hits"}},
 "transform": [{"calculate": "datum._source.report.talkingTimeMillis / 1000 + datum._source.doc.time", "as": "agent"}],
 "encoding": {"x": {"field": "_source.report.callEndTime"}, "color": {"field": "_source.agent"}, "y": {"field": "agent"}}
}`
	after := strings.NewReplacer(
		`softphonecallreport`, `acme-softphonecallreport`, `["report.callEndTime"`, `["doc.report.callEndTime"`, `[{"field": "contactQueue`, `[{"field": "doc.contactQueue`,
		`{"report.callEndTime":`, `{"doc.report.callEndTime":`, ` "report.talkingTimeMillis", "_doc"`, ` "doc.report.talkingTimeMillis", "_doc"`,
		`{"contactQueue.keyword": [`, `{"doc.contactQueue.keyword": [`, `"match": {"agent": `, `"match": {"doc.agent": `, `"contactQueue.keyword:x"`, `"doc.contactQueue.keyword:x"`,
		`"field": "agent.keyword"`, `"field": "doc.agent.keyword"`, `"field": "report.`, `"field": "doc.report.`, `_source.report.`, `_source.doc.report.`, `_source.agent`, `_source.doc.agent`,
	).Replace(before)
	text := fmt.Sprint(templates(t, []byte(vega(before)), exports.Options{})[0].For("acme").Attributes["visState"])
	if want := savedobjects.Encode(after); !strings.Contains(text, want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	hjson := "{\n  data: {\n    url: {\n      index: softphonecallreport-*\n      body: {\n        query: {range: {report.callEndTime: {%timefilter%: true}}}\n      }\n    }\n  }\n}"
	text = fmt.Sprint(templates(t, []byte(vega(hjson)), exports.Options{})[0].For("acme").Attributes["visState"])
	if strings.Contains(text, " report.callEndTime") || !strings.Contains(text, "doc.report.callEndTime") {
		t.Errorf("got %s", text)
	}
}

// TestVegaOfKibana brings specifications of Kibana to the names that Dashboards knows: of Kibana's it shows an error.
func TestVegaOfKibana(t *testing.T) {
	t.Parallel()
	spec := func(source, pattern, function, index string) string {
		return fmt.Sprintf("{\"title\": \"kibanaAddFilter of apimetric-*\",\n \"data\": [{\"url\": {\"%%type%%\": %q, \"index\": %q}}],\n \"signals\": [{\"on\": [{\"update\": %q}]}]}",
			source, pattern, fmt.Sprintf(function, index))
	}
	for before, after := range map[string]string{
		`kibanaAddFilter({match: {'doc.agent': "a, b)"}}, '%s')`:                     `opensearchDashboardsAddFilter({match: {'doc.agent': "a, b)"}}, '%s')`,
		`a ? kibanaRemoveFilter(f(1, [2]) , "%s", 'x') : kibanaRemoveAllFilters()`:   `a ? opensearchDashboardsRemoveFilter(f(1, [2]) , "%s", 'x') : opensearchDashboardsRemoveAllFilters()`,
		`kibanaAddFilter({a: 1}), opensearchDashboardsAddFilter({b: 'it\'s'}, '%s')`: `opensearchDashboardsAddFilter({a: 1}), opensearchDashboardsAddFilter({b: 'it\'s'}, '%s')`,
	} {
		o := templates(t, []byte(vega(spec("elasticsearch", "apimetric-*", before, "apimetric-*"))), exports.Options{})[0].For("acme")
		if text, want := fmt.Sprint(o.Attributes["visState"]), savedobjects.Encode(spec("opensearch", "acme-apimetric-*", after, "acme-apimetric-*")); !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	for _, same := range []string{
		`opensearchDashboardsSetTimeFilter(datum.from, '%s')`, `mykibanaAddFilter({a: 1}, '%s')`, `opensearchDashboardsAddFilter({a: 1}, '%s'`,
		`opensearchDashboardsAddFilter({a: 1}, datum.b + '%s')`, `opensearchDashboardsAddFilter({a: 1}, '%s' + datum.b)`, `opensearchDashboardsAddFilter({a: 1}, '%s`,
	} {
		o := templates(t, []byte(vega(spec("opensearch", "apimetric-*", same, "apimetric-*"))), exports.Options{})[0].For("acme")
		if text, want := fmt.Sprint(o.Attributes["visState"]), savedobjects.Encode(spec("opensearch", "acme-apimetric-*", same, "apimetric-*")); !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	hjson := "{\n  # who\n  data: {\n    url: {\n      %type%: elasticsearch\n      index: apimetric-*\n    }\n  }\n  signals: [{on: [{update: \"kibanaAddFilter({a: 1}, 'apimetric-*')\"}]}]\n}"
	o := templates(t, []byte(vega(hjson)), exports.Options{})[0].For("acme")
	for _, want := range []string{"# who", "opensearchDashboardsAddFilter({a: 1}, 'acme-apimetric-*')", "%type%: opensearch"} {
		if text := fmt.Sprint(o.Attributes["visState"]); !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// FuzzExports holds whatever is read to what must hold of every template.
func FuzzExports(f *testing.F) {
	for _, name := range []string{withMark, everyName} {
		f.Add(file(f, name))
		for line := range bytes.SplitSeq(file(f, name), []byte("\n")) {
			f.Add(line)
		}
	}
	f.Add([]byte(timelion(".es(*, index='apimetric-*').label('a, b') ,.static(3)")))
	f.Add([]byte(vega("{data: {url: {index: apimetric-*}}}")))
	f.Fuzz(func(t *testing.T, text []byte) {
		export, err := exports.Read(text)
		if err != nil {
			return
		}
		made, _, err := export.Templates(exports.Options{Own: "acme"})
		if err != nil {
			return
		}
		for _, template := range made {
			o := template.For("acme")
			indices, err := o.Indices()
			if err != nil {
				t.Fatalf("%s: %v", o.Key(), err)
			}
			for _, names := range indices {
				for name := range strings.SplitSeq(names, ",") {
					if !strings.HasPrefix(name, "acme-") {
						t.Fatalf("%s names %q", o.Key(), name)
					}
				}
			}
			again, err := o.Visit(savedobjects.Places{
				Index: func(name string) (string, error) { return name, nil },
				Field: func(_ savedobjects.Source, name string) string { return name },
			})
			if err != nil || again.Whole() != o.Whole() {
				t.Fatalf("%s changes when it is looked at: %v", o.Key(), err)
			}
		}
	})
}
