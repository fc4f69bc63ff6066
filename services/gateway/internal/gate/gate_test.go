package gate_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/services/gateway/internal/gate"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
)

var tenant = roster.Tenant{Slug: "acme", Region: "eu-central-1", UserPoolID: "eu-central-1_Own", ClientID: "own-client"}

const issuer = "https://cognito-idp.eu-central-1.amazonaws.com/"

// pool stands in for a user pool: its token is what a test says.
type pool struct {
	server *httptest.Server
	key    *rsa.PrivateKey

	mu    sync.Mutex
	token string     // guarded by mu
	form  url.Values // guarded by mu
}

func newPool(t *testing.T) *pool {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &pool{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/"+tenant.UserPoolID+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": issuer + tenant.UserPoolID, "authorization_endpoint": p.server.URL + "/oauth2/authorize", "token_endpoint": p.server.URL + "/oauth2/token",
			"jwks_uri": p.server.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "own", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.form = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "a", "token_type": "Bearer", "refresh_token": "r", "id_token": p.token})
	})
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func (p *pool) gives(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

// secrets is what the gateway may ask pools.
type secrets struct{ groups []string }

func (secrets) ClientSecret(context.Context, string, string) (string, error) { return "secret", nil }
func (s secrets) Groups(context.Context, string, string) ([]string, error)   { return s.groups, nil }
func (secrets) SignOut(context.Context, string, string) error                { return nil }

func newGate(p *pool, groups ...string) *gate.Gate {
	return gate.New(gate.Config{
		Pools: secrets{groups}, DiscoveryURL: p.server.URL, Now: time.Now,
		PublicURL: func(t roster.Tenant) string { return "https://" + t.Slug.String() + ".gateway.test" },
	})
}

// claims are those of a good token, with what a test changes.
func claims(nonce string, changes map[string]any) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": issuer + tenant.UserPoolID, "aud": tenant.ClientID, "sub": "somebody", "token_use": "id", "email": "m@example.com", "nonce": nonce,
		"cognito:groups": []string{"managers"}, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, keyID string, c map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unsigned is a token with the algorithm "none".
func unsigned(t *testing.T, algorithm string, c map[string]any) string {
	t.Helper()
	body, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := json.Marshal(map[string]string{"alg": algorithm, "typ": "JWT", "kid": "own"})
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
}

// spliced is a token with the claims of another.
func spliced(signed, other string) string {
	parts := strings.Split(signed, ".")
	parts[1] = strings.Split(other, ".")[1]
	return strings.Join(parts, ".")
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestAttackIDTokens: each row is what a pool's token endpoint answers; only the good one makes a session.
func TestAttackIDTokens(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	g := newGate(p)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own := func(changes map[string]any) func(string) string {
		return func(nonce string) string {
			return sign(t, jose.RS256, p.key, "own", claims(nonce, changes))
		}
	}
	public := []byte(tenant.ClientID) // what an HMAC is made with by who takes a public text for a key
	for name, row := range map[string]struct {
		token func(string) string
		want  error
	}{
		"a good one":                    {own(nil), nil},
		"of another pool":               {own(map[string]any{"iss": issuer + "eu-central-1_Other"}), gate.ErrRefused},
		"of another region's":           {own(map[string]any{"iss": strings.Replace(issuer, "central", "west", 1) + tenant.UserPoolID}), gate.ErrRefused},
		"for another client":            {own(map[string]any{"aud": "other-client"}), gate.ErrRefused},
		"for two clients, neither ours": {own(map[string]any{"aud": []string{"a", "b"}}), gate.ErrRefused},
		"for nobody":                    {own(map[string]any{"aud": nil}), gate.ErrRefused},
		"that is over":                  {own(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), gate.ErrRefused},
		"that never ends":               {own(map[string]any{"exp": nil}), gate.ErrRefused},
		"of another sign-in":            {own(map[string]any{"nonce": "other"}), gate.ErrRefused},
		"without a nonce":               {own(map[string]any{"nonce": nil}), gate.ErrRefused},
		"that is an access token":       {own(map[string]any{"token_use": "access"}), gate.ErrRefused},
		"without a use":                 {own(map[string]any{"token_use": nil}), gate.ErrRefused},
		"of nobody":                     {own(map[string]any{"sub": ""}), gate.ErrRefused},
		"of another's groups":           {own(map[string]any{"cognito:groups": []string{"admins", "Managers"}}), gate.ErrNoGroup},
		"of both groups":                {own(map[string]any{"cognito:groups": []string{"managers", "viewers"}}), gate.ErrNoGroup},
		"of no group, nor in the pool":  {own(map[string]any{"cognito:groups": nil}), gate.ErrNoGroup},
		"signed by another pool's key":  {func(n string) string { return sign(t, jose.RS256, foreign, "own", claims(n, nil)) }, gate.ErrRefused},
		"signed by a key nobody knows":  {func(n string) string { return sign(t, jose.RS256, foreign, "other", claims(n, nil)) }, gate.ErrRefused},
		"with another algorithm":        {func(n string) string { return sign(t, jose.RS512, p.key, "own", claims(n, nil)) }, gate.ErrRefused},
		"with an HMAC of a public text": {func(n string) string {
			return sign(t, jose.HS256, append(public, make([]byte, 32)...), "own", claims(n, nil))
		}, gate.ErrRefused},
		"without a signature, alg none":  {func(n string) string { return unsigned(t, "none", claims(n, nil)) }, gate.ErrRefused},
		"without a signature, alg nOnE":  {func(n string) string { return unsigned(t, "nOnE", claims(n, nil)) }, gate.ErrRefused},
		"without a signature, alg RS256": {func(n string) string { return unsigned(t, "RS256", claims(n, nil)) }, gate.ErrRefused},
		"that is none":                   {func(string) string { return "x" }, gate.ErrRefused},
		"that is missing":                {func(string) string { return "" }, gate.ErrRefused},
		"whose middle was changed": {func(n string) string {
			return spliced(sign(t, jose.RS256, p.key, "own", claims(n, nil)), unsigned(t, "RS256", claims(n, map[string]any{"sub": "other"})))
		}, gate.ErrRefused},
	} {
		_, begun, err := g.Begin(t.Context(), tenant, "/")
		if err != nil {
			t.Fatal(err)
		}
		p.gives(row.token(begun.Nonce))
		got, err := g.End(t.Context(), tenant, begun, begun.State, "code")
		if !errors.Is(err, row.want) || row.want == nil && (err != nil || got.Subject != "somebody" || !got.Editor) || row.want != nil && got != (session.Session{}) {
			t.Errorf("a token %s: %+v, %v", name, got, err)
		}
	}
}

// TestASignInProvesItsBeginning: the code is sent with the verifier of the browser that began, and with our secret.
func TestASignInProvesItsBeginning(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	g := newGate(p)
	address, begun, err := g.Begin(t.Context(), tenant, "/app")
	if err != nil {
		t.Fatal(err)
	}
	query := mustParse(t, address).Query()
	if query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") == "" || query.Get("state") != begun.State || query.Get("nonce") != begun.Nonce ||
		query.Get("redirect_uri") != "https://acme.gateway.test/auth/callback" || begun.Return != "/app" {
		t.Errorf("the browser is sent to %s", address)
	}
	p.gives(sign(t, jose.RS256, p.key, "own", claims(begun.Nonce, nil)))
	if _, err := g.End(t.Context(), tenant, begun, begun.State, "code"); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	if p.form.Get("code_verifier") != begun.Verifier || p.form.Get("redirect_uri") != query.Get("redirect_uri") {
		t.Errorf("the pool is told %v", p.form)
	}
	p.form = nil
	p.mu.Unlock()
	if _, err := g.End(t.Context(), tenant, begun, "other", "code"); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("another state: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.form != nil {
		t.Error("the pool was asked for a token of another sign-in")
	}
}

// TestAttackARenewedToken: it may not be somebody else's, nor another pool's.
func TestAttackARenewedToken(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	g := newGate(p, "viewers")
	old := session.Session{Subject: "somebody", Editor: true, Refresh: "r"}
	p.gives(sign(t, jose.RS256, p.key, "own", claims("", map[string]any{"cognito:groups": nil, "nonce": nil})))
	if got, err := g.Renew(t.Context(), tenant, old); err != nil || got.Editor || got.Subject != "somebody" {
		t.Errorf("renewed: %+v, %v", got, err)
	}
	for name, changes := range map[string]map[string]any{"of somebody else": {"sub": "other"}, "of another pool": {"iss": issuer + "other"}, "that is over": {"exp": 1}} {
		p.gives(sign(t, jose.RS256, p.key, "own", claims("", changes)))
		if got, err := g.Renew(t.Context(), tenant, old); !errors.Is(err, gate.ErrRefused) || got != (session.Session{}) {
			t.Errorf("a token %s: %+v, %v", name, got, err)
		}
	}
}
