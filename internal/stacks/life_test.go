package stacks_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/prober"
	"github.com/earshot-hq/earshot/internal/residue"
	"github.com/earshot-hq/earshot/internal/stacks"
	"github.com/earshot-hq/earshot/internal/tenant"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// A tenant's life with the real templates and functions, search with its security, and nothing done as root but the cell:
// made, asked, deleted, purged, swept, and made again under its name.
//
// It runs beside no other test: a change of a function's configuration ends the processes of functions of that name in all
// accounts of the emulator, whatever they are doing.
func TestTenantLife(t *testing.T) {
	artifacts := testenv.Artifacts(t)
	a := newAccount(t)
	a.useSearch(t)
	a.deploy(t, filepath.Base(artifacts), func() { a.putFolder(t, artifacts) })
	cells := cellaws.New(a.worker)
	of := stacks.New(cells, stacks.Options{Calls: 1000})
	probe, purger := prober.New(cells), residue.New(cells)
	t.Cleanup(probe.Close)
	acme := someTenant(t)
	acme.Slug = testenv.Slug(t)

	first := a.make(t, of, acme, "create-1")
	found, err := probe.Found(t.Context(), a.cell, acme.Slug, "0192d3c4-0000-7000-8000-0000000000ab")
	if err != nil || found["apimetric"] != 0 {
		t.Errorf("the probe found %v, %v", found, err)
	}
	if err := purger.Purge(t.Context(), a.cell, acme.Slug); err == nil {
		t.Error("a tenant with a stack was purged")
	}
	a.upgrade(t, of, acme, first.ID, artifacts)
	a.remove(t, of, acme, first.ID, "delete-1")
	left, err := purger.Sweep(t.Context(), a.cell, acme.Slug)
	if err != nil || !slices.ContainsFunc(left, func(s string) bool { return strings.HasPrefix(s, "bucket "+acme.Slug.ResourcePrefix()) }) {
		t.Errorf("left %q, %v; the data bucket stays until it is purged", left, err)
	}
	if err := purger.Purge(t.Context(), a.cell, acme.Slug); err != nil {
		t.Error(err)
	}
	if left, err := purger.Sweep(t.Context(), a.cell, acme.Slug); err != nil || len(left) > 0 {
		t.Errorf("after the purge %q, %v", left, err)
	}

	second := a.make(t, of, acme, "create-2")
	a.remove(t, of, acme, second.ID, "delete-2")
	if err := purger.Purge(t.Context(), a.cell, acme.Slug); err != nil {
		t.Error(err)
	}
}

// upgrade brings the tenant's real stack to another version, of the same files under another name, and compares what the preview
// has said with what became.
func (a *account) upgrade(t *testing.T, of *stacks.Stacks, acme tenant.Tenant, id, artifacts string) {
	t.Helper()
	const newer = "next-version"
	dir := filepath.Join(t.TempDir(), newer)
	if err := os.CopyFS(dir, os.DirFS(artifacts)); err != nil {
		t.Fatal(err)
	}
	a.putFolder(t, dir)
	acme.Stack = tenant.Stack{Name: acme.Slug.StackName(), ID: id, ArtifactVersion: newer}
	var changes []operation.StackChange
	for ready := false; !ready; {
		var err error
		if changes, ready, err = of.Preview(t.Context(), a.cell, acme, "preview-1"); err != nil {
			t.Fatal(err)
		}
	}
	functions := 0
	for _, c := range changes {
		if c.Type == "AWS::Lambda::Function" && slices.Contains(c.Properties, "Code") {
			functions++
		}
		if c.Action != "modify" || c.Replacement == "true" {
			t.Errorf("an upgrade of names alone would %s %s, replacement %q", c.Action, c.Resource, c.Replacement)
		}
	}
	if functions < 8 {
		t.Errorf("the preview names %d functions: %+v", functions, changes)
	}
	if changed, err := of.Upgrade(t.Context(), a.cell, acme, "upgrade-1"); !changed || err != nil {
		t.Fatalf("upgrade: %v, %v", changed, err)
	}
	view := a.settle(t, of, acme)
	if view.Status != operation.StackReady || view.ArtifactVersion != newer || view.ID != id {
		t.Errorf("after the upgrade the stack is %+v", view)
	}
}

// useSearch makes the test's search node the cell's.
func (a *account) useSearch(t *testing.T) {
	t.Helper()
	search := testenv.OpenSearch(t)
	content, err := json.Marshal(map[string]string{"username": search.Username, "password": search.Password})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := secretsmanager.NewFromConfig(a.root).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("earshotops/search-admin"), SecretString: aws.String(string(content)),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.parameters["SearchEndpoint"], a.parameters["SearchCaPem"] = search.URL, search.CAPem
	a.parameters["SearchAdminSecretArn"] = *secret.ARN
	if runtime.GOARCH == "arm64" {
		a.parameters["Architecture"] = "arm64"
	}
}

func (a *account) make(t *testing.T, of *stacks.Stacks, acme tenant.Tenant, token string) operation.StackView {
	t.Helper()
	id, resources, err := of.Create(t.Context(), a.cell, acme, token)
	if err != nil || resources < 40 {
		t.Fatalf("create: %d resources, %v", resources, err)
	}
	view := a.settle(t, of, acme)
	if view.Status != operation.StackReady {
		failure, err := of.FirstFailure(t.Context(), a.cell, id, token)
		t.Fatalf("the stack is in %s: %+v, %v", view.Raw, failure, err)
	}
	for _, output := range []string{"SoftphoneUrl", "TelemetryApi", "UserPoolDomain"} {
		if view.Outputs[output] == "" {
			t.Errorf("the stack has no output %s", output)
		}
	}
	return view
}

func (a *account) remove(t *testing.T, of *stacks.Stacks, acme tenant.Tenant, id, token string) {
	t.Helper()
	if err := of.Delete(t.Context(), a.cell, id, token); err != nil {
		t.Fatal(err)
	}
	if view := a.settle(t, of, acme); view.Status != operation.StackAbsent {
		failure, err := of.FirstFailure(t.Context(), a.cell, id, token)
		t.Fatalf("the stack is in %s: %+v, %v", view.Raw, failure, err)
	}
}

// settle waits until the stack is no longer in motion.
func (a *account) settle(t *testing.T, of *stacks.Stacks, acme tenant.Tenant) operation.StackView {
	t.Helper()
	moving := []operation.StackStatus{operation.StackCreating, operation.StackRollingBack, operation.StackDeleting, operation.StackUpdating}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		view, err := of.Describe(t.Context(), a.cell, acme.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(moving, view.Status) || time.Now().After(deadline) {
			return view
		}
		<-soon(t.Context())
	}
}
