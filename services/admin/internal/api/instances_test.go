package api_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func TestConnectInstances(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	list := w.send(t, "GET", path+"/connect-instances", "")
	if got := into[apigen.ConnectInstanceList](t, list).Items; list.status != 200 || len(got) != 1 || got[0].Alias != "main" || list.header.Get("ETag") != w.tag(t, path) {
		t.Fatalf("%d %s", list.status, list.body)
	}
	one := path + "/connect-instances/main"
	if got := w.send(t, "GET", one, ""); got.status != 200 || into[apigen.ConnectInstance](t, got).Alias != "main" || got.header.Get("ETag") != w.tag(t, path) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.patch(t, one, `{}`); got.status != 200 || into[apigen.ConnectInstance](t, got).Alias != "main" {
		t.Errorf("nothing to change: %d %s", got.status, got.body)
	}
	const role = "arn:aws:iam::111122223333:role/earshot-connect"
	got := w.patch(t, one, `{"directory_role_arn":"`+role+`"}`)
	started := into[apigen.Started](t, got)
	if got.status != 202 || got.header.Get("Location") == "" || started.Operation.Kind != "update" ||
		started.Operation.Change == nil || started.Operation.Change.ConnectInstances == nil || *started.Operation.Change.ConnectInstances.Change.DirectoryRoleArn != role {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if shown := w.send(t, "GET", one, ""); strings.Contains(shown.body, role) {
		t.Error("the role is the instance's before the stack has it")
	}
}

func TestConnectInstancesAreAddedAndRemovedByAnUpdate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	body := instance("second", uuid.NewString())
	first := w.send(t, "POST", path+"/connect-instances", body, "Idempotency-Key: once")
	again := w.send(t, "POST", path+"/connect-instances", body, "Idempotency-Key: once")
	if first.status != 202 || again.body != first.body {
		t.Errorf("%d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
	if got := w.send(t, "DELETE", path+"/connect-instances/main", "", "If-Match: *"); got.problem(t).Code != "connect_instance.last" {
		t.Errorf("the last one is removed: %s", got.body)
	}
}

func TestWrongRequestsForInstances(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	one := path + "/connect-instances/main"
	taken := into[apigen.ConnectInstance](t, w.send(t, "GET", w.active(t)+"/connect-instances/main", "")).Arn
	for name, row := range map[string]struct {
		method, path, body, match string
		status                    int
		code                      string
	}{
		"no tenant":          {"GET", "/v1/tenants/nobody/connect-instances", "", "", 404, "tenant.not_found"},
		"no instance":        {"GET", one + "x", "", "", 404, "connect_instance.not_found"},
		"no match":           {"PATCH", one, `{}`, "", 428, "precondition.required"},
		"no match, removal":  {"DELETE", one, "", "", 428, "precondition.required"},
		"old match":          {"PATCH", one, `{"saml_url":"https://idp.example/"}`, `"0"`, 412, "precondition.failed"},
		"old match, removal": {"DELETE", one, "", `"0"`, 412, "precondition.failed"},
		"another ARN":        {"PATCH", one, `{"arn":"arn:aws:connect:eu-central-1:111122223333:instance/` + uuid.NewString() + `"}`, "*", 422, "request.invalid"},
		"a bad role":         {"PATCH", one, `{"directory_role_arn":"role"}`, "*", 422, "connect_instance.directory_role_invalid"},
		"a role elsewhere":   {"PATCH", one, `{"directory_role_arn":"arn:aws:iam::999999999999:role/r"}`, "*", 422, "connect_instance.directory_role_elsewhere"},
		"no such instance":   {"PATCH", one + "x", `{"saml_url":""}`, "*", 404, "connect_instance.not_found"},
		"removal of none":    {"DELETE", one + "x", "", "*", 404, "connect_instance.not_found"},
		"an alias again":     {"POST", path + "/connect-instances", instance("main", uuid.NewString()), "", 422, "connect_instance.alias_repeated"},
		"an ARN of another":  {"POST", path + "/connect-instances", instance("second", taken[strings.LastIndex(taken, "/")+1:]), "", 409, "connect_instance.arn_taken"},
		"a bad address":      {"POST", path + "/connect-instances", strings.Replace(instance("second", uuid.NewString()), "my.connect.aws", "evil.example", 1), "", 422, "connect_instance.ccp_url_invalid"},
	} {
		got := w.send(t, row.method, row.path, row.body, "If-Match: "+row.match)
		if p := got.problem(t); p.Status != row.status || p.Code != row.code {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, row.status, row.code)
		}
	}
}
