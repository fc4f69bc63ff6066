package spaces_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/spaces"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// function answers in the place of the cell's, and keeps what it was asked.
type function struct {
	answer string
	path   string
	asked  map[string]any
}

func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.path, f.asked = r.URL.Path, nil
	_ = json.Unmarshal(body, &f.asked)
	_, _ = io.WriteString(w, f.answer)
}

func keeper(t *testing.T, f *function) *spaces.Keeper {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return spaces.NewKeeper(spaces.KeeperConfig{
		Cells: cellaws.New(aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("A", "s", "")}),
		Cell: func(context.Context, string) (tenant.Cell, error) {
			return tenant.Cell{Name: "main", Region: "eu-central-1"}, nil
		},
		Timeout: time.Minute,
	})
}

var acme = tenant.Tenant{Slug: "acme", Cell: "main"}

func TestAFileGoesToTheCellsFunction(t *testing.T) {
	t.Parallel()
	f := &function{answer: `{"created": ["dashboard:d"], "updated": [], "unchanged": [], "conflicts": [], "refused": [], "notes": [{"object": "config:1", "text": "dropped"}]}`}
	done, err := keeper(t, f).ImportSpace(t.Context(), acme, tenant.SpaceFile{Text: []byte("{}"), Overwrite: true})
	if err != nil || len(done.Created) != 1 || done.Notes[0].Text != "dropped" {
		t.Errorf("%+v, %v", done, err)
	}
	if !strings.Contains(f.path, "/functions/earshotops-spaces/") || f.asked["slug"] != "acme" || f.asked["action"] != "import" || f.asked["overwrite"] != true || f.asked["template"] != nil {
		t.Errorf("%s was asked %v", f.path, f.asked)
	}
}

func TestWhatTheFunctionRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer string
		want   error
		field  fault.Field
	}{
		"an object":   {`{"refused": [{"line": 3, "object": "map:m", "reason": "no"}]}`, tenant.ErrSpaceRefused, fault.Field{Pointer: "/2", Code: "space.refused", Detail: "map:m: no"}},
		"a line":      {`{"refused": [{"line": 1, "object": "", "reason": "no JSON"}]}`, tenant.ErrSpaceRefused, fault.Field{Pointer: "/0", Code: "space.refused", Detail: "no JSON"}},
		"a file":      {`{"refused": [{"line": 0, "object": "", "reason": "UTF-16"}]}`, tenant.ErrSpaceRefused, fault.Field{Code: "space.refused", Detail: "UTF-16"}},
		"a conflict":  {`{"conflicts": ["search:s"]}`, tenant.ErrSpaceConflict, fault.Field{Code: "space.conflict", Detail: "search:s: the space has another object with this id."}},
		"no space":    {`{"absent": true}`, tenant.ErrNoSpace, fault.Field{}},
		"no function": {`not JSON`, problem.ErrUnavailable, fault.Field{}},
	} {
		_, err := keeper(t, &function{answer: row.answer}).ImportSpace(t.Context(), acme, tenant.SpaceFile{})
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f, _ := fault.As(err); row.field.Code != "" && (len(f.Fields) != 1 || f.Fields[0] != row.field) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if len(tenant.ErrSpaceRefused.Fields) != 0 {
		t.Error("what one file was refused for is told of the next")
	}
}

func TestAFileThatDoesNotCompress(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 5<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper(t, &function{}).ImportSpace(t.Context(), acme, tenant.SpaceFile{Text: noise}); !errors.Is(err, problem.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestAnExportIsUnpacked(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(map[string]any{"packed": packed.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := keeper(t, &function{answer: string(answer)}).ExportSpace(t.Context(), acme); err != nil || string(text) != "{}\n" {
		t.Errorf("%q, %v", text, err)
	}
	for answer, want := range map[string]error{`{"too_large": true}`: tenant.ErrSpaceTooLarge, `{"absent": true}`: tenant.ErrNoSpace} {
		if _, err := keeper(t, &function{answer: answer}).ExportSpace(t.Context(), acme); !errors.Is(err, want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
