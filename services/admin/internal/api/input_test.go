package api_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// TestBadInput sends every kind of wrong onboarding. Each is answered by a status, a code and the member that is wrong, and
// leaves nothing behind.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := setup(t)
	held := uuid.NewString()
	if got := w.send(t, "POST", "/v1/tenants", draft("holder", "connect_instances", "["+instance("held", held)+"]")); got.status != 202 {
		t.Fatal(got)
	}
	const tenants = "/v1/tenants"
	rows := map[string]struct {
		body    string
		status  int
		code    string
		pointer string
	}{
		"slug with a hyphen":   {draft("acme-eu"), 422, "tenant.slug_invalid", "/slug"},
		"slug in capitals":     {draft("Acme"), 422, "tenant.slug_invalid", "/slug"},
		"slug too short":       {draft("ab"), 422, "tenant.slug_invalid", "/slug"},
		"slug with a newline":  {draft("acme\n"), 422, "tenant.slug_invalid", "/slug"},
		"reserved slug":        {draft("kibana"), 422, "tenant.slug_reserved", "/slug"},
		"held slug":            {draft("holder"), 409, "tenant.slug_taken", "/slug"},
		"no name":              {draft("x01", "display_name", `"  "`), 422, "tenant.display_name_invalid", "/display_name"},
		"no Connect instance":  {draft("x02", "connect_instances", "[]"), 422, "connect_instance.missing", "/connect_instances"},
		"no Connect ARN":       {draft("x03", "connect_instances", instanceWith("arn", "arn:aws:s3:::bucket")), 422, "connect_instance.arn_invalid", "/connect_instances/0/arn"},
		"another region":       {draft("x04", "connect_instances", instanceWith("region", "us-east-1")), 422, "connect_instance.region_differs", "/connect_instances/0/region"},
		"an ARN that is held":  {draft("x05", "connect_instances", "["+instance("mine", held)+"]"), 409, "connect_instance.arn_taken", "/connect_instances/0/arn"},
		"one alias twice":      {draft("x06", "connect_instances", "["+instance("one", uuid.NewString())+","+instance("one", uuid.NewString())+"]"), 422, "connect_instance.alias_repeated", "/connect_instances/1/alias"},
		"one instance twice":   {draft("x07", "connect_instances", "["+instance("one", held)+","+instance("two", held)+"]"), 422, "connect_instance.arn_repeated", "/connect_instances/1/arn"},
		"a CCP by http":        {draft("x08", "connect_instances", instanceWith("ccp_url", "http://case.my.connect.aws/ccp-v2")), 422, "connect_instance.ccp_url_invalid", "/connect_instances/0/ccp_url"},
		"a CCP elsewhere":      {draft("x09", "connect_instances", instanceWith("ccp_url", "https://ccp.example/ccp-v2")), 422, "connect_instance.ccp_url_invalid", "/connect_instances/0/ccp_url"},
		"http, though listed":  {draft("x10", "connect_instances", instanceWith("ccp_url", "http://ccp.example/ccp-v2"), "settings", `{"ccp_hosts":["ccp.example"]}`), 422, "connect_instance.ccp_url_invalid", "/connect_instances/0/ccp_url"},
		"localhost unlisted":   {draft("x11", "connect_instances", instanceWith("ccp_url", "http://localhost:1/ccp-v2")), 422, "connect_instance.ccp_url_invalid", "/connect_instances/0/ccp_url"},
		"an unknown cell":      {draft("x12", "cell", `"nowhere"`), 422, "cell.unknown", "/cell"},
		"an unknown member":    {draft("x13", "sulg", `"x"`), 422, "request.invalid", "/sulg"},
		"one deep inside":      {draft("x14", "settings", `{"privacy":{"ipp":"full"}}`), 422, "request.invalid", "/settings/privacy/ipp"},
		"one in a list":        {draft("x15", "connect_instances", instanceWith("role", "x")), 422, "request.invalid", "/connect_instances/0/role"},
		"another spelling":     {draft("x16", "Slug", `"x17"`), 422, "request.invalid", "/Slug"},
		"a missing member":     {draft("x18", "display_name", ""), 422, "request.invalid", "/display_name"},
		"a number for a text":  {draft("x19", "display_name", `7`), 422, "request.invalid", "/display_name"},
		"null":                 {draft("x20", "settings", `null`), 422, "request.invalid", "/settings"},
		"a fraction":           {draft("x21", "settings", `{"retention_days":1.5}`), 422, "request.invalid", "/settings/retention_days"},
		"an enormous number":   {draft("x22", "settings", `{"retention_days":1e400}`), 422, "request.invalid", "/settings/retention_days"},
		"out of range":         {draft("x23", "settings", `{"retention_days":0}`), 422, "settings.out_of_range", "/settings/retention_days"},
		"an unknown privacy":   {draft("x24", "settings", `{"privacy":{"ip":"some"}}`), 422, "request.invalid", "/settings/privacy/ip"},
		"an unknown kind":      {draft("x25", "settings", `{"index_period":{"calls":"day"}}`), 422, "settings.index_period_invalid", "/settings/index_period/calls"},
		"an unknown period":    {draft("x26", "settings", `{"index_period":{"apimetric":"hour"}}`), 422, "request.invalid", "/settings/index_period/apimetric"},
		"a wildcard origin":    {draft("x27", "settings", `{"softphone_origins":["https://*.example"]}`), 422, "settings.origin_invalid", "/settings/softphone_origins/0"},
		"an origin with path":  {draft("x28", "settings", `{"softphone_origins":["https://a.example/x"]}`), 422, "settings.origin_invalid", "/settings/softphone_origins/0"},
		"no document":          {"", 415, "request.media_unsupported", ""},
		"half a document":      {`{"slug":`, 400, "request.malformed", ""},
		"two documents":        {draft("x29") + draft("x30"), 400, "request.malformed", ""},
		"another encoding":     {"{\"slug\":\"\xff\"}", 400, "request.malformed", ""},
		"a list":               {"[]", 422, "request.invalid", ""},
		"over 64 KiB":          {draft("x31", "display_name", `"`+strings.Repeat("x", 64<<10)+`"`), 413, "request.too_large", ""},
		"several wrong things": {draft("A", "display_name", `""`), 422, "tenant.invalid", "/slug"},
	}
	t.Run("rows", func(t *testing.T) { // ends when all of them have
		for name, row := range rows {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := w.send(t, "POST", tenants, row.body).problem(t)
				if p.Status != row.status || p.Code != row.code {
					t.Errorf("got %+v, want %d %s", p, row.status, row.code)
				}
				if row.pointer != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer != row.pointer || p.Errors[0].Detail == "") {
					t.Errorf("got members %+v, want %s", p.Errors, row.pointer)
				}
			})
		}
	})
	list, _, err := w.db.Tenants(t.Context(), owner, page)
	if err != nil || len(list) != 1 {
		t.Errorf("something was left behind: %+v, %v", list, err)
	}
}

