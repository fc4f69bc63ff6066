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
	if isCapabilities(q) && !q.as.Editor && answer.StatusCode == http.StatusOK {
		return lookOnly(answer)
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

// lookOnly takes out of the capabilities what changes something: Dashboards' pages go by them when they show their buttons.
func lookOnly(answer *http.Response) error {
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	_ = answer.Body.Close()
	if err != nil {
		return fmt.Errorf("read the capabilities: %w", err)
	}
	var parts map[string]any
	if err := json.Unmarshal(text, &parts); err != nil {
		return errors.New("read the capabilities: they are no object of JSON")
	}
	withoutChanges(parts)
	withoutManagement(parts)
	if text, err = json.Marshal(parts); err != nil {
		return fmt.Errorf("write the capabilities: %w", err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	answer.ContentLength = int64(len(text))
	answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
	answer.Header.Del("Etag")
	return nil
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
