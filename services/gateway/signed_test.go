package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/testenv"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
	"github.com/earshot-hq/earshot/services/gateway/internal/web"
)

// roleOf makes a role of a tenant's that the tests' identity may enter with the tenant's external id.
func roleOf(t *testing.T, config aws.Config, name, externalID string) string {
	t.Helper()
	made, err := iam.NewFromConfig(config).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
		"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "` + externalID + `"}}}]}`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	return *made.Role.Arn
}

// managed is a tenant whose search is the recorder, as Amazon OpenSearch Service would have it.
func managed(t *testing.T, config aws.Config, s slug.Slug, endpoint string) roster.Tenant {
	t.Helper()
	id := "id-of-" + s.String()
	return roster.Tenant{
		Slug: s, DisplayName: "Tenant " + s.String(), State: "active", Region: testenv.Region, ExternalID: id, SearchEndpoint: endpoint,
		ReaderRoleARN: roleOf(t, config, s.ReaderRole(), id), EditorRoleARN: roleOf(t, config, s.EditorRole(), id),
	}
}

// keeper notes the credentials that the gateway was given, so that a test can compute signatures with them.
type keeper struct {
	next    *signed
	entered map[string]aws.Credentials // by access key; written before the request that they sign
}

func (k *keeper) Base(t roster.Tenant) *url.URL { return k.next.Base(t) }

func (k *keeper) Authenticate(r *http.Request, body []byte, as dashboards.Person) error {
	if c, err := k.next.roles.credentials(as.Tenant, as.Editor).Retrieve(r.Context()); err == nil {
		k.entered[c.AccessKeyID] = c
	}
	return k.next.Authenticate(r, body, as)
}

// newManaged is a house whose Dashboards are those of Amazon OpenSearch Service, for two tenants.
func newManaged(t *testing.T) (*house, *keeper, aws.Config) {
	t.Helper()
	config := testenv.AWS(t)
	entered := newRoles(config)
	k := &keeper{next: newSigned(entered, time.Now), entered: map[string]aws.Credentials{}}
	h := newHouse(t, func(front *web.Config, behind *dashboards.Config) {
		behind.Authenticator = k
		front.Directory = tenants{}
	})
	h.own, h.other = managed(t, config, testenv.Slug(t), h.dashboards.URL), managed(t, config, testenv.Slug(t), h.dashboards.URL+"/")
	known := h.front.Directory.(tenants) // it was put there
	known[h.own.Slug], known[h.other.Slug] = h.own, h.other
	return h, k, config
}

