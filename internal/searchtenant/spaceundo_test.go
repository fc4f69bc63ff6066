package searchtenant_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opensearch-project/opensearch-go/v2/opensearchapi"

	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
)

// half sends of a bulk the first half of its documents, as a node that is lost in the middle of one writes them, and returns their
// answer and how many there were.
func half(t *testing.T, next opensearchapi.Transport, r *http.Request) (answer []byte, sent, left int) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scan := bufio.NewScanner(bytes.NewReader(body)); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	all := len(lines) / 2 // an action and its document; nothing is deleted by these bulks
	sent = all / 2
	status, text := do(t, next, r.Method, r.URL.RequestURI(), strings.Join(lines[:2*sent], "\n")+"\n")
	if status != http.StatusOK || sent == 0 {
		t.Fatal(sent, status, text)
	}
	return []byte(text), sent, all - sent
}

func isSpaceBulk(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/.kibana_") && strings.HasSuffix(r.URL.Path, "/_bulk")
}

// contents are the documents of an index as they lie there.
func contents(t *testing.T, index string) map[string]any {
	t.Helper()
	found := map[string]any{}
	for key := range held(t, index) {
		_, text := do(t, as(t, "", ""), http.MethodGet, "/"+index+"/_source/"+key, "")
		var source any
		if err := json.Unmarshal([]byte(text), &source); err != nil {
			t.Fatal(err)
		}
		found[key] = source
	}
	return found
}

// halfway is a space in which an object of the file lies that a person has changed, and the file overwrites.
func halfway(t *testing.T) (admin *searchtenant.Admin, s slug.Slug, index string, before map[string]any) {
	t.Helper()
	admin, s = setup(t)
	apply(t, admin, grant(s, stackA))
	index = spaceIndex(t, admin, s)
	first, _, _ := strings.Cut(string(everyName(t)), "\n")
	changed := strings.Replace(first, `"title": "`, `"description": "mine", "title": "`, 1)
	if changed == first {
		t.Fatal("the file's first object has no title")
	}
	importInto(t, admin, s, searchtenant.ImportRequest{File: []byte(changed)})
	return admin, s, index, contents(t, index)
}

func noNotes(t *testing.T, s slug.Slug) {
	t.Helper()
	if status, text := do(t, as(t, "", ""), http.MethodGet, "/.earshot_locks/_doc/import-"+s.String(), ""); status != http.StatusNotFound {
		t.Errorf("a note is left: %d %.200s", status, text)
	}
}

// TestAnImportThatIsRefusedInTheMiddleIsTakenBack has search refuse for good what comes after the first half of the objects.
func TestAnImportThatIsRefusedInTheMiddleIsTakenBack(t *testing.T) {
	t.Parallel()
	_, s, index, before := halfway(t)
	search := as(t, "", "")
	written := 0
	spoilt := &meter{next: search, spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if !isSpaceBulk(r) || written > 0 {
			return nil, nil
		}
		text, sent, left := half(t, search, r)
		written = sent
		var answer map[string]any
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		items, _ := answer["items"].([]any)
		for range left {
			items = append(items, map[string]any{"create": map[string]any{"_id": "x", "status": 400, "error": map[string]any{"type": "mapper_parsing_exception"}}})
		}
		answer["items"] = items
		text, err := json.Marshal(answer)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text))}, err
	}}
	for _, isTemplate := range []bool{false, true} {
		written = 0
		_, err := searchtenant.New(spoilt, options()).Import(t.Context(), s, searchtenant.ImportRequest{File: everyName(t), Overwrite: true, Template: isTemplate})
		if err == nil || written == 0 {
			t.Fatalf("%d objects were written, and the import ends with %v", written, err)
		}
		if after := contents(t, index); !reflect.DeepEqual(after, before) {
			t.Errorf("as templates %v: the space holds %d objects, before %d, or others", isTemplate, len(after), len(before))
		}
		noNotes(t, s)
	}
}

