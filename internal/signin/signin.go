// Package signin turns bearer tokens of the admins' sign-in (OpenID Connect; Amazon Cognito by default) into actors.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
)

// ErrUnavailable is the fault of a sign-in whose keys cannot be had: nobody can be recognised until they can.
var ErrUnavailable = fault.New(fault.Unavailable, "signin.unavailable",
	"The admins' sign-in cannot be reached, so that nobody can be recognised. Try again in a moment.")

// Config says whose tokens are taken, and what their claims mean. Zero values get the defaults named, which are Cognito's.
type Config struct {
	Issuer       string // what tokens must name as their issuer
	ClientID     string // the client that they must have been made for
	DiscoveryURL string // where the issuer describes itself, if elsewhere: local emulators only

	// Audience is what `aud` must name. Empty: the client's id must stand in client_id, since Cognito's access tokens have no
	// audience.
	Audience   string
	Algorithms []string // RS256; those with which a token may be signed
	RoleClaim  string   // cognito:groups; a claim's name, or a pointer (RFC 6901) to one inside of another
	// Roles says which value of the role claim is which role; by default each role by its own name.
	Roles map[string]access.Role
	// TenantsClaim has the slugs of the tenants that the holder reaches, or "*" for all. Empty: everybody reaches all.
	TenantsClaim string
	// Tenants returns the ids of the tenants that hold the slugs.
	Tenants func(ctx context.Context, slugs []string) ([]string, error)

	Now func() time.Time
}

// mayBeAllowed are the algorithms that may be chosen. Each has a key that the issuer keeps to itself: with a shared secret, or
// with none, whoever knows the public description could sign.
var mayBeAllowed = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// complete fills the defaults in, and returns what of the configuration cannot be.
func (c *Config) complete() error {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{oidc.RS256}
	}
	for _, algorithm := range c.Algorithms {
		if !slices.Contains(mayBeAllowed, algorithm) {
			return fmt.Errorf("signing algorithm %q cannot be allowed; choose of %s", algorithm, strings.Join(mayBeAllowed, ", "))
		}
	}
	if c.RoleClaim == "" {
		c.RoleClaim = "cognito:groups"
	}
	if len(c.Roles) == 0 {
		c.Roles = map[string]access.Role{}
		for _, role := range roles {
			c.Roles[string(role)] = role
		}
	}
	for value, role := range c.Roles {
		if !slices.Contains(roles, role) {
			return fmt.Errorf("value %q of claim %s stands for %q, which is none of the roles owner, operator and auditor", value, c.RoleClaim, role)
		}
	}
	if c.TenantsClaim != "" && c.Tenants == nil {
		return errors.New("a claim names tenants, and nobody knows their ids")
	}
	return nil
}

// roles are those that a claim may give, the highest first.
var roles = []access.Role{access.Owner, access.Operator, access.Auditor}

// A Verifier recognises callers. Its methods may be called from any goroutine.
type Verifier struct {
	config Config
	client *http.Client

	mu        sync.Mutex
	verifier  *oidc.IDTokenVerifier // nil until the issuer has answered once
	endpoints Endpoints             // known when verifier is
	failed    error                 // why it has not
	retryAt   time.Time
}

// Endpoints is where browsers sign in, as the issuer describes itself.
type Endpoints struct {
	Issuer        string // what tokens name
	Authorization string // where a person signs in
	Token         string // where a code becomes tokens
	EndSession    string // where a person signs out; empty: nowhere
}

const (
	fetchTimeout = 5 * time.Second
	retryPause   = time.Second      // between two tries to reach an issuer that is away
	keysFor      = 30 * time.Second // so long a forged key id causes no new request to the issuer
)

// New returns a Verifier. It asks the issuer nothing yet: a service may start while its sign-in is away.
func New(c Config) (*Verifier, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("configure the admins' sign-in: %w", err)
	}
	transport := &keyTransport{base: http.DefaultTransport, now: c.Now}
	return &Verifier{config: c, client: &http.Client{Transport: transport, Timeout: fetchTimeout}}, nil
}

