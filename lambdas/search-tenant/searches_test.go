package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
)

const shared = "https://search.example.com"

func TestAPasswordStaysWithItsSearch(t *testing.T) {
	t.Parallel()
	const dedicated, attacker = "https://dedicated.example.com", "https://attacker.example.com"
	one := environment{Search: searchconn.Settings{Endpoint: shared, Auth: searchconn.Basic, SecretARN: "of the shared", CAPem: "ca"}}
	two := one
	two.DedicatedEndpoint, two.DedicatedSecretARN = dedicated, "of the dedicated"
	for _, test := range []struct {
		name                  string
		env                   environment
		isolation, endpoint   string
		wantEndpoint, wantARN string
		wantErr               error
	}{
		{"pooled", one, "pooled", "", shared, "of the shared", nil},
		{"pooled by name", one, "pooled", shared, shared, "of the shared", nil},
		{"an older template", two, "", "", shared, "of the shared", nil},
		{"dedicated", two, "dedicated", dedicated, dedicated, "of the dedicated", nil},
		{"dedicated where the cell has none", one, "dedicated", "", "", "", errNotDedicated},
		{"dedicated among the others", two, "dedicated", "", "", "", errNotDedicated},
		{"dedicated among the others, by name", two, "dedicated", shared, "", "", errNotDedicated},
		{"dedicated elsewhere", one, "dedicated", dedicated, "", "", errForeignEndpoint},
		{"a stranger's", two, "dedicated", attacker, "", "", errForeignEndpoint},
		{"a stranger's, pooled", one, "pooled", attacker, "", "", errForeignEndpoint},
		{"nearly ours", two, "dedicated", dedicated + ":443", "", "", errForeignEndpoint},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := searchesOf(test.env, aws.Config{}).settings(t.Context(), Place{"acme", test.isolation, test.endpoint})
			if !errors.Is(err, test.wantErr) || (err == nil) != (test.wantErr == nil) {
				t.Fatalf("got %v", err)
			}
			want := searchconn.Settings{Endpoint: test.wantEndpoint, Auth: searchconn.Basic, SecretARN: test.wantARN, CAPem: "ca"}
			if err == nil && got != want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Where IAM signs everybody in, a stack is served at its tenant's own domain and at no other's.
func TestADomainServesItsTenantOnly(t *testing.T) {
	t.Parallel()
	account := testenv.AWS(t)
	searches := searchesOf(environment{Search: searchconn.Settings{Endpoint: shared, Auth: searchconn.SigV4}}, account)
	mine, other := testenv.Slug(t), testenv.Slug(t)
	endpoint := makeDomain(t, searches.domains, mine)
	for _, test := range []struct {
		name     string
		place    Place
		wantErr  error
		wantDone bool
	}{
		{"its own", Place{mine, "dedicated", endpoint}, nil, true},
		{"another's", Place{other, "dedicated", endpoint}, errForeignDomain, false},
		{"the others'", Place{mine, "dedicated", shared}, errNotDedicated, false},
		{"pooled", Place{other, "pooled", ""}, nil, true},
	} {
		admin, err := searches.At(t.Context(), test.place)
		if !errors.Is(err, test.wantErr) || (admin != nil) != test.wantDone {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// A stack whose creation was refused must still be deletable, and so must one whose domain was deleted before it.
func TestADeletionNeedsNoSearchThatIsGone(t *testing.T) {
	t.Parallel()
	var said error
	access := &Access{Admin: func(context.Context, Place) (*searchtenant.Admin, error) { return nil, said }}
	request := func(kind cfn.RequestType) customresource.Request {
		return customresource.Request{Type: kind, Slug: "acme"}
	}
	for _, said = range []error{errForeignDomain, errNotDedicated} {
		if err := access.Apply(t.Context(), request(cfn.RequestDelete)); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	for _, said = range []error{errForeignEndpoint, errors.New("throttled")} {
		if err := access.Apply(t.Context(), request(cfn.RequestDelete)); !errors.Is(err, said) {
			t.Errorf("delete while documents may be somewhere: %v", err)
		}
	}
}

func TestAPurgeTakesTheDomain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	domains := w.handler.Leftovers.Domains
	neighbour := testenv.Slug(t)
	makeDomain(t, domains, neighbour)
	makeDomain(t, domains, w.slug)
	left, err := w.direct(t, "sweep")
	if err != nil || !slices.Contains(left, "search domain "+w.slug.DomainName()) {
		t.Errorf("sweep: %q, %v", left, err)
	}
	for range 2 {
		if _, err := w.direct(t, "purge"); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := domains.Left(t.Context(), w.slug); err != nil || len(left) != 0 {
		t.Errorf("left %q, %v", left, err)
	}
	if left, err := domains.Left(t.Context(), neighbour); err != nil || len(left) != 1 {
		t.Errorf("of the neighbour: %q, %v", left, err)
	}
}

// makeDomain makes a tenant's domain and returns its endpoint.
func makeDomain(t *testing.T, domains Domains, s slug.Slug) string {
	t.Helper()
	name := aws.String(s.DomainName())
	if _, err := domains.Client.CreateDomain(t.Context(), &opensearch.CreateDomainInput{DomainName: name}); err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { _, _ = domains.Client.DeleteDomain(ctx, &opensearch.DeleteDomainInput{DomainName: name}) })
	endpoint, err := domains.Endpoint(t.Context(), s)
	if err != nil || endpoint == "" {
		t.Fatalf("endpoint %q, %v", endpoint, err)
	}
	return endpoint
}
