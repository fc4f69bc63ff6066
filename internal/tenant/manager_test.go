package tenant_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for text, key := range map[string]string{
		"Nora.Lind@Example.com":     "nora.lind@example.com",
		"nora.lind+kb@example.com":  "nora.lind+kb@example.com",
		"o'hara@mail.example.co.uk": "o'hara@mail.example.co.uk",
		"a@xn--bcher-kva.example":   "a@xn--bcher-kva.example",
	} {
		got, err := tenant.ParseAddress(text)
		if err != nil || got.Key != key || got.Written != text {
			t.Errorf("%q is %+v (%v), want %q", text, got, err, key)
		}
	}
	if got, err := tenant.ParseAddress("  nora.lind@example.com "); err != nil || got.Written != "nora.lind@example.com" {
		t.Errorf("with blanks around it: %+v (%v)", got, err)
	}
	for _, text := range []string{
		"", "nora", "nora@example", "@example.com", "nora@", "nora@@example.com", "a@example.com,b@example.com", "a@example.com b@example.com",
		"a@example.com\nbcc: b@example.com", "a@example.com\r", "\ta@example.com", "j\u00f6rg@example.com", "a@ex\u00e4mple.com", "a\x00@example.com",
		"Nora <nora@example.com>", "<nora@example.com>", `"nora lind"@example.com`, "nora@[192.0.2.1]", ".nora@example.com", "nora.@example.com",
		"no..ra@example.com", "nora@-example.com", "nora@example-.com", "nora@example..com", "nora@192.0.2.1", "a/b@example.com",
		strings.Repeat("x", 65) + "@example.com", strings.Repeat("x", 290) + "@example.com", "x@" + strings.Repeat("y.", 130) + "com",
	} {
		if got, err := tenant.ParseAddress(text); !errors.Is(err, tenant.ErrEmail) {
			t.Errorf("%q is taken as %+v (%v)", text, got, err)
		}
	}
}
