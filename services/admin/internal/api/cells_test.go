package api_test

import (
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

const newCell = `{"name": "eu2", "region": "eu-central-1", "stack_name": "earshotops-cell",
	"role_arn": "arn:aws:iam::111122223333:role/earshotops-cell-worker", "external_id": "said-by-the-worker", "max_tenants": 3, "max_shards": 300}`

func TestCells(t *testing.T) {
	t.Parallel()
	w := setup(t)
	added := w.send(t, "POST", "/v1/cells", newCell)
	if c := into[apigen.Cell](t, added); added.status != 201 || c.Name != "eu2" || c.MaxShards != 300 || c.Tenants != 0 || added.header.Get("ETag") != `"1"` || strings.Contains(added.body, "said-by") {
		t.Fatalf("%d %s", added.status, added.body)
	}
	if p := w.send(t, "POST", "/v1/cells", newCell).problem(t); p.Status != 409 || p.Code != "cell.name_taken" {
		t.Errorf("the same again: %+v", p)
	}
	if p := w.send(t, "POST", "/v1/cells", strings.Replace(newCell, "eu-central-1", "mars", 1)).problem(t); p.Status != 422 || p.Errors[0].Pointer != "/region" {
		t.Errorf("a region that is none: %+v", p)
	}
	const path = "/v1/cells/eu2"
	if p := w.send(t, "PATCH", path, `{"draining": true}`).problem(t); p.Status != 428 {
		t.Errorf("without If-Match: %+v", p)
	}
	if p := w.send(t, "PATCH", path, `{"draining": true}`, `If-Match: "7"`).problem(t); p.Status != 412 || p.Code != "cell.changed" {
		t.Errorf("under another ETag: %+v", p)
	}
	drained := w.send(t, "PATCH", path, `{"draining": true}`, `If-Match: "1"`)
	if c := into[apigen.Cell](t, drained); drained.status != 200 || !c.Draining || c.MaxTenants != 3 || drained.header.Get("ETag") != `"2"` {
		t.Errorf("%d %s", drained.status, drained.body)
	}
	if p := w.send(t, "POST", "/v1/tenants", draft("acme", "cell", `"eu2"`)).problem(t); p.Status != 409 || p.Code != "cell.draining" {
		t.Errorf("placed in a cell that drains: %+v", p)
	}
	w.send(t, "POST", "/v1/tenants", draft("acme"))
	list := into[apigen.CellList](t, w.send(t, "GET", "/v1/cells", "", "Authorization: Bearer auditor"))
	if len(list.Items) != 2 || list.Items[0].Name != "eu2" || list.Items[1].Tenants != 1 || list.Items[1].Shards != 16 {
		t.Errorf("%+v", list)
	}
	if p := w.send(t, "GET", "/v1/cells", "", "Authorization: Bearer scoped").problem(t); p.Status != 403 || p.Code != "access.scope_too_narrow" {
		t.Errorf("as who reaches some tenants: %+v", p)
	}
	if p := w.send(t, "GET", "/v1/cells/nowhere", "").problem(t); p.Status != 404 || p.Code != "cell.not_found" {
		t.Errorf("one that is not there: %+v", p)
	}
}
