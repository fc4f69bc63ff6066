// Package gate signs managers in at their tenant's own user pool: OpenID Connect, code flow with PKCE.
package gate

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/services/gateway/internal/session"
)

// The faults of a sign-in.
var (
	ErrUnavailable = fault.New(fault.Unavailable, "gateway.sign_in_unavailable", "Your sign-in cannot be reached. Try again in a moment.")
	ErrRefused     = fault.New(fault.Unauthenticated, "gateway.sign_in_refused", "This sign-in is not valid, or no longer. Sign in again.")
	ErrNoGroup     = fault.New(fault.Forbidden, "gateway.no_group", "You are known, but not as a manager or a viewer. Ask whoever invited you.")
)

// Pools asks user pools as the gateway.
type Pools interface {
	// ClientSecret returns the secret of a pool's client.
	ClientSecret(ctx context.Context, pool, client string) (string, error)
	// Groups returns the names of the groups that a person is in, who is named by their subject.
	Groups(ctx context.Context, pool, subject string) ([]string, error)
	// SignOut ends all sessions of a person, named by their subject.
	SignOut(ctx context.Context, pool, subject string) error
}

// Config is what a Gate needs.
type Config struct {
	Pools Pools
	// PublicURL is the tenant's own address, without a slash at the end.
	PublicURL func(t roster.Tenant) string
	// DiscoveryURL is under which pools describe themselves, by their ids, if elsewhere: local emulators only.
	DiscoveryURL string
	Now          func() time.Time
}

// A Gate signs people in. Its methods may be called from any goroutine.
type Gate struct {
	config Config
	client *http.Client

	mu      sync.Mutex
	keepers map[string]keeper // by pool and client; guarded by mu
}

// keeper is one pool's sign-in.
type keeper struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	pool     string
	logout   string // where the pool's own page ends its session
}

const fetchTimeout = 10 * time.Second

// New returns a Gate. Pools are asked about themselves when somebody comes.
func New(c Config) *Gate {
	return &Gate{config: c, client: &http.Client{Timeout: fetchTimeout}, keepers: map[string]keeper{}}
}

