package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/earshot-hq/earshot/api"
)

// A contract is the specification's operations by their ids.
type contract map[string]described

type described struct {
	method, path string
	*openapi3.Operation
	parameters openapi3.Parameters
}

func readContract(t *testing.T) contract {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.Specification)
	if err != nil {
		t.Fatal(err)
	}
	c := contract{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			c[operation.OperationID] = described{method, path, operation, append(slices.Clone(item.Parameters), operation.Parameters...)}
		}
	}
	return c
}

// body is the example of what the operation takes.
func (d described) body() any {
	if d.RequestBody == nil {
		return nil
	}
	if media := d.RequestBody.Value.Content.Get("application/json"); media != nil {
		return media.Example
	}
	return nil
}

// address fills in the examples of the path's parameters, and of the query's where it must be sent. What the service makes up is given.
func (d described) address(given map[string]string) string {
	query := url.Values{}
	path := d.path
	for _, p := range d.parameters {
		value, isGiven := given[p.Value.Name]
		if !isGiven {
			value = fmt.Sprint(p.Value.Example)
		}
		switch p.Value.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(value))
		case "query":
			if d.method == http.MethodDelete {
				query.Set(p.Value.Name, value)
			}
		}
	}
	return path + "?" + query.Encode()
}

// TestExamplesOfTheContract sends every example of a request, in an order in which they make sense, and each example of a filter. Each is
// answered as described, and succeeds.
func TestExamplesOfTheContract(t *testing.T) {
	t.Parallel()
	w, c := setup(t), readContract(t)
	version, _ := c["upgradeTenant"].body().(map[string]any)["artifact_version"].(string)
	w.cloud.Versions = append(w.cloud.Versions, version)
	orchard := strings.Replace(onboarding("orchard"), "11111111-2222", "33333333-2222", 1)
	if got := w.end(t, w.start(t, http.MethodPost, "/v1/tenants", orchard).Operation.ID); got != "succeeded" {
		t.Fatalf("onboarding of another tenant: %s", got)
	}
	key := ""
	sent := map[string]bool{}
	for _, id := range []string{
		"createTenant", "getTenant", "updateTenant", "addConnectInstance", "getConnectInstance", "updateConnectInstance", "inviteManager", "updateManager",
		"removeManager", "upgradeTenant", "replayTenant", "redriveTenant", "eraseAgent", "startUpgrade", "removeConnectInstance", "suspendTenant", "resumeTenant",
		"addCell", "getCell", "changeCell", "addAPIKey", "rotateAPIKey", "deleteTenant",
	} {
		d, given := c[id], map[string]string{}
		if id == "rotateAPIKey" {
			given["id"] = key
		}
		body := ""
		if example := d.body(); example != nil {
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			body = string(text)
		}
		status, text := w.send(t, d.method, w.url+d.address(given), body)
		if d.Responses.Status(status) == nil || status >= http.StatusBadRequest {
			t.Fatalf("%s answers its example with %d %s", id, status, text)
		}
		sent[id] = true
		var answer struct {
			ID        string // of a key, or of an upgrade of many
			Tenants   any
			Operation struct{ ID string }
		}
		if status != http.StatusNoContent {
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatalf("%s: %v in %s", id, err, text)
			}
		}
		switch {
		case answer.Operation.ID != "":
			if got := w.end(t, answer.Operation.ID); got != "succeeded" {
				t.Errorf("what the example of %s began: %s", id, got)
			}
		case id == "startUpgrade":
			if got := w.endOfUpgrade(t, answer.ID); !strings.HasPrefix(got, "succeeded ") {
				t.Errorf("the example of %s: %s", id, got)
			}
		case id == "addAPIKey":
			key = keyIn(t, text)
		}
	}
	for id, d := range c {
		if d.RequestBody != nil && d.RequestBody.Value.Content.Get("application/json") != nil && (d.body() == nil || !sent[id]) {
			t.Errorf("%s has no example, or it is not sent", id)
		}
		d.examplesOfMembers(t, id)
		w.filters(t, id, d)
	}
}

// examplesOfMembers holds the examples of a body's members against the body's.
func (d described) examplesOfMembers(t *testing.T, id string) {
	t.Helper()
	whole, isObject := d.body().(map[string]any)
	if !isObject {
		return
	}
	for name, member := range d.RequestBody.Value.Content.Get("application/json").Schema.Value.Properties {
		isIn := func(example any) bool { return reflect.DeepEqual(example, whole[name]) }
		if len(member.Value.Examples) > 0 && !slices.ContainsFunc(member.Value.Examples, isIn) {
			t.Errorf("%s: the example has %v as %s, which itself has %v", id, whole[name], name, member.Value.Examples)
		}
	}
}

// filters sends each example of a query's parameter by itself.
func (w world) filters(t *testing.T, id string, d described) {
	t.Helper()
	for _, p := range d.parameters {
		if d.method != http.MethodGet || p.Value.In != "query" || p.Value.Example == nil {
			continue
		}
		query := url.Values{p.Value.Name: {fmt.Sprint(p.Value.Example)}}
		if status, text := w.send(t, http.MethodGet, w.url+d.path+"?"+query.Encode(), ""); status != http.StatusOK {
			t.Errorf("%s answers the example of %s with %d %s", id, p.Value.Name, status, text)
		}
	}
}

func keyIn(t *testing.T, text string) string {
	t.Helper()
	var made struct {
		ID  string
		Key struct{ ID string }
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.ID+made.Key.ID == "" {
		t.Fatalf("no key in %s: %v", text, err)
	}
	return made.ID + made.Key.ID
}
