package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// answers are the headers of Dashboards that get through: no cookie, no challenge, nothing of what runs there.
var answers = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "Etag",
	"Last-Modified", "Location", "Osd-Name", "Vary",
}

var errElsewhere = errors.New("it leads to another host")

// mend makes of what Dashboards says what the browser gets to see.
func mend(answer *http.Response, base *url.URL, q question) error {
	if answer.StatusCode == http.StatusUnauthorized {
		return errors.New("the gateway is not let in: check how search and Dashboards know it")
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return errors.New("it speaks another protocol")
	}
	said := answer.Header
	answer.Header = http.Header{}
	for _, name := range answers {
		if values := said[name]; len(values) > 0 {
			answer.Header[name] = values
		}
	}
	if !q.isStatic || answer.StatusCode != http.StatusOK {
		answer.Header.Set("Cache-Control", "private, no-store")
	}
	answer.Trailer = nil
	if err := mendLocation(answer.Header, base); err != nil {
		return err
	}
	switch {
	case answer.StatusCode != http.StatusOK:
	case isCapabilities(q) && !q.as.Editor:
		return lookOnly(answer)
	case isPage(q) && answer.Request.Method == http.MethodGet && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
		return showSignOut(answer)
	}
	return nil
}

// mendLocation keeps a browser on the host that it came to.
func mendLocation(h http.Header, base *url.URL) error {
	to := h.Get("Location")
	if to == "" {
		return nil
	}
	at, err := url.Parse(to)
	if err != nil || at.Host != "" && at.Host != base.Host || at.Scheme != "" && at.Host == "" || strings.ContainsAny(to, "\\\t\r\n") || strings.HasPrefix(at.Path, "//") {
		return errElsewhere
	}
	at.Scheme, at.Host, at.User = "", "", nil
	if at.Path == "" {
		at.Path = "/"
	}
	at.RawQuery = cleanQuery(at.RawQuery)
	h.Set("Location", at.String())
	return nil
}

func isCapabilities(q question) bool {
	return strings.EqualFold(strings.TrimSuffix(q.inside, "/"), "/api/core/capabilities")
}

// isPage reports whether the path is one of a page: all of them are the same document, which carries the settings of Dashboards.
func isPage(q question) bool { return strings.HasPrefix(q.inside, "/app/") }

// Who is known by headers is offered no way out in Dashboards' menu; who has typed a password there is. Both settings are as a
// page has them, within an attribute.
var (
	knownByHeaders  = []byte("&quot;auth&quot;:{&quot;type&quot;:&quot;proxy&quot;")
	knownByPassword = []byte("&quot;auth&quot;:{&quot;type&quot;:&quot;basicauth&quot;")
)

// showSignOut has a page offer the way out, which leads to the gateway. A page without that setting stays as it is.
func showSignOut(answer *http.Response) error {
	return rewrite(answer, func(page []byte) ([]byte, error) {
		return bytes.Replace(page, knownByHeaders, knownByPassword, 1), nil
	})
}

// rewrite changes a body that is not packed.
func rewrite(answer *http.Response, change func([]byte) ([]byte, error)) error {
	const most = 1 << 20
	if coding := answer.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return errors.New("it is packed, though that was not asked for")
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	_ = answer.Body.Close()
	switch {
	case err != nil:
		return fmt.Errorf("read what is to be changed: %w", err)
	case len(text) > most:
		return fmt.Errorf("what is to be changed is over %d bytes", most)
	}
	if text, err = change(text); err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	answer.ContentLength = int64(len(text))
	answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
	answer.Header.Del("Etag")
	return nil
}

// lookOnly takes out of the capabilities what changes something: Dashboards' pages go by them when they show their buttons.
func lookOnly(answer *http.Response) error {
	return rewrite(answer, func(text []byte) ([]byte, error) {
		var parts map[string]any
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, errors.New("read the capabilities: they are no object of JSON")
		}
		withoutChanges(parts)
		withoutManagement(parts)
		return json.Marshal(parts)
	})
}

// withoutManagement hides the pages of Stack Management: their import is there whatever else the capabilities say.
func withoutManagement(parts map[string]any) {
	if links, isThere := parts["navLinks"].(map[string]any); isThere {
		links["management"] = false
	}
	if sections, isThere := parts["management"].(map[string]any); isThere {
		clear(sections)
	}
}

// changes begin the names of what changes something.
var changes = []string{"save", "edit", "delete", "create", "copy", "share", "import", "showwritecontrols"}

// withoutChanges sets what changes something to false, at any depth.
func withoutChanges(parts map[string]any) {
	for name, value := range parts {
		switch value := value.(type) {
		case map[string]any:
			withoutChanges(value)
		case bool:
			for _, change := range changes {
				if strings.HasPrefix(strings.ToLower(name), change) {
					parts[name] = false
				}
			}
		}
	}
}
