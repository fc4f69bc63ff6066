package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/searchconn"
	"github.com/earshot-hq/earshot/internal/searchtenant"
	"github.com/earshot-hq/earshot/internal/slug"
)

// properties are those of Custom::SearchTenant.
type properties struct {
	Slug            string
	Isolation       string // empty in stacks of older templates
	Endpoint        string // empty: the cell's
	WriterPrincipal string // ARNs of the tenant's IAM roles
	ReaderPrincipal string
	EditorPrincipal string
	WriterSecretArn string // empty where IAM signs everybody in
	ReaderSecretArn string
	ArtifactVersion string // a new one has the templates of a new provider put in place
}

// Access gives tenants their access to search and takes it away.
type Access struct {
	// Admin returns the administrator of the search at a place, or why there is none.
	Admin func(ctx context.Context, p Place) (*searchtenant.Admin, error)
	// Secret reads the user in a tenant's secret.
	Secret func(ctx context.Context, arn string) (searchconn.Credentials, error)
}

var (
	errForeignSecret = errors.New("the secret is not one of the tenant's")
	errForeignRole   = errors.New("the role is not one of the tenant's")
)

// Apply serves one request of a stack; it is a customresource.Provider's.
func (a *Access) Apply(ctx context.Context, r customresource.Request) error {
	var in properties
	if err := r.Properties(&in); err != nil {
		if r.Type != cfn.RequestDelete {
			return err
		}
		in = properties{} // a stack whose properties were refused at its creation must still be deletable
	}
	admin, err := a.Admin(ctx, Place{Slug: r.Slug, Isolation: in.Isolation, Endpoint: in.Endpoint})
	if r.Type == cfn.RequestDelete && (errors.Is(err, errForeignDomain) || errors.Is(err, errNotDedicated)) {
		// Nothing was granted there, or the tenant's domain is gone with all that was. An endpoint that the cell names no more is
		// another matter: the tenant's documents may be there.
		return nil
	}
	if err != nil {
		return err
	}
	if r.Type == cfn.RequestDelete {
		return admin.Revoke(ctx, r.Slug, r.StackID)
	}
	grant, err := a.grant(ctx, r, in)
	if err != nil {
		return err
	}
	return admin.Apply(ctx, grant)
}

func (a *Access) grant(ctx context.Context, r customresource.Request, in properties) (searchtenant.Grant, error) {
	g := searchtenant.Grant{Slug: r.Slug, StackID: r.StackID}
	for _, of := range []struct {
		identity  *searchtenant.Identity
		principal string
		secret    string
	}{
		{&g.Writer, in.WriterPrincipal, in.WriterSecretArn},
		{&g.Reader, in.ReaderPrincipal, in.ReaderSecretArn},
		{&g.Editor, in.EditorPrincipal, ""},
	} {
		identity, err := a.identity(ctx, r.Slug, of.principal, of.secret)
		if err != nil {
			return g, err
		}
		*of.identity = identity
	}
	return g, nil
}

// identity reads who gets a role. It takes only roles and secrets that carry the tenant's name: a stack cannot hand the
// tenant's data to somebody else, nor have another user's password set.
func (a *Access) identity(ctx context.Context, s slug.Slug, principal, secret string) (searchtenant.Identity, error) {
	if !strings.Contains(principal, ":role/"+s.ResourcePrefix()) {
		return searchtenant.Identity{}, fmt.Errorf("%w: %q", errForeignRole, principal)
	}
	identity := searchtenant.Identity{Principal: principal}
	if secret == "" {
		return identity, nil
	}
	if !strings.Contains(secret, ":secret:"+s.SecretPrefix()) {
		return searchtenant.Identity{}, fmt.Errorf("%w: %q", errForeignSecret, secret)
	}
	credentials, err := a.Secret(ctx, secret)
	identity.Username, identity.Password = credentials.Username, credentials.Password
	return identity, err
}
