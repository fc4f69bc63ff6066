package tenant

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

var connectDomains = []string{".my.connect.aws", ".govcloud.connect.aws", ".awsapps.com"}

// NormalOrigin returns an origin as browsers send it: lower case, without a slash or a default port. International names
// are refused unless they are written in their ASCII form (xn--…).
func NormalOrigin(origin string) (string, error) {
	u, err := parseAddress(origin)
	if err != nil {
		return "", err
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return "", errors.New("send scheme and host only: https://softphone.example.com")
	}
	if u.Scheme != "https" && !isLocal(u.Hostname()) {
		return "", errors.New("use https; http is for localhost only")
	}
	return u.Scheme + "://" + u.Host, nil
}

// normalCCPURL returns the address of a CCP as the softphone frames it, or an error that says what to send instead.
func normalCCPURL(address string, extraHosts []string) (string, error) {
	u, err := parseAddress(address)
	if err != nil {
		return "", err
	}
	host := u.Hostname()
	listed := slices.Contains(extraHosts, host)
	if u.Scheme != "https" && (!listed || !isLocal(host)) {
		return "", errors.New("use https; http is for a localhost listed in settings.ccp_hosts only")
	}
	if u.RawQuery != "" {
		return "", errors.New("send the CCP's address without a query")
	}
	domain := connectDomain(host)
	switch {
	case domain == "" && !listed:
		return "", errors.New("the host is no Amazon Connect host; send https://<alias>.my.connect.aws/ccp-v2, " +
			"or list the host in settings.ccp_hosts. A sign-in address belongs in saml_url")
	case domain != "" && u.Port() != "":
		return "", errors.New("an Amazon Connect host takes no port")
	}
	path, err := ccpPath(strings.TrimSuffix(u.Path, "/"), domain)
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host + path, nil
}

// IsConnectPanel reports whether an address is that of a Contact Control Panel on a host of Amazon Connect's own, in its normal form.
func IsConnectPanel(address string) bool {
	normal, err := normalCCPURL(address, nil)
	return err == nil && normal == address
}

// connectDomain returns the Amazon Connect domain that host is an alias under, or nothing.
func connectDomain(host string) string {
	for _, domain := range connectDomains {
		if alias, found := strings.CutSuffix(host, domain); found && alias != "" && !strings.Contains(alias, ".") {
			return domain
		}
	}
	return ""
}

// ccpPath returns the path of the CCP on a host: older instances keep it under /connect, newer ones do not.
func ccpPath(path, domain string) (string, error) {
	switch path {
	case "/ccp-v2":
		if domain == ".awsapps.com" {
			return "", errors.New("on awsapps.com the CCP is at /connect/ccp-v2")
		}
		return "/ccp-v2", nil
	case "/connect/ccp-v2":
		if domain == ".awsapps.com" || domain == "" {
			return path, nil
		}
		return "/ccp-v2", nil
	case "/ccp", "/connect/ccp":
		return "", errors.New("this is the old panel; send the address that ends in /ccp-v2")
	}
	return "", errors.New("the address must end in /ccp-v2, the Contact Control Panel")
}

// parseAddress reads an absolute http(s) address with a plain host: no user, no escapes, no stray characters. Scheme and
// host come back in lower case, without a default port and without the fragment.
func parseAddress(address string) (*url.URL, error) {
	const maxLength = 512
	if len(address) > maxLength {
		return nil, errors.New("the address is too long")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Opaque != "" {
		return nil, errors.New("send an absolute address: https://host/path")
	}
	if u.User != nil || u.ForceQuery || u.RawPath != "" || strings.ContainsAny(address, "%\\ \t\r\n") {
		return nil, errors.New("send a plain address: no user, no escapes")
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = u.Hostname()
	}
	if _, err := normalHost(u.Hostname()); err != nil || strings.HasSuffix(u.Host, ":") {
		return nil, errors.New("the host is no plain host name")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// normalHost returns a host name in lower case.
func normalHost(host string) (string, error) {
	host = strings.ToLower(host)
	if len(host) > 253 || !isHost(host) {
		return "", errors.New("send a host name in its ASCII form: ccp.example.com")
	}
	if _, err := netip.ParseAddr(host); err == nil && host != "127.0.0.1" {
		return "", errors.New("send a host name, not an address")
	}
	return host, nil
}

// isHost reports whether host consists of labels as RFC 1123 section 2.1 has them, in lower case. Each pusher asks at its cold
// start, where compiling a regular expression for it would take longer than asking.
func isHost(host string) bool {
	const maxLabel = 63
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

func isLocal(host string) bool { return host == "localhost" || strings.HasSuffix(host, ".localhost") }

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && isHost(strings.ToLower(u.Hostname())) &&
		u.User == nil && len(address) <= 2048 && !strings.ContainsAny(address, " \t\r\n\\")
}
