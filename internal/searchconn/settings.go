// Package searchconn opens connections to OpenSearch: over TLS, with requests compressed, signed in by password or by SigV4.
package searchconn

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
)

// Auth is how a caller proves who it is.
type Auth string

// The ways to sign in. The managed service with an IAM master refuses every password, so there it is SigV4 alone.
const (
	Basic Auth = "basic"
	SigV4 Auth = "sigv4"
)

// Settings say where search is and how to sign in there. They are read by package settings.
type Settings struct {
	Endpoint  string `env:"SEARCH_ENDPOINT,required,notEmpty"` // https://host:port
	Auth      Auth   `env:"SEARCH_AUTH,required,notEmpty"`
	SecretARN string `env:"SEARCH_SECRET_ARN"` // basic only: JSON of username and password
	CAPem     string `env:"SEARCH_CA_PEM"`     // the authority of the server's certificate; empty: the system's
}

// At returns the same way to sign in at another endpoint.
func (s Settings) At(endpoint string) Settings {
	s.Endpoint = endpoint
	return s
}

func (s Settings) check() error {
	var wrong []error
	u, err := url.Parse(s.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		wrong = append(wrong, errors.New("the endpoint is no address of the form https://host:port"))
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme != "https":
		wrong = append(wrong, errors.New("the endpoint must be https"))
	}
	switch s.Auth {
	case SigV4:
	case Basic:
		if s.SecretARN == "" {
			wrong = append(wrong, errors.New("basic needs the ARN of a secret"))
		}
	default:
		wrong = append(wrong, fmt.Errorf("auth is %q; use basic or sigv4", s.Auth))
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("search settings: %w", err)
	}
	return nil
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