// A bulk whose answer is lost is sent again, meets its own objects, and ends well.
func TestAnImportWhoseAnswerIsLostEndsWell(t *testing.T) {
	t.Parallel()
	_, s, index, _ := halfway(t)
	search := as(t, "", "")
	isLost := false
	spoilt := &meter{next: search, spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if !isSpaceBulk(r) || isLost {
			return nil, nil
		}
		isLost = true
		half(t, search, r)
		return nil, errors.New("connection reset by peer")
	}}
	result := importInto(t, searchtenant.New(spoilt, options()), s, searchtenant.ImportRequest{File: everyName(t), Overwrite: true})
	if !isLost || len(result.Created) != 8 || len(result.Updated) != 1 || len(result.Unchanged)+len(result.Conflicts) != 0 {
		t.Errorf("%+v", result)
	}
	if again := importInto(t, searchtenant.New(search, options()), s, searchtenant.ImportRequest{File: everyName(t)}); len(again.Unchanged) != 9 {
		t.Errorf("%+v", again)
	}
	if len(held(t, index)) == 0 {
		t.Error("the space is empty")
	}
	noNotes(t, s)
}

// TestAnImportThatDiesIsTakenBackByTheNext loses the process after the first half. What a person has edited since stays as it is.
func TestAnImportThatDiesIsTakenBackByTheNext(t *testing.T) {
	t.Parallel()
	admin, s, index, before := halfway(t)
	search := as(t, "", "")
	var isDead atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	spoilt := &meter{next: search, spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if isDead.Load() {
			return nil, errors.New("it is dead")
		}
		if isSpaceBulk(r) {
			half(t, search, r)
			isDead.Store(true)
			cancel()
			return nil, errors.New("it is dead")
		}
		return nil, nil
	}}
	short := options()
	short.Lease, short.Patience = 5*time.Second, 10*time.Second
	if _, err := searchtenant.New(spoilt, short).Import(ctx, s, searchtenant.ImportRequest{File: everyName(t), Overwrite: true}); err == nil {
		t.Fatal("it ends well")
	}
	after := contents(t, index)
	var fresh []string
	for key := range after {
		if before[key] == nil {
			fresh = append(fresh, key)
		}
	}
	slices.Sort(fresh)
	if len(fresh) < 2 || reflect.DeepEqual(after, before) {
		t.Fatalf("nothing is left in part: %v", fresh)
	}
	edited := held(t, index)[fresh[0]]
	edited.Attributes["title"] = "Edited"
	write(t, index, edited)

	if _, err := admin.Provision(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	after = contents(t, index)
	if held(t, index)[fresh[0]].Attributes["title"] != "Edited" {
		t.Error("what a person has edited is not there any more")
	}
	delete(after, fresh[0])
	if !reflect.DeepEqual(after, before) {
		t.Errorf("the space holds %d objects, before %d, or others", len(after), len(before))
	}
	noNotes(t, s)
}

// A person who is faster than an import, with an object that it would overwrite, has the whole of it refused.
func TestAnImportThatAPersonOvertakesWritesNothing(t *testing.T) {
	t.Parallel()
	_, s, index, before := halfway(t)
	search := as(t, "", "")
	theirs := "search:c13-search"
	isEdited := false
	spoilt := &meter{next: search, spoil: func(_ int, r *http.Request) (*http.Response, error) {
		if isSpaceBulk(r) && !isEdited {
			isEdited = true
			if status, text := do(t, search, http.MethodPut, "/"+index+"/_doc/"+theirs+"?refresh=true", `{"type":"search","search":{"title":"Theirs"},"references":[]}`); status != http.StatusCreated {
				t.Fatal(status, text)
			}
		}
		return nil, nil
	}}
	first, rest, _ := strings.Cut(string(everyName(t)), "\n")
	result := importInto(t, searchtenant.New(spoilt, options()), s, searchtenant.ImportRequest{File: []byte(rest)})
	if !isEdited || !slices.Contains(result.Conflicts, theirs) || len(result.Created)+len(result.Updated) != 0 {
		t.Errorf("%+v; without %.60s", result, first)
	}
	after := contents(t, index)
	delete(after, theirs)
	if !reflect.DeepEqual(after, before) {
		t.Errorf("the space holds %d objects, before %d, or others", len(after), len(before))
	}
	noNotes(t, s)
}