// keeper returns the pool's, asking for its description and for our secret when they are not known yet.
func (g *Gate) keeper(ctx context.Context, t roster.Tenant) (keeper, error) {
	key := t.UserPoolID + " " + t.ClientID
	g.mu.Lock()
	known, isKnown := g.keepers[key]
	g.mu.Unlock()
	if isKnown {
		return known, nil
	}
	issuer := "https://cognito-idp." + t.Region + ".amazonaws.com/" + t.UserPoolID
	address := issuer
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), g.client) // the keys outlive the request that asked first
	if g.config.DiscoveryURL != "" {
		address = g.config.DiscoveryURL + "/" + t.UserPoolID
		ctx = oidc.InsecureIssuerURLContext(ctx, issuer)
	}
	provider, err := oidc.NewProvider(ctx, address)
	if err != nil {
		return keeper{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	secret, err := g.config.Pools.ClientSecret(ctx, t.UserPoolID, t.ClientID)
	if err != nil {
		return keeper{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	authorize, err := url.Parse(provider.Endpoint().AuthURL)
	if err != nil {
		return keeper{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	authorize.Path, authorize.RawQuery = "/logout", ""
	made := keeper{
		oauth: oauth2.Config{
			ClientID: t.ClientID, ClientSecret: secret, Endpoint: provider.Endpoint(),
			RedirectURL: g.config.PublicURL(t) + "/auth/callback", Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
		},
		verifier: provider.Verifier(&oidc.Config{ClientID: t.ClientID, SupportedSigningAlgs: []string{oidc.RS256}, Now: g.config.Now}),
		pool:     t.UserPoolID,
		logout:   authorize.String(),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keepers[key] = made
	return made, nil
}

// Begin returns where the person signs in, and what the browser must keep until they are back.
func (g *Gate) Begin(ctx context.Context, t roster.Tenant, back string) (string, session.SignIn, error) {
	k, err := g.keeper(ctx, t)
	if err != nil {
		return "", session.SignIn{}, err
	}
	s := session.SignIn{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Return: back}
	return k.oauth.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), s, nil
}

// End takes what the person came back with: the code is good in the browser alone that began.
func (g *Gate) End(ctx context.Context, t roster.Tenant, begun session.SignIn, state, code string) (session.Session, error) {
	if code == "" || subtle.ConstantTimeCompare([]byte(state), []byte(begun.State)) != 1 {
		return session.Session{}, ErrRefused
	}
	k, err := g.keeper(ctx, t)
	if err != nil {
		return session.Session{}, err
	}
	token, err := k.oauth.Exchange(oidc.ClientContext(ctx, g.client), code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return session.Session{}, failed(err)
	}
	return g.admit(ctx, k, token, begun.Nonce, token.RefreshToken)
}

// Renew asks the pool whether the person still is who they were. Their group may be another.
func (g *Gate) Renew(ctx context.Context, t roster.Tenant, old session.Session) (session.Session, error) {
	k, err := g.keeper(ctx, t)
	if err != nil {
		return session.Session{}, err
	}
	if old.Refresh == "" {
		return session.Session{}, ErrRefused
	}
	token, err := k.oauth.TokenSource(oidc.ClientContext(ctx, g.client), &oauth2.Token{RefreshToken: old.Refresh}).Token()
	if err != nil {
		return session.Session{}, failed(err)
	}
	renewed, err := g.admit(ctx, k, token, "", old.Refresh)
	if err == nil && renewed.Subject != old.Subject {
		return session.Session{}, ErrRefused
	}
	return renewed, err
}

// claims are those of an id token that count.
type claims struct {
	Use    string   `json:"token_use"`
	Email  string   `json:"email"`
	Groups []string `json:"cognito:groups"`
}

// admit makes a session of what the pool gave. An empty nonce is not compared: a renewed token has none.
func (g *Gate) admit(ctx context.Context, k keeper, token *oauth2.Token, nonce, refresh string) (session.Session, error) {
	raw, _ := token.Extra("id_token").(string)
	parsed, err := k.verifier.Verify(ctx, raw)
	if err != nil {
		return session.Session{}, fmt.Errorf("%w (%w)", ErrRefused, err)
	}
	var c claims
	if err := parsed.Claims(&c); err != nil {
		return session.Session{}, fmt.Errorf("%w (%w)", ErrRefused, err)
	}
	if c.Use != "id" || parsed.Subject == "" || nonce != "" && subtle.ConstantTimeCompare([]byte(parsed.Nonce), []byte(nonce)) != 1 {
		return session.Session{}, ErrRefused
	}
	if c.Groups == nil { // a renewed token of the emulator names none, though there are some
		if c.Groups, err = g.config.Pools.Groups(ctx, k.pool, parsed.Subject); err != nil {
			return session.Session{}, fmt.Errorf("%w (%w)", ErrUnavailable, err)
		}
	}
	isEditor, isViewer := slices.Contains(c.Groups, "managers"), slices.Contains(c.Groups, "viewers")
	if isEditor == isViewer { // neither, or both: nobody can say what they may do
		return session.Session{}, ErrNoGroup
	}
	return session.Session{
		Subject: parsed.Subject, Email: c.Email, Editor: isEditor, Refresh: refresh, Until: g.config.Now().Add(session.Lasts),
	}, nil
}

// SignOut ends all of the person's sessions at the pool.
func (g *Gate) SignOut(ctx context.Context, t roster.Tenant, s session.Session) error {
	if err := g.config.Pools.SignOut(ctx, t.UserPoolID, s.Subject); err != nil {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return nil
}

// Leave returns where the pool's page forgets the browser, and sends it back.
func (g *Gate) Leave(ctx context.Context, t roster.Tenant) (string, error) {
	k, err := g.keeper(ctx, t)
	if err != nil {
		return "", err
	}
	query := url.Values{"client_id": {t.ClientID}, "logout_uri": {g.config.PublicURL(t) + "/auth/signed-out"}}
	return k.logout + "?" + query.Encode(), nil
}

// failed tells a refusal of the pool from a pool that is away.
func failed(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("%w (%w)", ErrRefused, errors.New(refused.ErrorCode))
	}
	return fmt.Errorf("%w (%w)", ErrUnavailable, err)
}
