// Package roster is the list of a cell's tenants that the gateway goes by: which there are, where their managers sign in and
// where their documents are. The worker signs it, so that whoever can write where it lies cannot send managers elsewhere. It
// holds no secret.
package roster

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Key is where it lies in the cell's bucket.
const Key = "gateway/tenants.json"

// A Roster is the list as it was at an instant.
type Roster struct {
	Version int       `json:"version"`
	Cell    string    `json:"cell"`
	MadeAt  time.Time `json:"made_at"`
	Tenants []Tenant  `json:"tenants"`
}

// A Tenant is what the gateway knows of one.
type Tenant struct {
	Slug        slug.Slug `json:"slug"`
	DisplayName string    `json:"display_name"`
	State       string    `json:"state"`
	Region      string    `json:"region"`
	// ExternalID opens the doors of the tenant's reader and editor roles: the tenant's id in 32 hexadecimal digits.
	ExternalID      string `json:"external_id"`
	UserPoolID      string `json:"user_pool_id"`
	ClientID        string `json:"client_id"`
	SearchEndpoint  string `json:"search_endpoint"`
	ReaderRoleARN   string `json:"reader_role_arn"`
	EditorRoleARN   string `json:"editor_role_arn"`
	ReaderSecretARN string `json:"reader_secret_arn,omitempty"` // where search takes passwords
}

// version is that of the form; a gateway refuses one that it does not know.
const version = 1

// purpose keeps a signature of a list from passing for one of anything else.
const purpose = "earshot roster v1\n"

// sealed is the list beside its signature. The bytes that were signed are kept as they are: no two programs need to write JSON alike.
type sealed struct {
	Payload   string `json:"payload"`
	Signature string `json:"signature"`
}

// ErrForged is returned for a list that its key did not sign.
var ErrForged = errors.New("the list of tenants is not signed by its worker")

// Seal writes the list and signs it.
func Seal(r Roster, key ed25519.PrivateKey) ([]byte, error) {
	r.Version = version
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write the list of tenants: %w", err)
	}
	return json.Marshal(sealed{
		Payload:   base64.StdEncoding.EncodeToString(text),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(purpose), text...))),
	})
}

// Open reads a list that the key's owner has sealed, or returns ErrForged.
func Open(text []byte, key ed25519.PublicKey) (Roster, error) {
	var s sealed
	if json.Unmarshal(text, &s) != nil {
		return Roster{}, ErrForged
	}
	payload, payloadErr := base64.StdEncoding.DecodeString(s.Payload)
	signature, signatureErr := base64.StdEncoding.DecodeString(s.Signature)
	if payloadErr != nil || signatureErr != nil || len(key) != ed25519.PublicKeySize ||
		!ed25519.Verify(key, append([]byte(purpose), payload...), signature) {
		return Roster{}, ErrForged
	}
	var r Roster
	if err := json.Unmarshal(payload, &r); err != nil {
		return Roster{}, fmt.Errorf("read the list of tenants: %w", err)
	}
	if r.Version != version {
		return Roster{}, fmt.Errorf("read the list of tenants: it is of version %d, and this program knows %d", r.Version, version)
	}
	return r, nil
}

// PrivateKey reads a seed of 32 bytes in base64, which is how a key is given to the worker.
func PrivateKey(seed string) (ed25519.PrivateKey, error) {
	raw, err := base64.StdEncoding.DecodeString(seed)
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fmt.Errorf("a key of the list of tenants is %d bytes in base64", ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(raw), nil
}

// PublicKey reads what the gateway is given: 32 bytes in base64.
func PublicKey(text string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a public key of the list of tenants is %d bytes in base64", ed25519.PublicKeySize)
	}
	return raw, nil
}