// signature computes anew what r should be signed with, from what arrived and the secret of its access key.
func signature(t *testing.T, s seen, base string, c aws.Credentials) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), s.Method, base+s.Target, strings.NewReader(s.Body))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(s.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	for _, name := range strings.Split(list, ";") {
		if values := s.Header.Values(name); len(values) > 0 && name != "content-length" {
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	at, err := time.Parse("20060102T150405Z", s.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(s.Body))
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(sum[:]), "es", testenv.Region, at); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get("Authorization")
}

// TestSignedAsTheTenantsRole: each request to the managed Dashboards is signed by the role of the person's group and tenant, over all
// that says something, and the roles are those that STS gave for the tenant's external id.
func TestSignedAsTheTenantsRole(t *testing.T) {
	t.Parallel()
	h, k, config := newManaged(t)
	for name, row := range map[string]struct {
		of       roster.Tenant
		isEditor bool
		method   string
		path     string
		body     string
		role     string
	}{
		"a manager looks":        {h.own, true, "GET", "/_dashboards/api/saved_objects/_find?type=dashboard&search=a+b%20c*&securitytenant=x", "", h.own.Slug.EditorRole()},
		"a manager saves":        {h.own, true, "POST", "/_dashboards/api/saved_objects/dashboard/a%20b:c", `{"attributes":{"title":"ä"}}`, h.own.Slug.EditorRole()},
		"a viewer looks":         {h.own, false, "GET", "/_dashboards/app/dashboards", "", h.own.Slug.ReaderRole()},
		"a viewer asks":          {h.own, false, "POST", "/_dashboards/internal/search/opensearch", `{"q":1}`, h.own.Slug.ReaderRole()},
		"the neighbour's viewer": {h.other, false, "GET", "/_dashboards/app/dashboards", "", h.other.Slug.ReaderRole()},
		"an asset":               {h.own, true, "GET", "/_dashboards/1/bundles/a.js", "", h.own.Slug.ReaderRole()},
	} {
		got := h.post(t, row.method, at(row.of), row.path, row.body, h.in(t, row.of, row.isEditor), "Authorization: AWS4-HMAC-SHA256 Credential=theirs", "X-Amz-Security-Token: theirs", "Securitytenant: "+h.other.Slug.String())
		asked := h.dashboards.take()
		if got.status != http.StatusOK || len(asked) != 1 || asked[0].Body != row.body {
			t.Fatalf("%s: %d %s, %v", name, got.status, got.body, asked)
		}
		s := asked[0]
		authorization := s.Header.Get("Authorization")
		_, key, _ := strings.Cut(authorization, "Credential=")
		key, scope, _ := strings.Cut(key, "/")
		c, isKnown := k.entered[key]
		if !isKnown || s.Header.Get("X-Amz-Security-Token") != c.SessionToken || !strings.Contains(scope, "/"+testenv.Region+"/es/aws4_request") {
			t.Fatalf("%s: signed %s", name, authorization)
		}
		if want := signature(t, s, h.dashboards.URL, c); authorization != want {
			t.Errorf("%s: signed %s, want %s", name, authorization, want)
		}
		as := config.Copy()
		as.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
		who, err := sts.NewFromConfig(as).GetCallerIdentity(t.Context(), nil)
		if err != nil || !strings.Contains(*who.Arn, "assumed-role/"+row.role+"/") {
			t.Errorf("%s: it is %v, %v; want %s", name, who, err, row.role)
		}
		for _, must := range []string{"host", "x-amz-date", "x-amz-security-token"} {
			if !strings.Contains(authorization, must) {
				t.Errorf("%s: %s is not signed", name, must)
			}
		}
		isAsset := strings.Contains(row.path, "/bundles/")
		if space := s.Header.Get("securitytenant"); isAsset && space != "" || !isAsset && (space != row.of.Slug.String() || !strings.Contains(authorization, "securitytenant")) {
			t.Errorf("%s: space %q, signed %s", name, space, authorization)
		}
		for _, name := range []string{"X-Proxy-User", "X-Proxy-Roles", "X-Forwarded-For", "Cookie"} {
			if s.Header.Get(name) != "" {
				t.Errorf("%s is sent", name)
			}
		}
		if strings.Contains(s.Target, "securitytenant") || !strings.HasPrefix(s.Target, "/_dashboards/") {
			t.Errorf("%s: asked for %s", name, s.Target)
		}
	}
}

// TestManagedDashboardsHaveTheirPrefix: nothing else of a search domain is reached, and people begin below the prefix.
func TestManagedDashboardsHaveTheirPrefix(t *testing.T) {
	t.Parallel()
	h, _, _ := newManaged(t)
	who := h.in(t, h.own, true)
	for path, status := range map[string]int{
		"/_search": 404, "/_plugins/_security/api/roles": 404, "/": 302, "/app/dashboards": 302, "/app/home": 404, "/_dashboardsx/app": 404, "/_dashboards": 404,
		"/_DASHBOARDS/app": 404, "/_dashboards/../_search": 400, "/_dashboards/%2e%2e/_search": 400, "/_dashboards//_search": 400,
		"/_dashboards/api/console/proxy": 403, "/_dashboards/api/v1/multitenancy/tenant": 200, "/_dashboards/app/login": 302, "/" + h.own.Slug.String() + "-callsummary-2026/_doc/1": 404,
	} {
		if got := h.ask(t, http.MethodGet, at(h.own), path, who); got.status != status || len(h.dashboards.take()) != 0 {
			t.Errorf("%s: %d %.200s", path, got.status, got.body)
		}
	}
	if got := h.ask(t, http.MethodGet, at(h.own), "/app/dashboards", who); got.header.Get("Location") != "/_dashboards/app/dashboards" {
		t.Errorf("urls.space leads to %q", got.header.Get("Location"))
	}
	if got := h.ask(t, http.MethodGet, at(h.own), "/_dashboards/app/login", who); got.header.Get("Location") != "/_dashboards/app/dashboards" {
		t.Errorf("the sign-in leads to %q", got.header.Get("Location"))
	}
}

// TestARoleThatCannotBeEntered: the wrong external id, or no role, and Dashboards is not asked.
func TestARoleThatCannotBeEntered(t *testing.T) {
	t.Parallel()
	h, _, _ := newManaged(t)
	known := h.front.Directory.(tenants) // it was put there
	wrong := h.own
	wrong.ExternalID = h.other.ExternalID
	known[wrong.Slug] = wrong
	none := h.other
	none.EditorRoleARN = ""
	known[none.Slug] = none
	for _, of := range []roster.Tenant{wrong, none} {
		got := h.ask(t, http.MethodGet, at(of), "/_dashboards/app/dashboards", h.in(t, of, true), "Accept: text/html")
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "Dashboards does not answer") || len(h.dashboards.take()) != 0 {
			t.Errorf("%s: %d %.300s", of.Slug, got.status, got.body)
		}
	}
	if log := h.logs.String(); !strings.Contains(log, "enter the role of") {
		t.Errorf("the log does not say why: %s", log)
	}
}

