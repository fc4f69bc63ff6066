package signin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/signin"
)

// directory knows two tenants.
func directory(_ context.Context, slugs []string) (ids []string, err error) {
	for _, s := range slugs {
		if id, known := map[string]string{"acme": "id of acme", "beta": "id of beta"}[s]; known {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// TestAnotherIssuer has the tokens of an issuer that is not Cognito: an audience, ES256, roles inside of another claim, names of
// its own for them, and a claim for tenants.
func TestAnotherIssuer(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}}
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			answer = map[string]string{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/keys"}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer issuer.Close()
	v := verifier(t, signin.Config{
		Issuer: issuer.URL, ClientID: client, Audience: "https://admin.earshot.example", Algorithms: []string{"ES256", "PS256"},
		RoleClaim: "/realm_access/roles", Roles: map[string]access.Role{"earshot-admins": access.Owner, "earshot-readers": access.Auditor},
		TenantsClaim: "https://earshot.example/tenants", Tenants: directory,
	})
	token := func(audience any, role any, tenants any) string {
		return sign(t, jose.ES256, jose.JSONWebKey{Key: key, KeyID: "k"}, map[string]any{
			"iss": issuer.URL, "sub": "s", "aud": audience, "preferred_username": "ada", "exp": time.Now().Add(time.Hour).Unix(),
			"realm_access": map[string]any{"roles": role}, "https://earshot.example/tenants": tenants,
		})
	}
	const ours = "https://admin.earshot.example"
	for name, row := range map[string]struct {
		token string
		role  access.Role
		scope access.Scope
		want  error
	}{
		"an owner of all":       {token([]string{"x", ours}, []string{"earshot-admins"}, []string{"*"}), access.Owner, access.Scope{All: true}, nil},
		"a reader of one":       {token(ours, "earshot-readers other", "acme"), access.Auditor, access.Scope{TenantIDs: []string{"id of acme"}}, nil},
		"the higher of two":     {token(ours, []string{"earshot-readers", "earshot-admins"}, []string{"acme", "beta", "gone"}), access.Owner, access.Scope{TenantIDs: []string{"id of acme", "id of beta"}}, nil},
		"without its tenants":   {token(ours, "earshot-admins", nil), access.Owner, access.Scope{}, nil},
		"tenants of no kind":    {token(ours, "earshot-admins", []any{7, "A*", "**", "*,acme", map[string]any{"*": true}}), access.Owner, access.Scope{}, nil},
		"tenants as an object":  {token(ours, "earshot-admins", map[string]any{"*": "*"}), access.Owner, access.Scope{}, nil},
		"another audience":      {token("https://other.example", "earshot-admins", "*"), "", access.Scope{}, access.ErrUnauthenticated},
		"no audience":           {token(nil, "earshot-admins", "*"), "", access.Scope{}, access.ErrUnauthenticated},
		"a role by our name":    {token(ours, "owner", "*"), "", access.Scope{}, access.ErrForbidden},
		"a role that is a hash": {token(ours, map[string]any{"earshot-admins": true}, "*"), "", access.Scope{}, access.ErrForbidden},
	} {
		actor, err := v.Verify(t.Context(), row.token)
		if !errors.Is(err, row.want) || actor.Role != row.role || !reflect.DeepEqual(actor.Scope, row.scope) {
			t.Errorf("%s: got %+v, %v", name, actor, err)
		}
		if err == nil && actor.Name != "ada" {
			t.Errorf("%s: the name is %q", name, actor.Name)
		}
	}
}

func TestTenantsThatCannotBeFound(t *testing.T) {
	t.Parallel()
	i, lost := newIssuer(t), errors.New("lost")
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client, TenantsClaim: "tenants", Tenants: func(context.Context, []string) ([]string, error) {
		return nil, lost
	}})
	if actor, err := v.Verify(t.Context(), i.token(t, map[string]any{"tenants": "acme"})); !errors.Is(err, lost) || actor.Subject != "" {
		t.Errorf("got %+v, %v", actor, err)
	}
}

func TestAttackConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]signin.Config{
		"no signature at all": {Algorithms: []string{"none"}}, "a shared secret": {Algorithms: []string{"RS256", "HS256"}},
		"a role that is none": {Roles: map[string]access.Role{"x": "root"}}, "the product's role": {Roles: map[string]access.Role{"x": access.System}},
		"nobody knows tenants": {TenantsClaim: "tenants"},
	} {
		if _, err := signin.New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := signin.New(signin.Config{Algorithms: []string{"EdDSA"}}); err != nil {
		t.Error(err)
	}
}
