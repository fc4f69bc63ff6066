package api

import (
	"net/url"

	"golang.org/x/net/idna"
)

// asciiOrigins returns each origin as asciiOrigin does.
func asciiOrigins(origins []string) []string {
	converted := make([]string, 0, len(origins))
	for _, origin := range origins {
		converted = append(converted, asciiOrigin(origin))
	}
	return converted
}

// asciiOrigin returns an origin with its international host name in the form that browsers send. What it cannot read it
// returns as it came: the domain says what is wrong with it.
func asciiOrigin(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return origin
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil || host == u.Hostname() {
		return origin
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	u.Host = host
	return u.String()
}
