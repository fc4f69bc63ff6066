// Package signin turns bearer tokens of the admins' sign-in (OpenID Connect; Amazon Cognito by default) into actors.
package signin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
)

// ErrUnavailable is the fault of a sign-in whose keys cannot be had: nobody can be recognised until they can.
var ErrUnavailable = fault.New(fault.Unavailable, "signin.unavailable",
	"The admins' sign-in cannot be reached, so that nobody can be recognised. Try again in a moment.")

// Config says whose tokens are taken.
type Config struct {
	Issuer       string // what tokens must name as their issuer
	ClientID     string // what they must have been made for
	DiscoveryURL string // where the issuer describes itself, if elsewhere: local emulators only
	Now          func() time.Time
}

// A Verifier recognises callers. Its methods may be called from any goroutine.
type Verifier struct {
	config Config
	client *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer has answered once
	failed   error                 // why it has not
	retryAt  time.Time
}

const (
	fetchTimeout = 5 * time.Second
	retryPause   = time.Second      // between two tries to reach an issuer that is away
	keysFor      = 30 * time.Second // so long a forged key id causes no new request to the issuer
)

// New returns a Verifier. It asks the issuer nothing yet: a service may start while its sign-in is away.
func New(c Config) *Verifier {
	if c.Now == nil {
		c.Now = time.Now
	}
	transport := &keyTransport{base: http.DefaultTransport, now: c.Now}
	return &Verifier{config: c, client: &http.Client{Transport: transport, Timeout: fetchTimeout}}
}

// claims are those of a Cognito access token that count. It has no audience: the client's id stands in a claim of its own.
type claims struct {
	TokenUse string   `json:"token_use"`
	ClientID string   `json:"client_id"`
	Username string   `json:"username"`
	Groups   []string `json:"cognito:groups"`
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
	if c.TokenUse != "access" || c.ClientID != v.config.ClientID || parsed.Subject == "" {
		return access.Actor{}, fmt.Errorf("%w (an %q token for client %q)", access.ErrUnauthenticated, c.TokenUse, c.ClientID)
	}
	role, ok := roleOf(c.Groups)
	if !ok {
		return access.Actor{}, access.ErrForbidden.With("You are known, but in none of the groups owner, operator and auditor; ask an owner.")
	}
	return access.Actor{Subject: parsed.Subject, Name: c.Username, Role: role, Scope: access.Scope{All: true}}, nil
}

// roleOf returns the role of the highest of the groups that is one.
func roleOf(groups []string) (access.Role, bool) {
	for _, role := range []access.Role{access.Owner, access.Operator, access.Auditor} {
		if slices.Contains(groups, string(role)) {
			return role, true
		}
	}
	return "", false
}

// Ping reports whether the issuer has described itself; ErrUnavailable if not.
func (v *Verifier) Ping(ctx context.Context) error {
	_, err := v.ready(ctx)
	return err
}

// ready returns the verifier, asking the issuer for its description when that is still missing.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	if now := v.config.Now(); v.failed == nil || !now.Before(v.retryAt) {
		v.verifier, v.failed = v.discover(ctx)
		v.retryAt = now.Add(retryPause)
	}
	return v.verifier, v.failed
}

func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), v.client) // a caller who leaves must not leave the error behind
	address := v.config.Issuer
	if v.config.DiscoveryURL != "" {
		address = v.config.DiscoveryURL
		ctx = oidc.InsecureIssuerURLContext(ctx, v.config.Issuer)
	}
	provider, err := oidc.NewProvider(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	var described struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&described); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return oidc.NewVerifier(v.config.Issuer, keySet{oidc.NewRemoteKeySet(ctx, described.KeysURL)}, &oidc.Config{
		SkipClientIDCheck:    true, // see claims
		SupportedSigningAlgs: []string{oidc.RS256},
		Now:                  v.config.Now,
	}), nil
}
