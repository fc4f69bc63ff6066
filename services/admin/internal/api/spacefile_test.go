package api_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/postgres/postgrestest"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/api"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// boards keeps what it was asked; internal/spaces and the function behind it are tried elsewhere.
type boards struct {
	mu    sync.Mutex
	asked []tenant.SpaceFile
	of    []string
	err   error
}

func (b *boards) ImportSpace(_ context.Context, t tenant.Tenant, f tenant.SpaceFile) (tenant.SpaceImport, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.of = append(b.asked, f), append(b.of, t.Slug.String())
	return tenant.SpaceImport{Created: []string{"dashboard:d"}, Notes: []tenant.SpaceNote{{Text: "n"}, {Object: "config:1", Text: "dropped"}}}, b.err
}

func (b *boards) ExportSpace(_ context.Context, t tenant.Tenant) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of = append(b.of, t.Slug.String())
	return []byte(`{"exportedCount":0}` + "\n"), b.err
}

const (
	importPath = "/v1/tenants/acme/space/import"
	exportPath = "/v1/tenants/acme/space/export"
	ndjson     = "Content-Type: application/x-ndjson"
)

func withBoards(t *testing.T) (world, *boards) {
	t.Helper()
	db := postgrestest.New(t, testenv.Postgres(t))
	b := &boards{}
	w := serve(t, api.Config{Directory: db, Starter: db, History: db, Ledger: db, Keys: db, Recorder: db, Spaces: b})
	w.db = db
	if got := w.send(t, "POST", "/v1/tenants", draft("acme")); got.status != 202 {
		t.Fatal(got.body)
	}
	return w, b
}

func TestASpaceIsImportedAndExported(t *testing.T) {
	t.Parallel()
	w, b := withBoards(t)
	const file = "\ufeff{\"a\": 1}\r\n\n"
	got := w.send(t, "POST", importPath+"?overwrite=true&template=true", file, ndjson, "Idempotency-Key: once")
	done := into[apigen.SpaceImport](t, got)
	if got.status != 200 || len(done.Created) != 1 || done.Unchanged == nil || len(done.Notes) != 2 || done.Notes[0].Object != nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	if again := w.send(t, "POST", importPath+"?overwrite=true&template=true", file, ndjson, "Idempotency-Key: once"); again.body != got.body {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	if other := w.send(t, "POST", importPath, file, ndjson, "Idempotency-Key: once"); other.problem(t).Code != "idempotency.key_reused" {
		t.Errorf("another request with the key: %s", other.body)
	}
	if len(b.asked) != 1 || string(b.asked[0].Text) != file || !b.asked[0].Overwrite || !b.asked[0].Template {
		t.Errorf("asked %+v", b.asked)
	}
	out := w.send(t, "GET", exportPath, "", "Authorization: Bearer auditor")
	if out.status != 200 || out.body != "{\"exportedCount\":0}\n" || out.header.Get("Content-Type") != "application/x-ndjson" ||
		out.header.Get("Content-Disposition") != `attachment; filename="acme-space.ndjson"` {
		t.Errorf("%d %v %s", out.status, out.header, out.body)
	}
	events := w.send(t, "GET", "/v1/audit-events?action=spaces.import", "")
	if strings.Count(events.body, `"action":"spaces.import"`) != 2 || !strings.Contains(events.body, `"template":true`) || !strings.Contains(events.body, "tenants/acme/space") {
		t.Errorf("the audit says %s", events.body)
	}
}

func TestAttackSpaceFiles(t *testing.T) {
	t.Parallel()
	w, b := withBoards(t)
	for name, row := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code               string
	}{
		"an auditor":          {"POST", importPath, "{}", []string{ndjson, "Authorization: Bearer auditor"}, 403, "access.forbidden"},
		"another's":           {"POST", importPath, "{}", []string{ndjson, "Authorization: Bearer operator@" + twoTenants[0]}, 404, "tenant.not_found"},
		"another's export":    {"GET", exportPath, "", []string{"Authorization: Bearer operator@" + twoTenants[0]}, 404, "tenant.not_found"},
		"nobody's":            {"POST", "/v1/tenants/globex/space/import", "{}", []string{ndjson}, 404, "tenant.not_found"},
		"nobody's export":     {"GET", "/v1/tenants/globex/space/export", "", nil, 404, "tenant.not_found"},
		"no slug":             {"POST", "/v1/tenants/a-b/space/import", "{}", []string{ndjson}, 404, "tenant.not_found"},
		"over 10 MiB":         {"POST", importPath, strings.Repeat("x", 10<<20+1), []string{ndjson}, 413, "request.too_large"},
		"JSON":                {"POST", importPath, "{}", nil, 415, "request.media_unsupported"},
		"a form":              {"POST", importPath, "x", []string{"Content-Type: multipart/form-data; boundary=x"}, 415, "request.media_unsupported"},
		"compressed":          {"POST", importPath, "x", []string{ndjson, "Content-Encoding: gzip"}, 415, "request.media_unsupported"},
		"no truth":            {"POST", importPath + "?overwrite=perhaps", "{}", []string{ndjson}, 422, "request.invalid"},
		"a stranger's query":  {"POST", importPath + "?tenant=globex", "{}", []string{ndjson}, 422, "request.invalid"},
		"a body for nothing":  {"GET", exportPath, "x", nil, 422, "request.invalid"},
		"a space of a header": {"POST", "/v1/tenants/globex/space/import", "{}", []string{ndjson, "securitytenant: acme"}, 404, "tenant.not_found"},
	} {
		got := w.send(t, row.method, row.path, row.body, row.headers...)
		if p := got.problem(t); p.Status != row.status || p.Code != row.code {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, row.status, row.code)
		}
	}
	if len(b.of) != 0 {
		t.Errorf("spaces of %q were asked for", b.of)
	}
}

// What is refused is named in the answer, object by object, and is in the audit as refused.
func TestRefusedFilesAreExplained(t *testing.T) {
	t.Parallel()
	w, b := withBoards(t)
	refused := *tenant.ErrSpaceRefused
	refused.Fields = []fault.Field{{Pointer: "/2", Code: refused.Code, Detail: "index-pattern:p: no index of a tenant has this name"}}
	for code, row := range map[string]struct {
		err    error
		status int
	}{
		"space.refused": {&refused, 422}, "space.conflict": {tenant.ErrSpaceConflict, 409}, "space.none": {tenant.ErrNoSpace, 409},
	} {
		b.err = row.err
		got := w.send(t, "POST", importPath, "{}", ndjson)
		if p := got.problem(t); p.Code != code || p.Status != row.status {
			t.Errorf("%s: %s", code, got.body)
		}
		if code == "space.refused" && !strings.Contains(got.body, `{"pointer":"/2","code":"space.refused","detail":"index-pattern:p: no index`) {
			t.Errorf("%s", got.body)
		}
	}
	if events := w.send(t, "GET", "/v1/audit-events?action=spaces.import&outcome=refused", ""); strings.Count(events.body, `"action":"spaces.import"`) != 3 {
		t.Errorf("the audit says %s", events.body)
	}
	b.err = tenant.ErrSpaceTooLarge
	if got := w.send(t, "GET", exportPath, ""); got.problem(t).Code != "space.too_large" {
		t.Error(got.body)
	}
}
