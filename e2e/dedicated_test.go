package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	formation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/earshot-hq/earshot/e2e/world"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
)

const sovereign = slug.Slug("sovereign")

// TestADedicatedTenantHasASearchOfItsOwn walks a dedicated tenant from its onboarding to its end: all that it has in search is
// on the second node and nothing on the first, and the pooled neighbour is not touched.
func TestADedicatedTenantHasASearchOfItsOwn(t *testing.T) {
	w := setup(t)
	there := w.OnDedicated(t)
	neighbour := w.Digest(t, acme.IndexPattern())

	draft := world.Draft(string(sovereign))
	draft["isolation"] = "dedicated"
	tenant := w.Onboard(t, draft) // its probe has found the synthetic call's documents
	if tenant["isolation"] != "dedicated" {
		t.Errorf("its isolation is %v", tenant["isolation"])
	}
	call := samplecall.New(samplecall.Options{
		Agent: "ada.crown", Queue: "Orders", RoutingProfile: "Retail",
		Start: time.Now().Add(-time.Minute).Truncate(time.Millisecond), Duration: 20 * time.Second,
	})
	w.Post(t, tenant, call)
	there.FindExactly(t, string(sovereign), "ada.crown", call)

	t.Run("all that it has is on the second node", func(t *testing.T) {
		for _, path := range searchStores(sovereign) {
			if names := named(t, there, path, sovereign); !names {
				t.Errorf("%s of the second node does not name it", path)
			}
			if names := named(t, w, path, sovereign); names {
				t.Errorf("%s of the shared node names it", path)
			}
			if names := named(t, there, path, acme); names {
				t.Errorf("%s of the second node names the pooled neighbour", path)
			}
		}
	})
	t.Run("passwords are good for one node", func(t *testing.T) { tryPasswords(t, w, there) })
	t.Run("off-boarding leaves nothing on either", func(t *testing.T) {
		domains := opensearch.NewFromConfig(w.AWS())
		makeDomain(t, domains)
		w.Offboard(t, string(sovereign), "delete")
		for _, path := range searchStores(sovereign) {
			if named(t, w, path, sovereign) || named(t, there, path, sovereign) {
				t.Errorf("%s still names it", path)
			}
		}
		_, err := domains.DescribeDomain(t.Context(), &opensearch.DescribeDomainInput{DomainName: aws.String(sovereign.DomainName())})
		var absent *types.ResourceNotFoundException
		if !errors.As(err, &absent) {
			t.Errorf("its domain: %v", err)
		}
	})
	if now := w.Digest(t, acme.IndexPattern()); now != neighbour {
		t.Errorf("acme had %s and has %s", neighbour, now)
	}
}

// TestADedicatedTenantIsRefusedWithoutItsSearch asks CloudFormation for a dedicated tenant of a cell that has no search for it: it
// must never end up among the pooled ones.
func TestADedicatedTenantIsRefusedWithoutItsSearch(t *testing.T) {
	w := setup(t)
	parameters := w.Parameters(t, acme.StackName())
	parameters["Slug"], parameters["Isolation"], parameters["DedicatedSearchEndpoint"] = "homeless", "dedicated", ""
	in := &cloudformation.CreateStackInput{
		StackName:    aws.String(slug.Slug("homeless").StackName()),
		TemplateURL:  aws.String(w.AWSEndpoint + "/" + parameters["ArtifactBucket"] + "/" + parameters["ArtifactVersion"] + "/templates/tenant.yaml"),
		Capabilities: []formation.Capability{formation.CapabilityCapabilityNamedIam},
	}
	for name, value := range parameters {
		in.Parameters = append(in.Parameters, formation.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
	}
	_, err := cloudformation.NewFromConfig(w.AWS()).CreateStack(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "needs a search of its own") || !strings.Contains(err.Error(), "EARSHOT_DEDICATED_SEARCH=true") {
		t.Errorf("CreateStack: %v", err)
	}
}

// searchStores are the places in search that name what a tenant has.
func searchStores(s slug.Slug) []string {
	const security = "/_plugins/_security/api/"
	return []string{
		"/_cat/indices/" + s.IndexPattern() + "?h=index", "/_index_template/" + s.ResourcePrefix() + "*",
		security + "roles", security + "rolesmapping", security + "internalusers", security + "tenants",
	}
}

// named reports whether what a node answers names a tenant.
func named(t *testing.T, w *world.World, path string, s slug.Slug) bool {
	t.Helper()
	status, raw := w.Search(t.Context(), t, http.MethodGet, path, nil)
	if status != http.StatusOK && status != http.StatusNotFound {
		t.Fatalf("%s answered %d: %.200s", path, status, raw)
	}
	words := strings.FieldsFunc(string(raw), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return slices.Contains(words, string(s))
}

// tryPasswords tries each node's identities at the other.
func tryPasswords(t *testing.T, w, there *world.World) {
	t.Helper()
	admin := func(of *world.World) world.Identity {
		return world.Identity{Username: of.OpenSearch.Username, Password: of.OpenSearch.Password}
	}
	for _, test := range []struct {
		name       string
		node       *world.World
		who        world.Identity
		wantStatus int
	}{
		{"the tenant's reader on its node", there, w.Password(t, sovereign.SecretPrefix()+"reader"), http.StatusOK},
		{"the tenant's reader on the shared one", w, w.Password(t, sovereign.SecretPrefix()+"reader"), http.StatusUnauthorized},
		{"the tenant's writer on the shared one", w, w.Password(t, sovereign.SecretPrefix()+"writer"), http.StatusUnauthorized},
		{"a pooled reader on the second", there, w.Password(t, acme.SecretPrefix()+"reader"), http.StatusUnauthorized},
		{"the shared administrator on the second", there, admin(w), http.StatusUnauthorized},
		{"the second's administrator on the shared one", w, admin(there), http.StatusUnauthorized},
	} {
		if status, _ := test.node.SearchAs(t.Context(), t, test.who, http.MethodGet, "/"+sovereign.IndexPattern()+"/_count", nil); status != test.wantStatus {
			t.Errorf("%s: %d, want %d", test.name, status, test.wantStatus)
		}
	}
}

// makeDomain makes the domain that the tenant's stack would have made and left on AWS; no node stands behind it.
func makeDomain(t *testing.T, domains *opensearch.Client) {
	t.Helper()
	name := aws.String(sovereign.DomainName())
	if _, err := domains.CreateDomain(t.Context(), &opensearch.CreateDomainInput{DomainName: name}); err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = domains.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: name}) })
}