func TestFullCell(t *testing.T) {
	t.Parallel()
	w := setupCells(t, 1)
	if got := w.send(t, "POST", "/v1/tenants", draft("first")); got.status != 202 {
		t.Fatal(got)
	}
	for name, row := range map[string]struct{ body, code string }{
		"by name": {draft("second", "cell", `"local"`), "cell.full"},
		"placed":  {draft("second"), "cell.none_free"},
	} {
		if got := w.send(t, "POST", "/v1/tenants", row.body); got.status != 409 || got.problem(t).Code != row.code {
			t.Errorf("%s: got %d %s", name, got.status, got.body)
		}
	}
}

// TestCase27 sends addresses that are, or only look like, a Contact Control Panel.
func TestCase27(t *testing.T) {
	t.Parallel()
	w := setup(t)
	text, err := os.ReadFile("testdata/ccp-urls.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ In, Want, Stored string }
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.In, func(t *testing.T) {
			t.Parallel()
			got := w.send(t, "POST", "/v1/tenants", draft(testenv.Slug(t), "connect_instances", instanceWith("ccp_url", row.In)))
			if row.Want == "422" {
				if p := got.problem(t); p.Status != 422 || p.Code != "connect_instance.ccp_url_invalid" || p.Errors[0].Pointer != "/connect_instances/0/ccp_url" {
					t.Errorf("got %s", got.body)
				}
				return
			}
			if got.status != 202 || into[apigen.Started](t, got).Tenant.ConnectInstances[0].CcpUrl != row.Stored {
				t.Errorf("got %d %s, want %s", got.status, got.body, row.Stored)
			}
		})
	}
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, row := range map[string]struct {
		method, path, body string
		header             string
		status             int
		code, pointer      string
	}{
		"no such path":              {"GET", "/v1/tenant", "", "", 404, "request.no_route", ""},
		"a slash too many":          {"GET", "/v1/tenants/", "", "", 404, "request.no_route", ""},
		"no such method":            {"PUT", "/v1/tenants", "{}", "", 405, "request.method_not_allowed", ""},
		"a path that is no slug":    {"GET", "/v1/tenants/No-Slug", "", "", 404, "tenant.not_found", ""},
		"no such tenant":            {"GET", "/v1/tenants/nobody", "", "", 404, "tenant.not_found", ""},
		"no such operation":         {"GET", "/v1/operations/" + uuid.NewString(), "", "", 404, "operation.not_found", ""},
		"no operation's id":         {"GET", "/v1/operations/x", "", "", 404, "operation.not_found", ""},
		"its events":                {"GET", "/v1/operations/x/events", "", "Accept: text/event-stream", 404, "operation.not_found", ""},
		"no limit":                  {"GET", "/v1/tenants?limit=", "", "", 422, "request.invalid", "/query/limit"},
		"limit 0":                   {"GET", "/v1/tenants?limit=0", "", "", 422, "request.invalid", "/query/limit"},
		"limit 201":                 {"GET", "/v1/operations?limit=201", "", "", 422, "request.invalid", "/query/limit"},
		"two limits":                {"GET", "/v1/operations?limit=1&limit=2", "", "", 422, "request.invalid", "/query/limit"},
		"no state":                  {"GET", "/v1/tenants?state=gone", "", "", 422, "request.invalid", "/query/state"},
		"no kind":                   {"GET", "/v1/operations?kind=x", "", "", 422, "request.invalid", "/query/kind"},
		"a zero byte in a filter":   {"GET", "/v1/tenants?q=%00", "", "", 422, "request.invalid", "/query/q"},
		"a zero byte in a body":     {"POST", "/v1/upgrades", `{"artifact_version": "v2", "tenants": ["acme", "a\u0000"]}`, "", 422, "request.invalid", "/tenants/1"},
		"a filter not in UTF-8":     {"GET", "/v1/operations?tenant=%ff", "", "", 422, "request.invalid", "/query/tenant"},
		"a query of no escapes":     {"GET", "/v1/tenants?%zz", "", "", 422, "request.invalid", "/query"},
		"a semicolon in a query":    {"GET", "/v1/tenants?q=a;state=failed", "", "", 422, "request.invalid", "/query"},
		"an unknown filter":         {"GET", "/v1/tenants?slug=acme", "", "", 422, "request.invalid", "/query/slug"},
		"an invented cursor":        {"GET", "/v1/tenants?cursor=x", "", "", 422, "list.cursor_invalid", ""},
		"no confirm":                {"DELETE", "/v1/tenants/nobody?data=delete", "", "", 422, "tenant.confirm_mismatch", "/query/confirm"},
		"another confirm":           {"DELETE", "/v1/tenants/nobody?data=delete&confirm=acme", "", "", 422, "tenant.confirm_mismatch", "/query/confirm"},
		"no data policy":            {"DELETE", "/v1/tenants/nobody?confirm=nobody", "", "", 422, "request.invalid", "/query/data"},
		"an unknown data policy":    {"DELETE", "/v1/tenants/nobody?confirm=nobody&data=keep", "", "", 422, "request.invalid", "/query/data"},
		"an off-boarding of nobody": {"DELETE", "/v1/tenants/nobody?confirm=nobody&data=delete", "", "", 404, "tenant.not_found", ""},
		"a change without a body":   {"PATCH", "/v1/tenants/nobody", "", "", 415, "request.media_unsupported", ""},
		"a change of all tenants":   {"PATCH", "/v1/tenants", "{}", "", 405, "request.method_not_allowed", ""},
		"a retry with a body":       {"POST", "/v1/tenants/nobody/actions/retry", "{}", "", 422, "request.invalid", ""},
		"a retry of nobody":         {"POST", "/v1/tenants/nobody/actions/retry", "", "", 404, "tenant.not_found", ""},
		"an empty key":              {"POST", "/v1/tenants/nobody/actions/retry", "", "Idempotency-Key: \t", 422, "request.invalid", "/header/Idempotency-Key"},
		"a key with a space":        {"POST", "/v1/tenants/nobody/actions/retry", "", "Idempotency-Key: a b", 422, "request.invalid", "/header/Idempotency-Key"},
		"a text as JSON":            {"POST", "/v1/tenants", draft("acme"), "Content-Type: text/plain", 415, "request.media_unsupported", ""},
		"a compressed body":         {"POST", "/v1/tenants", draft("acme"), "Content-Encoding: gzip", 415, "request.media_unsupported", ""},
		"an event id":               {"GET", "/v1/operations/x/events", "", "Last-Event-ID: x", 422, "request.invalid", "/header/Last-Event-ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if row.header != "" {
				headers = append(headers, row.header)
			}
			got := w.send(t, row.method, row.path, row.body, headers...)
			p := got.problem(t)
			if p.Status != row.status || p.Code != row.code {
				t.Errorf("got %d %s, want %d %s", p.Status, got.body, row.status, row.code)
			}
			if row.pointer != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer != row.pointer) {
				t.Errorf("got members %+v, want %s", p.Errors, row.pointer)
			}
			if row.status == 405 && got.header.Get("Allow") != "GET, POST" {
				t.Errorf("Allow is %q", got.header.Get("Allow"))
			}
		})
	}
}
