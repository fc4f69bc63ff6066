package slug_test

import (
	"errors"
	"path"
	"strings"
	"testing"
	"testing/quick"

	"github.com/earshot-hq/earshot/internal/slug"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{
		"acme": nil, "a1b": nil, "abcdefghij0123456789": nil,
		"": slug.ErrInvalid, "ab": slug.ErrInvalid, "abcdefghij01234567890": slug.ErrInvalid, "acme-eu": slug.ErrInvalid,
		"Acme": slug.ErrInvalid, "1acme": slug.ErrInvalid, "acme\n": slug.ErrInvalid, "acmé": slug.ErrInvalid,
		"kibanaserver": slug.ErrReserved, "www": slug.ErrReserved, "probe": slug.ErrReserved,
	} {
		if _, err := slug.Parse(name); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("Parse(%q) = %v, want %v", name, err, want)
		}
	}
}

// No tenant's pattern or prefix reaches a name of another tenant, however alike the slugs are.
func TestNamesOfTwoTenantsNeverMeet(t *testing.T) {
	t.Parallel()
	apart := func(seed uint16, tail uint8) bool {
		short := slug.Slug("a" + strings.Repeat("b", int(seed%8)+2))
		long := slug.Slug(string(short) + string(rune('a'+tail%26)))
		if _, err := slug.Parse(string(long)); err != nil {
			return false
		}
		for _, kind := range []string{"softphonestreamstats", "callsummary"} {
			for _, pair := range [][2]slug.Slug{{short, long}, {long, short}} {
				one, other := pair[0], pair[1]
				if matched, _ := path.Match(one.IndexPattern(), other.Index(kind, "2026.q4")); matched {
					return false
				}
				for _, name := range []string{other.FunctionName("probe"), other.WriterRole(), other.IndexTemplate(kind), other.StackName() + "-"} {
					if strings.HasPrefix(name, one.ResourcePrefix()) {
						return false
					}
				}
				if strings.HasPrefix(other.SecretPrefix(), one.SecretPrefix()) || strings.HasPrefix(other.LogGroupPrefix(), one.LogGroupPrefix()) {
					return false
				}
			}
		}
		return true
	}
	if err := quick.Check(apart, nil); err != nil {
		t.Error(err)
	}
}

func TestFromStackName(t *testing.T) {
	t.Parallel()
	for stack, want := range map[string]slug.Slug{
		"earshot-acme": "acme", slug.Slug("acmeeu").StackName(): "acmeeu",
		"earshotops-cell": "", "earshot-": "", "earshot-acme-eu": "", "acme": "", "earshot-admin": "", "Earshot-acme": "",
	} {
		got, ok := slug.FromStackName(stack)
		if got != want || ok != (want != "") {
			t.Errorf("FromStackName(%q) = %q, %v; want %q", stack, got, ok, want)
		}
	}
}
