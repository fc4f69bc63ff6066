package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func TestUpgradeOfOneTenant(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := w.active(t)
	const body = `{"artifact_version": "v2"}`
	seen := w.send(t, "POST", path+"/actions/upgrade?preview=true", body, "Idempotency-Key: one")
	preview := into[apigen.Started](t, seen)
	if seen.status != 202 || preview.Operation.Kind != "preview" || *preview.Operation.ArtifactVersion != "v2" || preview.Operation.Changes != nil || preview.Tenant.State != "active" {
		t.Fatalf("preview: %d %s", seen.status, seen.body)
	}
	if p := w.send(t, "POST", path+"/actions/upgrade", body, "Idempotency-Key: one").problem(t); p.Code != "idempotency.key_reused" {
		t.Errorf("the upgrade under its preview's key: %+v", p)
	}
	w.endWith(t, preview.Operation.Id, operation.Memo{Changes: []operation.StackChange{
		{Action: "modify", Resource: "Indexer", Type: "AWS::Lambda::Function", Replacement: "conditional", Properties: []string{"Code"}},
		{Action: "add", Resource: "More", Type: "AWS::SQS::Queue", Properties: []string{}},
	}})
	shown := w.send(t, "GET", "/v1/operations/"+preview.Operation.Id, "")
	changes := into[apigen.Operation](t, shown).Changes
	if changes == nil || len(*changes) != 2 || *(*changes)[0].Replacement != "conditional" || (*changes)[1].Replacement != nil {
		t.Errorf("the preview is shown as %s", shown.body)
	}

	got := w.send(t, "POST", path+"/actions/upgrade", body)
	op := into[apigen.Started](t, got).Operation
	if got.status != 202 || op.Kind != "upgrade" || got.header.Get("Location") != "/v1/operations/"+op.Id || op.Upgrade != nil {
		t.Fatalf("upgrade: %d %s", got.status, got.body)
	}
	for body, code := range map[string]string{
		`{"artifact_version": "../v2"}`: "upgrade.version_invalid", `{"artifact_version": ""}`: "upgrade.version_invalid",
		`{}`: "request.invalid", `{"artifact_version": "v2", "slug": "other"}`: "request.invalid",
	} {
		if p := w.send(t, "POST", path+"/actions/upgrade", body).problem(t); p.Status != 422 || p.Code != code {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if p := w.send(t, "POST", path+"/actions/upgrade?preview=perhaps", `{"artifact_version": "v2"}`).problem(t); p.Status != 422 {
		t.Errorf("a preview that is neither: %+v", p)
	}
}

// endWith ends an operation that leaves a memo, and its tenant as it is.
func (w world) endWith(t *testing.T, id string, memo operation.Memo) {
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
	op.State, op.FinishedAt, op.Memo = operation.Succeeded, op.CreatedAt, memo
	if err := w.db.Save(t.Context(), operation.Progress{Operation: op}); err != nil {
		t.Fatal(err)
	}
}

func TestUpgradeOfManyTenants(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, two := strings.TrimPrefix(w.active(t), "/v1/tenants/"), strings.TrimPrefix(w.active(t), "/v1/tenants/")
	body, err := json.Marshal(map[string]any{"artifact_version": "v2", "tenants": []string{two, one}, "parallel": 1})
	if err != nil {
		t.Fatal(err)
	}
	got := w.send(t, "POST", "/v1/upgrades", string(body), "Idempotency-Key: one")
	made := into[apigen.Upgrade](t, got)
	if got.status != 202 || got.header.Get("Location") != "/v1/upgrades/"+made.Id || made.State != "running" || len(made.Tenants) != 2 || made.Tenants[0].Tenant != two || made.Tenants[0].State != "waiting" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if again := w.send(t, "POST", "/v1/upgrades", string(body), "Idempotency-Key: one"); again.status != 202 || again.body != got.body {
		t.Errorf("the same again: %d %s", again.status, again.body)
	}
	r, err := w.db.Rollout(t.Context(), owner, made.Id)
	if err != nil {
		t.Fatal(err)
	}
	args := operation.RolloutArgs{RolloutID: r.ID}
	for _, s := range []string{one, two} {
		args.TenantIDs = append(args.TenantIDs, into[apigen.Tenant](t, w.send(t, "GET", "/v1/tenants/"+s, "")).Id)
	}
	if _, err := w.db.AdvanceRollout(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	under := into[apigen.Upgrade](t, w.send(t, "GET", "/v1/upgrades/"+made.Id, ""))
	if under.Tenants[0].State != "running" || under.Tenants[0].Operation == nil || under.Tenants[1].State != "waiting" {
		t.Fatalf("under way: %+v", under)
	}
	if op := into[apigen.Operation](t, w.send(t, "GET", "/v1/operations/"+*under.Tenants[0].Operation, "")); op.Upgrade == nil || *op.Upgrade != made.Id {
		t.Errorf("the operation does not name its upgrade: %+v", op)
	}
	w.end(t, *under.Tenants[0].Operation, operation.Failed, tenant.Active)
	if _, err := w.db.AdvanceRollout(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	page := into[apigen.UpgradePage](t, w.send(t, "GET", "/v1/upgrades", ""))
	if over := page.Items[0]; over.State != "failed" || over.Failure.Tenant != two || over.Failure.Reason == "" || over.FinishedAt == nil || over.Tenants[1].State != "not_begun" {
		t.Errorf("over: %+v", over)
	}

	for name, row := range map[string]struct{ body, code, at string }{
		"nobody":    {`{"artifact_version": "v2", "tenants": ["nobody"]}`, "upgrade.tenant_unknown", "/tenants/0"},
		"none":      {`{"artifact_version": "v2", "tenants": []}`, "request.invalid", "/tenants"},
		"twice":     {`{"artifact_version": "v2", "tenants": ["acme", "acme"]}`, "request.invalid", "/tenants"},
		"too wide":  {`{"artifact_version": "v2", "tenants": ["acme"], "parallel": 21}`, "request.invalid", "/parallel"},
		"a version": {`{"artifact_version": "a b", "tenants": ["acme"]}`, "upgrade.version_invalid", "/artifact_version"},
	} {
		p := w.send(t, "POST", "/v1/upgrades", row.body).problem(t)
		if p.Status != 422 || p.Code != row.code || len(p.Errors) == 0 || p.Errors[0].Pointer != row.at {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p := w.send(t, "GET", "/v1/upgrades/"+one, "").problem(t); p.Status != 404 || p.Code != "upgrade.not_found" {
		t.Errorf("one that is not there: %+v", p)
	}
}
