package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// boards takes every file and has none; internal/spaces is tried against Dashboards.
type boards struct{}

func (boards) ImportSpace(context.Context, tenant.Tenant, tenant.SpaceFile) (tenant.SpaceImport, error) {
	return tenant.SpaceImport{}, nil
}

func (boards) ExportSpace(context.Context, tenant.Tenant) ([]byte, error) {
	return []byte(`{"exportedCount":0}` + "\n"), nil
}

// visits find everything as it should be but one thing; internal/directories is tried against functions.
type visits struct{}

func (visits) Setup(context.Context, tenant.Tenant, tenant.ConnectInstance) tenant.Setup {
	return tenant.Setup{At: time.Now(), Items: []tenant.SetupItem{
		{Item: tenant.SetupDirectoryRole, State: tenant.SetupDone, Detail: "It works."},
		{Item: tenant.SetupApprovedOrigin, State: tenant.SetupNotDone, Detail: "It is missing.", Advice: "Add it."},
	}}
}

// oneWorker, since threads of CPython disturb each other in its parser, which Hypothesis uses: "AST constructor recursion depth mismatch"
// (python/cpython#106905).
const oneWorker = "1"

// contractTime bounds the whole run: what is left of it then is left out.
const contractTime = 100 * time.Second

// TestContract has schemathesis send every route of the running service what its specification says, and what it does not say,
// and use in one request what another has answered. It finds no status that is not described, no 5xx, and no answer that is
// not as described.
func TestContract(t *testing.T) {
	program, err := filepath.Abs(testenv.Schemathesis(t))
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := filepath.Abs("../../tools/contract")
	if err != nil {
		t.Fatal(err)
	}
	w := setup(t)
	if got := w.end(t, w.start(t, http.MethodPost, "/v1/tenants", onboarding("acme")).Operation.ID); got != "succeeded" {
		t.Fatalf("onboarding: %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*contractTime)
	defer cancel()
	run := exec.CommandContext(ctx, program, "run", w.url+"/openapi.json",
		"--header", "Authorization: Bearer "+w.token, "--header", "If-Match: *",
		"--checks", strings.Join([]string{
			"not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
			"response_schema_conformance", "negative_data_rejection", "unsupported_method", "use_after_free",
		}, ","),
		"--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8", "--max-time", fmt.Sprint(contractTime.Seconds()), "--workers", oneWorker,
		"--seed", "20261129", "--generation-database", "none", "--continue-on-failure", "--warnings", "off", "--no-color",
		"--request-timeout", "20",
	)
	run.Dir = t.TempDir()
	run.Env = append(run.Environ(), "SCHEMATHESIS_HOOKS=serializers", "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+hooks)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	if err := run.Run(); err != nil {
		t.Errorf("schemathesis: %v\n%s", err, out.String())
	}
}