// Verify returns the actor of an access token: access.ErrUnauthenticated when it is not a valid one of ours,
// access.ErrForbidden when its holder has no role, ErrUnavailable when the issuer's keys cannot be had.
func (v *Verifier) Verify(ctx context.Context, token string) (access.Actor, error) {
	verifier, err := v.ready(ctx)
	if err != nil {
		return access.Actor{}, err
	}
	var lost error
	parsed, err := verifier.Verify(context.WithValue(ctx, lostKey{}, &lost), token)
	switch {
	case lost != nil:
		return access.Actor{}, lost
	case err != nil:
		return access.Actor{}, fmt.Errorf("%w (%w)", access.ErrUnauthenticated, err)
	}
	var c claims
	if err := parsed.Claims(&c); err != nil {
		return access.Actor{}, fmt.Errorf("%w (%w)", access.ErrUnauthenticated, err)
	}
	if err := v.isOurs(parsed, c); err != nil {
		return access.Actor{}, fmt.Errorf("%w (%w)", access.ErrUnauthenticated, err)
	}
	role, ok := v.config.roleOf(c)
	if !ok {
		return access.Actor{}, access.ErrForbidden.With(
			"You are known, but nothing in " + v.config.RoleClaim + " of your token stands for a role; ask an owner.")
	}
	scope, err := v.config.scopeOf(ctx, c)
	if err != nil {
		return access.Actor{}, err
	}
	return access.Actor{Subject: parsed.Subject, Name: c.name(), Role: role, Scope: scope}, nil
}

// isOurs refuses a token that the issuer has made for something else than access to us.
func (v *Verifier) isOurs(token *oidc.IDToken, c claims) error {
	client := c.text("client_id")
	use, isCognitos := c["token_use"]
	switch {
	case token.Subject == "":
		return errors.New("a token without a subject")
	case strings.HasPrefix(token.Subject, reservedPrefix), strings.HasPrefix(token.Subject, access.KeySubject):
		return fmt.Errorf("the subject of one of our own, %s", token.Subject)
	case isCognitos && use != "access":
		return fmt.Errorf("a token for use %v", use)
	case c["nonce"] != nil || c["at_hash"] != nil || c["c_hash"] != nil:
		return errors.New("an id token")
	case v.config.Audience == "" && client != v.config.ClientID:
		return fmt.Errorf("a token for client %q", client)
	case v.config.Audience != "" && !slices.Contains(token.Audience, v.config.Audience):
		return fmt.Errorf("a token for audience %q", token.Audience)
	}
	return nil
}

// reservedPrefix is of the subjects that the product gives to its own operations.
const reservedPrefix = "operation:"

// Ping reports whether the issuer has described itself; ErrUnavailable if not.
func (v *Verifier) Ping(ctx context.Context) error {
	_, err := v.ready(ctx)
	return err
}

// Endpoints returns where browsers sign in; ErrUnavailable until the issuer has described itself.
func (v *Verifier) Endpoints(ctx context.Context) (Endpoints, error) {
	if _, err := v.ready(ctx); err != nil {
		return Endpoints{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.endpoints, nil
}

// ready returns the verifier, asking the issuer for its description when that is still missing.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	if now := v.config.Now(); v.failed == nil || !now.Before(v.retryAt) {
		v.verifier, v.endpoints, v.failed = v.discover(ctx)
		v.retryAt = now.Add(retryPause)
	}
	return v.verifier, v.failed
}

func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, Endpoints, error) {
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), v.client) // a caller who leaves must not leave the error behind
	address := v.config.Issuer
	if v.config.DiscoveryURL != "" {
		address = v.config.DiscoveryURL
		ctx = oidc.InsecureIssuerURLContext(ctx, v.config.Issuer)
	}
	provider, err := oidc.NewProvider(ctx, address)
	if err != nil {
		return nil, Endpoints{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	var described struct {
		KeysURL       string `json:"jwks_uri"`
		EndSessionURL string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&described); err != nil {
		return nil, Endpoints{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	where := Endpoints{
		Issuer: v.config.Issuer, Authorization: provider.Endpoint().AuthURL, Token: provider.Endpoint().TokenURL,
		EndSession: described.EndSessionURL,
	}
	return oidc.NewVerifier(v.config.Issuer, keySet{oidc.NewRemoteKeySet(ctx, described.KeysURL)}, &oidc.Config{
		SkipClientIDCheck:    true, // see isOurs
		SupportedSigningAlgs: v.config.Algorithms,
		Now:                  v.config.Now,
	}), where, nil
}
