package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/earshot-hq/earshot/e2e/world"
)

// TestAttackTokens shows the running admin API tokens that are not its own, among them some signed with the very key of the
// admins' pool, and a manager's from a tenant's pool who is in a group called owner there.
func TestAttackTokens(t *testing.T) {
	w, tenants := neighbours(t)
	good := strings.Split(w.Token(), ".")
	key := poolKey(t, w)
	claims := func(change map[string]any) map[string]any {
		all := map[string]any{}
		token, err := jose.ParseSigned(w.Token(), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(token.UnsafePayloadWithoutVerification(), &all); err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, change)
		return all
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.Key.(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	manager := signIn(t, w, w.Outputs(t, acme.StackName())["UserPoolId"])
	other := signIn(t, w, path.Base(w.AdminIssuer))
	anHour := time.Now().Add(time.Hour).Unix()
	for name, token := range map[string]string{
		"none": "", "no token": "x.y.z", "the password": w.AdminUser.Password,
		"a tenant's manager": manager.access, "a tenant's manager's id": manager.id,
		"of another client of the pool": other.access, "an id token of the pool": other.id,
		"another issuer":         sign(t, jose.RS256, key, claims(map[string]any{"iss": "https://evil.example"})),
		"a tenant's issuer":      sign(t, jose.RS256, key, claims(map[string]any{"iss": path.Dir(w.AdminIssuer) + "/" + tenants[acme].Slug()})),
		"another client":         sign(t, jose.RS256, key, claims(map[string]any{"client_id": "another"})),
		"an audience instead":    sign(t, jose.RS256, key, claims(map[string]any{"client_id": nil, "aud": w.AdminClientID})),
		"an id token":            sign(t, jose.RS256, key, claims(map[string]any{"token_use": "id", "aud": w.AdminClientID})),
		"expired":                sign(t, jose.RS256, key, claims(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})),
		"without an end":         sign(t, jose.RS256, key, claims(map[string]any{"exp": nil})),
		"not yet":                sign(t, jose.RS256, key, claims(map[string]any{"nbf": anHour})),
		"another algorithm":      sign(t, jose.RS512, key, claims(nil)),
		"another padding":        sign(t, jose.PS256, key, claims(nil)),
		"unsigned":               "eyJhbGciOiJub25lIn0." + good[1] + ".",
		"signature cut off":      good[0] + "." + good[1] + ".",
		"other claims":           good[0] + "." + strings.Split(other.access, ".")[1] + "." + good[2],
		"signed by a stranger":   sign(t, jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: key.KeyID}, claims(nil)),
		"an unknown key":         sign(t, jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: "unknown"}, claims(nil)),
		"public key as a secret": sign(t, jose.HS256, jose.JSONWebKey{Key: secret, KeyID: key.KeyID}, claims(nil)),
	} {
		status, header, answer := world.Ask(t, http.MethodGet, w.AdminAPI+"/v1/tenants", nil, "Authorization", "Bearer "+token)
		if status != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "" || strings.Contains(string(answer), "acme") {
			t.Errorf("%s: %d %.300s", name, status, answer)
		}
	}
	own := sign(t, jose.RS256, key, claims(nil))
	for name, token := range map[string]string{"the owner's": w.Token(), "signed anew with the pool's key": own} {
		if status, _, answer := world.Ask(t, http.MethodGet, w.AdminAPI+"/v1/tenants", nil, "Authorization", "Bearer "+token); status != http.StatusOK {
			t.Errorf("%s: %d %.300s", name, status, answer)
		}
	}
	nobody := sign(t, jose.RS256, key, claims(map[string]any{"cognito:groups": []string{"managers"}}))
	if status, _, answer := world.Ask(t, http.MethodGet, w.AdminAPI+"/v1/tenants", nil, "Authorization", "Bearer "+nobody); status != http.StatusForbidden {
		t.Errorf("who is in no group of admins: %d %.300s", status, answer)
	}
}

// poolKey is the key with which the emulator signs the admins' access tokens; it keeps it in its own state.
func poolKey(t *testing.T, w *world.World) jose.JSONWebKey {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.State, "aws", "state", "cognito-pool-keys", path.Base(w.AdminIssuer)+"-access.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.ParseSigned(w.Token(), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: token.Signatures[0].Header.KeyID}
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key jose.JSONWebKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type tokens struct{ access, id string }

// signIn makes a person in a pool, in a group called owner, and a client to sign in with, and returns the person's tokens. Both
// are removed at the end.
func signIn(t *testing.T, w *world.World, pool string) tokens {
	t.Helper()
	cognito := cognitoidentityprovider.NewFromConfig(w.AWS())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	email, password := aws.String("stranger@example.com"), aws.String("Of-a-Stranger-1")
	client, err := cognito.CreateUserPoolClient(t.Context(), &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("stranger"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	must(err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, _ = cognito.DeleteUserPoolClient(ctx, &cognitoidentityprovider.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: client.UserPoolClient.ClientId})
		_, _ = cognito.AdminDeleteUser(ctx, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &pool, Username: email})
	})
	must(none(cognito.AdminCreateUser(t.Context(), &cognitoidentityprovider.AdminCreateUserInput{ // without a password of ours the emulator makes too short a one
		UserPoolId: &pool, Username: email, TemporaryPassword: password, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: email}},
	})))
	must(none(cognito.AdminSetUserPassword(t.Context(), &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: email, Password: password, Permanent: true,
	})))
	if _, err := cognito.CreateGroup(t.Context(), &cognitoidentityprovider.CreateGroupInput{UserPoolId: &pool, GroupName: aws.String("owner")}); err == nil {
		t.Cleanup(func() {
			_, _ = cognito.DeleteGroup(context.WithoutCancel(t.Context()), &cognitoidentityprovider.DeleteGroupInput{UserPoolId: &pool, GroupName: aws.String("owner")})
		})
	}
	must(none(cognito.AdminAddUserToGroup(t.Context(), &cognitoidentityprovider.AdminAddUserToGroupInput{
		UserPoolId: &pool, Username: email, GroupName: aws.String("owner"),
	})))
	got, err := cognito.InitiateAuth(t.Context(), &cognitoidentityprovider.InitiateAuthInput{
		ClientId: client.UserPoolClient.ClientId, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": *email, "PASSWORD": *password},
	})
	must(err)
	return tokens{access: aws.ToString(got.AuthenticationResult.AccessToken), id: aws.ToString(got.AuthenticationResult.IdToken)}
}
