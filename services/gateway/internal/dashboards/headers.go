package dashboards

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/earshot-hq/earshot/internal/roster"
)

// Headers authenticates by headers that Dashboards and its search believe when they come from the gateway: auth type "proxy" of
// the security plugin. It must not be reachable for anybody else.
type Headers struct {
	URL *url.URL // where Dashboards is
	// Search is the endpoint that this Dashboards reads; tenants of another have none. Empty: all have this one.
	Search string
}

var errSubject = errors.New("the subject is none that a header may carry")

// Base is the same for all tenants whose search it reads.
func (h Headers) Base(t roster.Tenant) *url.URL {
	if h.Search != "" && strings.TrimSuffix(t.SearchEndpoint, "/") != strings.TrimSuffix(h.Search, "/") {
		return nil
	}
	return h.URL
}

// Authenticate names the person so that no tenant of search can have the name, and gives them one role.
func (h Headers) Authenticate(r *http.Request, _ []byte, as Person) error {
	if as.Subject == "" {
		return nil
	}
	if strings.Trim(as.Subject, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return errSubject
	}
	role := as.Tenant.Slug.ReaderRole()
	if as.Editor {
		role = as.Tenant.Slug.EditorRole()
	}
	r.Header.Set("X-Proxy-User", as.Tenant.Slug.String()+":"+as.Subject)
	r.Header.Set("X-Proxy-Roles", role)
	r.Header.Set("X-Forwarded-For", as.Address)
	return nil
}
