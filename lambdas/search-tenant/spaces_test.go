package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// direct sends a request of the API, and decodes the answer as the API does.
func direct[T any](t *testing.T, w *world, request any) (answer T) {
	t.Helper()
	event, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.handler.Handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestDashboardsGoInAndOut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ask(t, cfn.RequestCreate, nil)
	file := packed(t, `{"type":"index-pattern","id":"mine","attributes":{"title":"apimetric-*"}}`)
	ask := map[string]any{"action": "import", "slug": w.slug, "packed": file}
	if got := direct[Imported](t, w, ask); len(got.Created) != 1 || got.Absent || len(got.Refused) != 0 {
		t.Errorf("%+v", got)
	}
	if got := direct[Imported](t, w, ask); len(got.Created) != 0 || len(got.Unchanged) != 1 {
		t.Errorf("again: %+v", got)
	}
	ask["packed"] = packed(t, `{"type":"index-pattern","id":"mine","attributes":{"title":"*"}}`)
	if got := direct[Imported](t, w, ask); len(got.Refused) != 1 || got.Refused[0].Object != "index-pattern:mine" || got.Refused[0].Line != 1 {
		t.Errorf("refused: %+v", got)
	}
	out := direct[Exported](t, w, map[string]any{"action": "export", "slug": w.slug})
	r, err := gzip.NewReader(bytes.NewReader(out.Packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(text), `"title":"`+w.slug.String()+`-apimetric-*"`) {
		t.Errorf("%.300s, %v", text, err)
	}
	stranger := testenv.Slug(t)
	if got := direct[Imported](t, w, map[string]any{"action": "import", "slug": stranger, "packed": file}); !got.Absent {
		t.Errorf("a tenant that is not there: %+v", got)
	}
	if got := direct[Exported](t, w, map[string]any{"action": "export", "slug": stranger}); !got.Absent {
		t.Errorf("a tenant that is not there: %+v", got)
	}
}

// A packed file that unpacks to far more than may be sent is not unpacked.
func TestAttackWithABomb(t *testing.T) {
	t.Parallel()
	w := setup(t)
	got := direct[Imported](t, w, map[string]any{"action": "import", "slug": w.slug, "packed": packed(t, strings.Repeat(" ", 200<<20))})
	if len(got.Refused) != 1 || !strings.Contains(got.Refused[0].Reason, "at most 10485760 are taken") {
		t.Errorf("%+v", got)
	}
}

// TestAttackTheFunctionThatOnlyImports asks it for what the same code does elsewhere.
func TestAttackTheFunctionThatOnlyImports(t *testing.T) {
	t.Parallel()
	h := &Handler{Actions: []string{"import", "export"}}
	for _, event := range []string{
		`{"action": "purge", "slug": "acme"}`, `{"action": "sweep", "slug": "acme"}`, `{"action": "provision", "slug": "acme"}`,
		`{"action": "erase", "slug": "acme"}`, `{"action": "expire", "slug": "acme"}`, `{"action": "", "slug": "acme"}`, `{}`,
		`{"RequestType": "Delete", "action": "import", "slug": "acme"}`, `{"ResponseURL": "https://example.com", "action": "export", "slug": "acme"}`,
	} {
		if _, err := h.Handle(t.Context(), json.RawMessage(event)); !errors.Is(err, errNotServed) {
			t.Errorf("%s: %v", event, err)
		}
	}
	for _, event := range []string{`{"action": "import", "slug": "acme", "packed": "AAAA"}`, `{"action": "export", "slug": "acme", "restore": true}`} {
		if _, err := h.Handle(t.Context(), json.RawMessage(event)); !errors.Is(err, errShape) {
			t.Errorf("%s: %v", event, err)
		}
	}
	for _, name := range []slug.Slug{"", "a", "acme-x", "../x", "ACME"} {
		if _, err := h.Handle(t.Context(), json.RawMessage(fmt.Sprintf(`{"action": "export", "slug": %q}`, name))); err == nil {
			t.Errorf("%q is let in", name)
		}
	}
}
