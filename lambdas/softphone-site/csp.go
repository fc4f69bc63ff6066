package main

import (
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// placeholder stands in the site's index.html where the policy goes: a policy in the header is one for a hundred tenants,
// so the exact one is in the page, and the stricter of the two wins.
const placeholder = "<!-- earshot:content-security-policy -->"

var (
	errNoPlaceholder = errors.New("the site's index.html has no place for the content security policy")

	// sourceForm is what a source of a policy may look like: nothing that ends the source, the directive or the attribute.
	sourceForm = regexp.MustCompile(`^(https?)://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$`)
)

// policy returns the tenant's content security policy: scripts and styles of the site alone, requests to the site and the
// tenant's telemetry API, frames of the tenant's CCPs. frame-ancestors has no effect in a page, so the header has it.
func policy(c siteConfig) (string, error) {
	api, err := sourceOf(c.TelemetryAPI)
	if err != nil {
		return "", fmt.Errorf("telemetry API: %w", err)
	}
	frames := []string{}
	for _, instance := range c.ConnectInstances {
		for _, address := range []string{instance.CCPURL, instance.SAMLURL} {
			if address == "" {
				continue
			}
			source, err := sourceOf(address)
			if err != nil {
				return "", fmt.Errorf("connect instance %s: %w", instance.Alias, err)
			}
			frames = append(frames, source)
		}
	}
	slices.Sort(frames)
	frames = slices.Compact(frames)
	if len(frames) == 0 {
		frames = []string{"'none'"}
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		"font-src 'self'",
		"media-src 'self' blob:",
		"manifest-src 'self'",
		"connect-src 'self' " + api,
		"frame-src " + strings.Join(frames, " "),
		"base-uri 'none'",
		"form-action 'none'",
	}, "; "), nil
}

// sourceOf returns the origin of an address as a source of a policy.
func sourceOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("no address of the form https://host/path")
	}
	source := strings.ToLower(u.Scheme + "://" + u.Host)
	if !sourceForm.MatchString(source) || u.User != nil {
		return "", errors.New("no address of the form https://host/path")
	}
	return source, nil
}

// withPolicy puts the policy into the page.
func withPolicy(page []byte, policy string) ([]byte, error) {
	if strings.Count(string(page), placeholder) != 1 {
		return nil, errNoPlaceholder
	}
	meta := `<meta http-equiv="Content-Security-Policy" content="` + html.EscapeString(policy) + `">`
	return []byte(strings.Replace(string(page), placeholder, meta, 1)), nil
}
