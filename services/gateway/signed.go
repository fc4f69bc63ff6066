package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/earshot-hq/earshot/internal/roster"
	"github.com/earshot-hq/earshot/services/gateway/internal/dashboards"
)

// managedPrefix is where Amazon OpenSearch Service has Dashboards.
const managedPrefix = "/_dashboards"

// signed asks the Dashboards of Amazon OpenSearch Service: whoever signs a request is its user, and that is the tenant's own reader
// role, or its editor role.
type signed struct {
	roles  *roles
	signer *v4.Signer
	now    func() time.Time
}

func newSigned(r *roles, now func() time.Time) *signed {
	return &signed{roles: r, signer: v4.NewSigner(), now: now}
}

// Base is at the tenant's own search.
func (s *signed) Base(t roster.Tenant) *url.URL {
	base, err := url.Parse(strings.TrimSuffix(t.SearchEndpoint, "/"))
	if err != nil || base.Host == "" {
		return nil
	}
	base.Path += managedPrefix
	return base
}

// Authenticate signs. Assets are asked for as the reader, like all that needs no right to change anything.
func (s *signed) Authenticate(r *http.Request, body []byte, as dashboards.Person) error {
	credentials, err := s.roles.credentials(as.Tenant, as.Editor).Retrieve(r.Context())
	if err != nil {
		return fmt.Errorf("enter the role of %s: %w", as.Tenant.Slug, err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := s.signer.SignHTTP(r.Context(), credentials, r, hash, "es", as.Tenant.Region, s.now()); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return nil
}
