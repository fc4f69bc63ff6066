package roster_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/roster"
)

func key(t *testing.T, fill byte) ed25519.PrivateKey {
	t.Helper()
	k, err := roster.PrivateKey(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestSealedListOpens(t *testing.T) {
	t.Parallel()
	made := roster.Roster{Cell: "local", MadeAt: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), Tenants: []roster.Tenant{{Slug: "acme", DisplayName: "Acme & <Co>", UserPoolID: "eu_1"}}}
	text, err := roster.Seal(made, key(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := roster.Open(text, public(key(t, 1)))
	made.Version = 1
	if err != nil || !reflect.DeepEqual(got, made) {
		t.Errorf("opened %+v (%v)", got, err)
	}
}

func TestAttackForgedList(t *testing.T) {
	t.Parallel()
	text, err := roster.Seal(roster.Roster{Tenants: []roster.Tenant{{Slug: "acme", UserPoolID: "theirs"}}}, key(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]string
	if err := json.Unmarshal(text, &parts); err != nil {
		t.Fatal(err)
	}
	payload, _ := base64.StdEncoding.DecodeString(parts["payload"])
	other := strings.Replace(string(payload), "theirs", "stolen", 1)
	bare := ed25519.Sign(key(t, 1), []byte(other)) // a signature by the right key, for something else
	pack := func(payload string, signature []byte) []byte {
		text, _ := json.Marshal(map[string]string{
			"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "signature": base64.StdEncoding.EncodeToString(signature),
		})
		return text
	}
	signature, _ := base64.StdEncoding.DecodeString(parts["signature"])
	for name, forged := range map[string][]byte{
		"another payload": pack(other, signature), "no signature": pack(string(payload), nil), "another purpose": pack(other, bare),
		"no list": []byte("{}"), "no JSON": []byte("x"), "empty": nil, "the bare list": payload,
	} {
		if _, err := roster.Open(forged, public(key(t, 1))); !errors.Is(err, roster.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := roster.Open(text, public(key(t, 2))); !errors.Is(err, roster.ErrForged) {
		t.Errorf("another's key: %v", err)
	}
	if _, err := roster.Open(text, nil); !errors.Is(err, roster.ErrForged) {
		t.Errorf("no key: %v", err)
	}
}
