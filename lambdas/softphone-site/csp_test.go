package main

import (
	"strings"
	"testing"
)

func TestPolicyNamesTheTenantsSourcesOnly(t *testing.T) {
	t.Parallel()
	c := siteConfig{
		TelemetryAPI: "https://abc.execute-api.eu-central-1.amazonaws.com/v1",
		ConnectInstances: []instance{
			{Alias: "b", CCPURL: "https://b.awsapps.com/connect/ccp-v2", SAMLURL: "https://IdP.example.com/app?x=1;y"},
			{Alias: "a", CCPURL: "https://a.my.connect.aws/ccp-v2"},
			{Alias: "again", CCPURL: "https://a.my.connect.aws/ccp-v2"},
		},
	}
	got, err := policy(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'",
		"connect-src 'self' https://abc.execute-api.eu-central-1.amazonaws.com",
		"frame-src https://a.my.connect.aws https://b.awsapps.com https://idp.example.com",
	} {
		found := false
		for directive := range strings.SplitSeq(got, "; ") {
			found = found || directive == want
		}
		if !found {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "unsafe") || strings.Contains(got, "*") {
		t.Errorf("the policy is wide: %s", got)
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "acme", "//host", "javascript:alert(1)", "data:text/html,x", "https://", "https://a b", "https://a;b", "https://a,b", "https://a'b",
		"https://a\"b", "https://user:pw@host", "https://*", "https://*.example.com", "ftp://host", "https://host:port", "https://[::1]", "https://höst",
	} {
		if source, err := sourceOf(address); err == nil {
			t.Errorf("%q became %q", address, source)
		}
	}
	for address, want := range map[string]string{
		"https://Host.example.com:8443/path?x#y": "https://host.example.com:8443",
		"http://localhost:4566/v1":               "http://localhost:4566",
	} {
		if got, err := sourceOf(address); err != nil || got != want {
			t.Errorf("%q became %q, %v", address, got, err)
		}
	}
}
