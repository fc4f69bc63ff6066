package signin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/signin"
)

const client = "the client"

// An issuer signs tokens as Cognito does, and counts what it is asked.
type issuer struct {
	*httptest.Server
	key   *rsa.PrivateKey
	asked atomic.Int32
	away  atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.asked.Add(1)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i.away.Load():
		w.WriteHeader(http.StatusBadGateway)
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"end_session_endpoint": i.URL + "/logout", "id_token_signing_alg_values_supported": []string{"RS256", "HS256"},
		})
	default:
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: i.key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"},
		}})
	}
}

// token signs the claims of a valid access token, changed.
func (i *issuer) token(t *testing.T, change map[string]any) string {
	t.Helper()
	return sign(t, jose.RS256, jose.JSONWebKey{Key: i.key, KeyID: "one"}, i.claims(change))
}

func (i *issuer) claims(change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "sub": "subject", "client_id": client, "token_use": "access", "username": "owner@earshot.example",
		"cognito:groups": []string{"owner"}, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	maps.Copy(claims, change)
	return claims
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
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

func verifier(t *testing.T, c signin.Config) *signin.Verifier {
	t.Helper()
	v, err := signin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerify(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client})
	for groups, role := range map[string]access.Role{
		"owner": access.Owner, "operator": access.Operator, "auditor": access.Auditor, "managers auditor owner": access.Owner,
	} {
		actor, err := v.Verify(t.Context(), i.token(t, map[string]any{"cognito:groups": strings.Fields(groups)}))
		if err != nil || actor.Role != role || actor.Subject != "subject" || actor.Name != "owner@earshot.example" || !actor.Scope.All {
			t.Errorf("groups %s: got %+v, %v", groups, actor, err)
		}
	}
}

func TestAttackTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client})
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := i.claims(nil)
	good := i.token(t, nil)
	parts := strings.Split(good, ".")
	for name, row := range map[string]struct {
		token string
		want  error
	}{
		"nothing":                 {"", access.ErrUnauthenticated},
		"no token":                {"x.y.z", access.ErrUnauthenticated},
		"another issuer":          {i.token(t, map[string]any{"iss": "https://evil.example"}), access.ErrUnauthenticated},
		"another client":          {i.token(t, map[string]any{"client_id": "another"}), access.ErrUnauthenticated},
		"no client":               {i.token(t, map[string]any{"client_id": nil, "aud": client}), access.ErrUnauthenticated},
		"an id token":             {i.token(t, map[string]any{"token_use": "id", "aud": client}), access.ErrUnauthenticated},
		"a key's name":            {i.token(t, map[string]any{"sub": "key:1"}), access.ErrUnauthenticated},
		"an operation's name":     {i.token(t, map[string]any{"sub": "operation:1"}), access.ErrUnauthenticated},
		"an id token of others":   {i.token(t, map[string]any{"token_use": nil, "nonce": "n"}), access.ErrUnauthenticated},
		"no subject":              {i.token(t, map[string]any{"sub": ""}), access.ErrUnauthenticated},
		"expired":                 {i.token(t, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), access.ErrUnauthenticated},
		"without an end":          {i.token(t, map[string]any{"exp": nil}), access.ErrUnauthenticated},
		"not yet":                 {i.token(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}), access.ErrUnauthenticated},
		"unsigned":                {"eyJhbGciOiJub25lIn0." + parts[1] + ".", access.ErrUnauthenticated},
		"signature cut off":       {parts[0] + "." + parts[1] + ".", access.ErrUnauthenticated},
		"signed by another":       {sign(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: "one"}, claims), access.ErrUnauthenticated},
		"an unknown key":          {sign(t, jose.RS256, jose.JSONWebKey{Key: other, KeyID: "two"}, claims), access.ErrUnauthenticated},
		"public key as a secret":  {sign(t, jose.HS256, jose.JSONWebKey{Key: i.key.N.Bytes(), KeyID: "one"}, claims), access.ErrUnauthenticated},
		"another algorithm":       {sign(t, jose.RS384, jose.JSONWebKey{Key: i.key, KeyID: "one"}, claims), access.ErrUnauthenticated},
		"no group":                {i.token(t, map[string]any{"cognito:groups": nil}), access.ErrForbidden},
		"a group of another kind": {i.token(t, map[string]any{"cognito:groups": []string{"managers", "Owner", "system"}}), access.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if actor, err := v.Verify(t.Context(), row.token); !errors.Is(err, row.want) || actor.Role != "" {
				t.Errorf("got %+v, %v, want %v", actor, err, row.want)
			}
		})
	}
}

func TestInventedKeysDoNotReachTheIssuer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client})
	forged := sign(t, jose.RS256, jose.JSONWebKey{Key: i.key, KeyID: "invented"}, i.claims(nil))
	for range 20 {
		if _, err := v.Verify(t.Context(), forged); !errors.Is(err, access.ErrUnauthenticated) {
			t.Fatalf("got %v", err)
		}
	}
	if asked := i.asked.Load(); asked > 2 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

func TestIssuerThatIsAway(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.away.Store(true)
	now := time.Now()
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client, Now: func() time.Time { return now }})
	for range 3 {
		if _, err := v.Verify(t.Context(), i.token(t, nil)); !errors.Is(err, signin.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if err := v.Ping(t.Context()); !errors.Is(err, signin.ErrUnavailable) || i.asked.Load() != 1 {
		t.Errorf("got %v; the issuer was asked %d times", err, i.asked.Load())
	}
	i.away.Store(false)
	now = now.Add(2 * time.Second)
	if _, err := v.Verify(t.Context(), i.token(t, nil)); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

func TestKeysThatAreAway(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client})
	if err := v.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.away.Store(true)
	if _, err := v.Verify(t.Context(), i.token(t, nil)); !errors.Is(err, signin.ErrUnavailable) {
		t.Errorf("without keys: %v", err)
	}
	i.away.Store(false)
	// The first may still share the answer that the one before it got.
	_, _ = v.Verify(t.Context(), i.token(t, nil))
	if _, err := v.Verify(t.Context(), i.token(t, nil)); err != nil {
		t.Errorf("with keys: %v", err)
	}
	i.Close()
	if _, err := v.Verify(t.Context(), i.token(t, nil)); err != nil {
		t.Errorf("known keys were forgotten: %v", err)
	}
}

// TestDiscoveryElsewhere is how a local emulator is: it names the real issuer and serves its description itself.
func TestDiscoveryElsewhere(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	const issuerOnAWS = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x"
	v := verifier(t, signin.Config{Issuer: issuerOnAWS, ClientID: client, DiscoveryURL: i.URL})
	if _, err := v.Verify(t.Context(), i.token(t, map[string]any{"iss": issuerOnAWS})); err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := v.Verify(t.Context(), i.token(t, nil)); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("the emulator's own name got %v", err)
	}
}

func TestBrowsersLearnWhereToSignIn(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.away.Store(true)
	v := verifier(t, signin.Config{Issuer: i.URL, ClientID: client, Now: clock()})
	if _, err := v.Endpoints(t.Context()); !errors.Is(err, signin.ErrUnavailable) {
		t.Errorf("the issuer is away: %v", err)
	}
	i.away.Store(false)
	want := signin.Endpoints{Issuer: i.URL, Authorization: i.URL + "/authorize", Token: i.URL + "/token", EndSession: i.URL + "/logout"}
	if got, err := v.Endpoints(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// clock goes on by a minute each time that it is asked.
func clock() func() time.Time {
	now := time.Now()
	return func() time.Time {
		now = now.Add(time.Minute)
		return now
	}
}
