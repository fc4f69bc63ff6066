package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
)

// A Secret is what the holder of an API key sends: esk_<prefix>_<secret>. It is shown once and kept nowhere. The secret has
// 256 random bits, so that one SHA-256 is enough of a hash: there is no list of likely secrets that a slow hash would make
// expensive to try, and each request has to compute it.
type Secret string

const (
	keyMark      = "esk_"
	prefixLength = 12 // 60 bits: names a key, opens nothing
	secretBytes  = 32
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewSecret makes a secret, and returns what is kept of it.
func NewSecret() (s Secret, prefix string, hash []byte) {
	random := make([]byte, secretBytes+prefixLength)
	_, _ = rand.Read(random) // never fails
	prefix = base32Lower.EncodeToString(random[secretBytes:])[:prefixLength]
	s = Secret(keyMark + prefix + "_" + base32Lower.EncodeToString(random[:secretBytes]))
	return s, prefix, s.hash()
}

func (s Secret) hash() []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// IsSecret reports whether a bearer token is meant to be a secret of a key.
func IsSecret(token string) bool { return strings.HasPrefix(token, keyMark) }

// Prefix returns the part that names the key, false when the text cannot be a secret of ours.
func (s Secret) Prefix() (string, bool) {
	rest, marked := strings.CutPrefix(string(s), keyMark)
	prefix, secret, whole := strings.Cut(rest, "_")
	bits, err := base32Lower.DecodeString(secret)
	return prefix, marked && whole && len(prefix) == prefixLength && err == nil && len(bits) == secretBytes
}

// Matches reports whether hash is the secret's, in a time that says nothing of it.
func (s Secret) Matches(hash []byte) bool { return subtle.ConstantTimeCompare(s.hash(), hash) == 1 }

// A Key is an API key without its secret.
type Key struct {
	ID            string
	Name          string
	Prefix        string
	Role          Role
	Scope         Scope
	MadeBy        string // for people
	CreatedAt     time.Time
	ExpiresAt     time.Time
	LastUsedAt    time.Time // zero: never; to the minute
	PreviousUntil time.Time // until then the secret of before the rotation opens too; zero: there is none
}

// A KeyDraft is what somebody asks of a new key.
type KeyDraft struct {
	Name    string
	Role    Role
	Tenants []string // slugs; empty: all that the maker reaches
	Days    int      // 1 to 365
}

// An Admin is somebody who has signed in.
type Admin struct {
	Subject    string
	Name       string
	Role       Role
	SeenAt     time.Time
	DisabledAt time.Time // zero: is not
}

// MostKeys is how many keys there may be that are neither revoked nor expired.
const MostKeys = 200

// The faults of keys.
var (
	ErrNoKey         = fault.New(fault.NotFound, "api_key.not_found", "There is no such API key.")
	ErrKeyMakesKeys  = fault.New(fault.Forbidden, "api_key.makes_no_keys", "A key manages neither keys nor admins: sign in.")
	ErrKeyTenants    = fault.New(fault.Invalid, "api_key.tenant_unknown", "Name tenants that you reach, by their slugs.")
	ErrManyKeys      = fault.New(fault.Conflict, "api_key.too_many", "There are 200 API keys; delete one that nobody uses.")
	ErrDisabled      = fault.New(fault.Forbidden, "access.disabled", "An owner has disabled you here.")
	ErrNoAdmin       = fault.New(fault.NotFound, "admin.not_found", "Nobody with this subject has signed in.")
	ErrDisableMyself = fault.New(fault.Conflict, "admin.oneself", "You cannot disable yourself; ask another owner.")
)

// Keys keeps API keys and knows who has signed in. The actor's role has been checked by the caller; an actor sees keys that
// reach no further than its own scope.
type Keys interface {
	// AddKey makes a key that reaches no further than the actor. Its secret is shown by no other call.
	AddKey(ctx context.Context, actor Actor, d KeyDraft) (Key, Secret, error)
	// RotateKey gives a key a new secret. The one of before opens for so many hours more; one of before that no longer.
	RotateKey(ctx context.Context, actor Actor, id string, overlapHours int) (Key, Secret, error)
	RevokeKey(ctx context.Context, actor Actor, id string) error
	ListKeys(ctx context.Context, actor Actor) ([]Key, error)
	// KeyActor returns whom a secret stands for: with the lower of the two roles of key and maker and what both reach.
	// ErrUnauthenticated: it opens nothing, or its maker is disabled or has not signed in for three months.
	KeyActor(ctx context.Context, s Secret) (Actor, error)
	// Seen notes that an admin has signed in; ErrDisabled.
	Seen(ctx context.Context, actor Actor) error
	Admins(ctx context.Context, actor Actor) ([]Admin, error)
	SetDisabled(ctx context.Context, actor Actor, subject string, disabled bool) error
}

// Lower returns the lower of two roles, which may do what both may.
func Lower(a, b Role) Role {
	order := []Role{Auditor, Operator, Owner}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// Both returns what two scopes reach alike.
func Both(a, b Scope) Scope {
	switch {
	case a.All:
		return b
	case b.All:
		return a
	}
	var ids []string
	for _, id := range a.TenantIDs {
		if slices.Contains(b.TenantIDs, id) {
			ids = append(ids, id)
		}
	}
	return Scope{TenantIDs: ids}
}
