package dashboards

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// headers are those of a browser that get through. Whatever else it sends says nothing that Dashboards needs, and might say who
// somebody is.
var headers = []string{
	"Accept", "Accept-Language", "Content-Type", "If-Modified-Since", "If-None-Match", "Osd-Version", "Osd-Xsrf", "User-Agent",
}

// encodings are the forms in which Dashboards keeps its assets; one of them is asked for, so that few variants are kept.
var encodings = []string{"br", "gzip"}

// spaceHeader pins the space.
const spaceHeader = "Securitytenant"

// restrict makes of a browser's request what Dashboards gets to see. It carries no identity yet.
func restrict(pr *httputil.ProxyRequest, base *url.URL, q question) {
	out := pr.Out
	out.URL.Scheme, out.URL.Host, out.Host = base.Scheme, base.Host, ""
	out.URL.User, out.URL.Fragment = nil, ""
	out.URL.RawQuery = cleanQuery(out.URL.RawQuery)
	sent := out.Header
	out.Header = http.Header{}
	for _, name := range headers {
		if values := sent[name]; len(values) > 0 {
			out.Header.Set(name, values[0])
		}
	}
	switch encoding := encodingOf(sent.Get("Accept-Encoding")); {
	case q.isStatic: // whole, and whatever the browser has: it is kept
		out.URL.RawQuery = ""
		out.Header.Del("If-None-Match")
		out.Header.Del("If-Modified-Since")
		out.Header.Set("Accept-Encoding", encoding)
	case isCapabilities(q), isPage(q):
		out.Header.Set("Accept-Encoding", "identity") // it is read here
	default:
		out.Header.Set("Accept-Encoding", encoding)
	}
	if !q.isStatic {
		out.Header.Set(spaceHeader, q.as.Tenant.Slug.Space())
	}
	asBody(out, q.body)
}

func encodingOf(accepted string) string {
	for _, known := range encodings {
		for one := range strings.SplitSeq(accepted, ",") {
			name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
			if strings.EqualFold(strings.TrimSpace(name), known) && strings.ReplaceAll(weight, " ", "") != "q=0" {
				return known
			}
		}
	}
	return "identity"
}

// cleanQuery leaves out the parameters that name a space, however they are written. The others stay as they were, in their order.
func cleanQuery(raw string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || pair == "" || namesSpace(plain) {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// namesSpace compares letters alone: securityTenant_, securitytenant and security_tenant are one name.
func namesSpace(name string) bool {
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, name)
	return letters == "securitytenant"
}
