package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

// active makes a tenant whose onboarding has ended, and returns its path.
func (w world) active(t *testing.T) string {
	t.Helper()
	s := testenv.Slug(t)
	made := into[apigen.Started](t, w.send(t, "POST", "/v1/tenants", draft(s)))
	w.end(t, made.Operation.Id, operation.Succeeded, tenant.Active)
	return "/v1/tenants/" + s.String()
}

// end ends an operation as a worker would.
func (w world) end(t *testing.T, id string, state operation.State, of tenant.State) {
	t.Helper()
	op, err := w.db.Operation(t.Context(), owner, id)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := w.db.Claim(t.Context(), op.TenantID, op.ID, "worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	op = claimed.Operation
	op.State, op.FinishedAt = state, time.Now()
	if state == operation.Failed {
		op.Failure = &operation.Failure{Code: "stack.failed", Reason: "no"}
	}
	if err := w.db.Save(t.Context(), operation.Progress{Operation: op, Tenant: &operation.TenantChange{State: of}}); err != nil {
		t.Fatal(err)
	}
}

func (w world) tag(t *testing.T, path string) string {
	t.Helper()
	return w.send(t, "GET", path, "").header.Get("ETag")
}

// patch changes a tenant under the ETag that it has.
func (w world) patch(t *testing.T, path, body string) answer {
	t.Helper()
	return w.send(t, "PATCH", path, body, "If-Match: "+w.tag(t, path))
}

func TestUpdateOfTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	before := w.tag(t, path)
	got := w.patch(t, path, `{"settings":{"retention_days":30,"delete_protection":true,"ccp_hosts":["CCP.example"]}}`)
	s := into[apigen.Tenant](t, got).Settings
	if got.status != 200 || s.RetentionDays != 30 || !s.DeleteProtection || s.CcpHosts[0] != "ccp.example" || s.ArchiveDays != 90 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	after := got.header.Get("ETag")
	if after == before || after != w.tag(t, path) || got.header.Get("Location") != "" {
		t.Errorf("the ETag was %s, is answered as %s, and is %s", before, after, w.tag(t, path))
	}
	for name, body := range map[string]string{"nothing": `{}`, "nothing of settings": `{"settings":{}}`, "what is so": `{"settings":{"retention_days":30,"index_period":{"apimetric":"quarter"}}}`} {
		if got := w.patch(t, path, body); got.status != 200 || got.header.Get("ETag") != after {
			t.Errorf("%s: %d %s %s", name, got.status, got.header.Get("ETag"), got.body)
		}
	}
	if protected := w.send(t, "DELETE", path+"?data=retain&confirm="+strings.TrimPrefix(path, "/v1/tenants/"), ""); protected.problem(t).Code != "tenant.delete_protected" {
		t.Errorf("off-boarding a protected tenant: %s", protected.body)
	}
}

func TestUpdateOfTheStack(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	const body = `{"display_name":" New ","settings":{"privacy":{"ip":"none"},"softphone_origins":["https://Bücher.example"],"index_period":{"apimetric":"day"},"retention_days":7,"media_owner":"page","thresholds":{"loss_percent":{"note":0.5}}}}`
	got := w.patch(t, path, body)
	if got.status != 202 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	s := into[apigen.Started](t, got)
	if got.header.Get("Location") != "/v1/operations/"+s.Operation.Id || s.Operation.Kind != "update" || s.Tenant.State != "updating" || s.Tenant.Settings.RetentionDays != 90 {
		t.Errorf("got %s: %s", got.header.Get("Location"), got.body)
	}
	shown, err := json.Marshal(s.Operation.Change)
	const want = `{"display_name":" New ","settings":{"index_period":{"apimetric":"day"},"media_owner":"page","privacy":{"ip":"none"},"retention_days":7,"softphone_origins":["https://xn--bcher-kva.example"],"thresholds":{"loss_percent":{"note":0.5}}}}`
	if err != nil || string(shown) != want {
		t.Errorf("the operation shows %s, want %s", shown, want)
	}
	if p := w.patch(t, path, body).problem(t); p.Status != 409 || p.Code != "operation.running" || !strings.Contains(p.Detail, s.Operation.Id) {
		t.Errorf("another change meanwhile: %+v", p)
	}
	w.end(t, s.Operation.Id, operation.Failed, tenant.Active)
	again := w.send(t, "POST", path+"/actions/retry", "")
	if o := into[apigen.Started](t, again).Operation; again.status != 202 || o.Id != s.Operation.Id || o.Attempt != 2 {
		t.Errorf("retry: %d %s", again.status, again.body)
	}
	if list := into[apigen.OperationPage](t, w.send(t, "GET", "/v1/operations?kind=update", "")); len(list.Items) != 1 {
		t.Errorf("%d updates are listed", len(list.Items))
	}
}

