// Package session keeps a manager's session in their browser, in a cookie that only the gateway can read or make.
package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Lasts is how long a session is believed before Cognito is asked again.
const Lasts = 10 * time.Minute

// signInLasts is how long a sign-in may take.
const signInLasts = 10 * time.Minute

// maxCookie is what browsers keep of one cookie, its name included.
const maxCookie = 4096

// A Session is who somebody is, and until when that is believed.
type Session struct {
	Subject string    `json:"s"`
	Email   string    `json:"e"`
	Editor  bool      `json:"w"` // of the group managers; else of viewers
	Until   time.Time `json:"u"`
	Refresh string    `json:"r"` // Cognito's refresh token
}

// A SignIn is one that has begun, and not ended.
type SignIn struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	Return   string    `json:"r"` // where the person wanted to go
	Until    time.Time `json:"u"`
}

// ErrNone is returned where there is no cookie that can be believed.
var ErrNone = errors.New("no session")

// A Jar makes and reads cookies. Its methods may be called from any goroutine.
type Jar struct {
	ciphers []cipher.AEAD // the first makes, all read
	secure  bool
	now     func() time.Time
}

// NewJar returns a jar with keys of 32 bytes: the first makes cookies, the others are still believed. Without secure (one machine,
// where there is no TLS) the names lack the prefix that browsers grant to safe cookies alone.
func NewJar(keys [][]byte, secure bool, now func() time.Time) (*Jar, error) {
	j := &Jar{secure: secure, now: now}
	if len(keys) == 0 {
		return nil, errors.New("session: there is no key")
	}
	for _, key := range keys {
		const size = 32
		if len(key) != size {
			return nil, fmt.Errorf("session: a key has %d bytes, want %d", len(key), size)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		j.ciphers = append(j.ciphers, aead)
	}
	return j, nil
}

func (j *Jar) name(what string) string {
	if j.secure {
		return "__Host-earshot-" + what
	}
	return "earshot-" + what
}

const (
	forSession = "session"
	forSignIn  = "signin"
)

// Put gives the browser the session. The cookie outlives what it says, so that Cognito can be asked for the next.
func (j *Jar) Put(w http.ResponseWriter, tenant slug.Slug, s Session) error {
	return j.put(w, tenant, forSession, s, 12*time.Hour) // as long as Cognito refreshes
}

// Get returns the session of a request to this tenant, also one that has to be refreshed.
func (j *Jar) Get(r *http.Request, tenant slug.Slug) (s Session, err error) {
	err = j.get(r, tenant, forSession, &s)
	if err == nil && s.Subject == "" {
		err = ErrNone
	}
	return s, err
}

// IsOver reports whether the session must be refreshed.
func (j *Jar) IsOver(s Session) bool { return !j.now().Before(s.Until) }

// Drop ends the session in the browser.
func (j *Jar) Drop(w http.ResponseWriter) { j.drop(w, forSession) }

// Begin remembers a sign-in in the browser that began it: nobody else's code is taken there.
func (j *Jar) Begin(w http.ResponseWriter, tenant slug.Slug, s SignIn) error {
	s.Until = j.now().Add(signInLasts)
	return j.put(w, tenant, forSignIn, s, signInLasts)
}

// End returns the sign-in that the browser began, which can be ended once.
func (j *Jar) End(w http.ResponseWriter, r *http.Request, tenant slug.Slug) (s SignIn, err error) {
	j.drop(w, forSignIn)
	if err := j.get(r, tenant, forSignIn, &s); err != nil {
		return SignIn{}, err
	}
	if s.State == "" || !j.now().Before(s.Until) {
		return SignIn{}, ErrNone
	}
	return s, nil
}

// bound is what a cookie is good for: this use, at this tenant.
func bound(tenant slug.Slug, what string) []byte { return []byte(what + " " + tenant.String()) }

func (j *Jar) put(w http.ResponseWriter, tenant slug.Slug, what string, value any, lasts time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write a cookie: %w", err)
	}
	sealed := base64.RawURLEncoding.EncodeToString(j.ciphers[0].Seal(nil, nil, text, bound(tenant, what))) //nolint:gosec // it makes a random nonce itself
	if len(j.name(what))+len(sealed) > maxCookie {
		return fmt.Errorf("write a cookie: it would have %d bytes", len(sealed))
	}
	http.SetCookie(w, j.cookie(what, sealed, int(lasts.Seconds())))
	return nil
}

func (j *Jar) get(r *http.Request, tenant slug.Slug, what string, into any) error {
	for _, cookie := range r.CookiesNamed(j.name(what)) { // a page next door may have put one beside ours
		sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
		if err != nil {
			continue
		}
		for _, c := range j.ciphers {
			text, err := c.Open(nil, nil, sealed, bound(tenant, what))
			if err == nil {
				return json.Unmarshal(text, into)
			}
		}
	}
	return ErrNone
}

func (j *Jar) drop(w http.ResponseWriter, what string) { http.SetCookie(w, j.cookie(what, "", -1)) }

func (j *Jar) cookie(what, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without Secure on one machine only, where there is no TLS
		Name: j.name(what), Value: value, Path: "/", MaxAge: maxAge, Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
