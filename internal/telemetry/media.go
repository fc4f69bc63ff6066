package telemetry

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// media is what is kept of a call's configuration: where the media went, and nothing that opens a door.
type media struct {
	endpoint string
	region   string
	ice      []string
}

// callConfig has the only two members of the configuration that are read. The others (username, credential, sessionToken
// and whatever comes next) are secrets and have no place here.
type callConfig struct {
	SignalingEndpoint json.RawMessage `json:"signalingEndpoint"`
	IceServers        json.RawMessage `json:"iceServers"`
}

const maxIceServers = 20

func (d *decoder) readMedia(members object) media {
	var m media
	config, known := readConfig(members["callConfigJson"])
	if !known {
		d.drop(members["callConfigJson"])
	}
	delete(members, "callConfigJson")
	if text, isText := readText(config.SignalingEndpoint); isText {
		m.endpoint = d.some(plainEndpoint(text))
	}
	servers, _ := readArray(config.IceServers)
	for _, raw := range servers {
		var server struct {
			URLs json.RawMessage `json:"urls"`
			URL  json.RawMessage `json:"url"` // the older form
		}
		if json.Unmarshal(raw, &server) == nil {
			d.addIce(&m, iceURL, server.URLs, server.URL)
		}
	}
	// Schema 2 sends hosts only.
	if text, isText := readText(members.take("signalingHost")); isText {
		m.endpoint = d.some(bounded(text, hostOnly, maxHost))
	}
	d.addIce(&m, iceHost, members.take("iceHosts"))
	m.region = region(m.endpoint)
	return m
}

// some returns text, and counts a drop when there is none left.
func (d *decoder) some(text string) string {
	if text == "" {
		d.dropped++
	}
	return text
}

// addIce adds the cleaned addresses of members that are a text or a list of texts.
func (d *decoder) addIce(m *media, form *regexp.Regexp, members ...json.RawMessage) {
	for _, raw := range members {
		items, isArray := readArray(raw)
		if !isArray {
			items = []json.RawMessage{raw}
		}
		for _, item := range items {
			text, isText := readText(item)
			address := plainIce(text, form)
			if address == "" || len(m.ice) >= maxIceServers {
				if isText {
					d.dropped++
				}
				continue
			}
			m.ice = append(m.ice, address)
		}
	}
}

// readConfig reads a configuration that is an object, a text that holds one, or either of them HTML-escaped, even twice.
func readConfig(raw json.RawMessage) (callConfig, bool) {
	for range 4 {
		var config callConfig
		if isObject(raw) && json.Unmarshal(raw, &config) == nil {
			return config, true
		}
		if text, isText := readText(raw); isText {
			raw = json.RawMessage(text)
			continue
		}
		raw = json.RawMessage(html.UnescapeString(string(raw)))
	}
	return callConfig{}, false
}

// The lengths are bounded beside the forms: a repetition with a bound is written out as often, and compiling these took the
// better part of a function's cold start.
const (
	hostForm  = `(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?`
	maxHost   = 265 // bytes of a scheme, a host name and a port
	maxPath   = 200
	maxMember = 128
)

var (
	iceURL   = regexp.MustCompile(`^(?:turns?|stuns?):` + hostForm + `$`)
	iceHost  = regexp.MustCompile(`^(?:(?:turns?|stuns?):)?` + hostForm + `$`)
	pathForm = regexp.MustCompile(`^[A-Za-z0-9._~/-]*$`)
	hostOnly = regexp.MustCompile(`^` + hostForm + `$`)
)

// bounded returns text that has a form and no more bytes than most, or nothing.
func bounded(text string, form *regexp.Regexp, most int) string {
	if len(text) > most {
		return ""
	}
	return form.FindString(text)
}

// plainIce returns scheme, host and port of an ICE address, or nothing when it has another form. A user name may hide
// before an @, anything in a query; where the two are mixed, nothing is safe to keep.
func plainIce(address string, form *regexp.Regexp) string {
	address, query, _ := strings.Cut(address, "?")
	if strings.Contains(query, "@") {
		return ""
	}
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		scheme, _, _ := strings.Cut(address, ":")
		address, form = scheme+":"+address[at+1:], iceURL // without a scheme, what looks like one is the user
	}
	return bounded(address, form, maxHost)
}

// plainEndpoint returns the signalling endpoint without user and query, or nothing when it is no address.
func plainEndpoint(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || !slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) || bounded(u.Host, hostOnly, maxHost) == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + bounded(u.EscapedPath(), pathForm, maxPath)
}

var regionForm = regexp.MustCompile(`\.([a-z]{2}(?:-[a-z]+){1,2}-\d{1,2})\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws|on\.aws)\.?(?::\d+)?(?:/|$)`)

// region returns the AWS region of a signalling endpoint, which with Global Resiliency need not be the instance's own.
func region(endpoint string) string {
	if found := regionForm.FindStringSubmatch(strings.ToLower(endpoint)); found != nil {
		return found[1]
	}
	return ""
}