// TestSettingsOfDashboards: what is wrong is named at the start.
func TestSettingsOfDashboards(t *testing.T) {
	t.Parallel()
	good := dashboardsSettings{Auth: "proxy", URL: "http://127.0.0.1:5601/x", Patience: time.Second}
	for name, row := range map[string]struct {
		change func(*dashboardsSettings)
		isGood bool
	}{
		"as they are":         {func(*dashboardsSettings) {}, true},
		"none":                {func(s *dashboardsSettings) { s.Auth, s.URL = "none", "" }, true},
		"sigv4":               {func(s *dashboardsSettings) { s.Auth, s.URL = "sigv4", "" }, true},
		"an unknown way":      {func(s *dashboardsSettings) { s.Auth = "basic" }, false},
		"no address":          {func(s *dashboardsSettings) { s.URL = "" }, false},
		"another scheme":      {func(s *dashboardsSettings) { s.URL = "ftp://x" }, false},
		"a user":              {func(s *dashboardsSettings) { s.URL = "http://a:b@x" }, false},
		"a query":             {func(s *dashboardsSettings) { s.URL = "http://x?a" }, false},
		"an address too many": {func(s *dashboardsSettings) { s.Auth = "sigv4" }, false},
		"no patience":         {func(s *dashboardsSettings) { s.Patience = 0 }, false},
		"a negative cache":    {func(s *dashboardsSettings) { s.CacheMiB = -1 }, false},
	} {
		s := good
		row.change(&s)
		if err := s.check(); (err == nil) != row.isGood {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := good.proxy(nil, "no certificate", nil); err == nil {
		t.Error("an authority that is none is taken")
	}
	if p, err := (dashboardsSettings{Auth: "none"}).proxy(nil, "", nil); p != nil || err != nil {
		t.Errorf("no Dashboards: %v %v", p, err)
	}
}

// TestAKeyIsReadAtTheStart: a gateway whose cookie key is none does not start, and the key is not told.
func TestAKeyIsReadAtTheStart(t *testing.T) {
	t.Parallel()
	key := make([]byte, 16)
	_, _ = rand.Read(key)
	for _, keys := range [][]string{{"not base64!"}, {base64.StdEncoding.EncodeToString(key)}, {""}} {
		g := &gateway{settings: gatewaySettings{CookieKeys: keys}}
		if _, err := g.jar(); err == nil || slices.ContainsFunc(keys, func(k string) bool { return k != "" && strings.Contains(err.Error(), k) }) {
			t.Errorf("%q: %v", keys, err)
		}
	}
}