func TestUpdateNeedsTheETag(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	tag := w.tag(t, path)
	for name, row := range map[string]struct {
		match  string
		status int
		code   string
	}{
		"none":         {"", 428, "precondition.required"},
		"only a space": {" ", 428, "precondition.required"},
		"another":      {`"999"`, 412, "precondition.failed"},
		"a weak one":   {"W/" + tag, 412, "precondition.failed"},
		"unquoted":     {strings.Trim(tag, `"`), 412, "precondition.failed"},
		"no tag":       {"x", 412, "precondition.failed"},
		"empty":        {`""`, 412, "precondition.failed"},
		"a long one":   {`"` + strings.Repeat("9", 300) + `"`, 422, "request.invalid"},
	} {
		p := w.send(t, "PATCH", path, `{"settings":{"retention_days":1}}`, "If-Match: "+row.match).problem(t)
		if p.Status != row.status || p.Code != row.code || p.Errors[0].Pointer != "/header/If-Match" {
			t.Errorf("%s: got %+v", name, p)
		}
	}
	if now := w.tag(t, path); now != tag {
		t.Errorf("a refused change has made %s of %s", now, tag)
	}
	for _, match := range []string{`"999", ` + tag, "*"} {
		if got := w.send(t, "PATCH", path, `{}`, "If-Match: "+match); got.status != 200 {
			t.Errorf("%s: %d %s", match, got.status, got.body)
		}
	}
}

func TestUpdateIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, body := range map[string]string{"in the database": `{"settings":{"retention_days":5}}`, "in the stack": `{"display_name":"New"}`} {
		path := w.active(t)
		tag := w.tag(t, path)
		first := w.send(t, "PATCH", path, body, "If-Match: "+tag, "Idempotency-Key: "+name[7:])
		again := w.send(t, "PATCH", path, body, "If-Match: "+tag, "Idempotency-Key: "+name[7:])
		if first.status >= 300 || again.status != first.status || again.body != first.body ||
			again.header.Get("ETag") != first.header.Get("ETag") || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: %d %s, then %d %s", name, first.status, first.body, again.status, again.body)
		}
	}
}

func TestBadUpdates(t *testing.T) {
	t.Parallel()
	w := setup(t)
	made := w.send(t, "POST", "/v1/tenants", draft("acme", "connect_instances", instanceWith("ccp_url", "https://ccp.example/ccp-v2"),
		"settings", `{"ccp_hosts":["ccp.example"]}`))
	w.end(t, into[apigen.Started](t, made).Operation.Id, operation.Succeeded, tenant.Active)
	many := strings.TrimSuffix(strings.Repeat(`"https://`+strings.Repeat("a", 60)+`.example",`, 40), ",")
	for name, row := range map[string]struct{ body, code, pointer string }{
		"an unknown member":       {`{"slug":"other"}`, "request.invalid", "/slug"},
		"one deep inside":         {`{"settings":{"privacy":{"ipp":"full"}}}`, "request.invalid", "/settings/privacy/ipp"},
		"null":                    {`{"settings":{"privacy":null}}`, "request.invalid", "/settings/privacy"},
		"no name":                 {`{"display_name":" "}`, "tenant.display_name_invalid", "/display_name"},
		"out of range":            {`{"settings":{"archive_days":0}}`, "settings.out_of_range", "/settings/archive_days"},
		"an unknown kind":         {`{"settings":{"index_period":{"calls":"day"}}}`, "settings.index_period_invalid", "/settings/index_period/calls"},
		"an unknown threshold":    {`{"settings":{"thresholds":{"loss":1}}}`, "request.invalid", "/settings/thresholds/loss"},
		"thresholds out of order": {`{"settings":{"thresholds":{"mos":{"degraded":3}}}}`, "settings.threshold_invalid", "/settings/thresholds/mos"},
		"an origin with a path":   {`{"settings":{"softphone_origins":["https://a.example/x"]}}`, "settings.origin_invalid", "/settings/softphone_origins/0"},
		"a host that is in use":   {`{"settings":{"ccp_hosts":[]}}`, "settings.ccp_host_in_use", "/settings/ccp_hosts"},
		"more than a stack takes": {`{"settings":{"softphone_origins":[` + distinct(many) + `]}}`, "tenant.too_many", "/settings/softphone_origins"},
	} {
		p := w.patch(t, "/v1/tenants/acme", row.body).problem(t)
		if p.Status != 422 || p.Code != row.code || len(p.Errors) == 0 || p.Errors[0].Pointer != row.pointer {
			t.Errorf("%s: got %+v, want %s at %s", name, p, row.code, row.pointer)
		}
	}
	for name, path := range map[string]string{"nobody": "/v1/tenants/" + string(slug.Slug("nobody")), "no slug": "/v1/tenants/No-Slug"} {
		if p := w.send(t, "PATCH", path, `{}`, "If-Match: *").problem(t); p.Status != 404 || p.Code != "tenant.not_found" {
			t.Errorf("%s: got %+v", name, p)
		}
	}
}

// distinct numbers the hosts of a list, so that none is a repetition.
func distinct(list string) string {
	var out []string
	for i, one := range strings.Split(list, ",") {
		out = append(out, strings.Replace(one, "https://a", "https://"+string(rune('a'+i/26))+string(rune('a'+i%26)), 1))
	}
	return strings.Join(out, ",")
}
