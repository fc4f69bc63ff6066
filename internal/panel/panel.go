// Package panel asks over HTTP whether a Contact Control Panel answers. What customers name is asked on hosts of Amazon Connect
// alone, at public addresses alone, and never followed elsewhere, so that nobody reaches anything else through it.
package panel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// Why a panel is not known to answer.
var (
	ErrElsewhere = errors.New("the host is not Amazon Connect's")
	ErrNoHost    = errors.New("there is no such host")
	ErrNoAnswer  = errors.New("nobody answered")
	ErrRefused   = errors.New("there is no such panel")
	ErrTrouble   = errors.New("the panel answered with an error of its own")
)

// An Asker asks. Use New.
type Asker struct {
	client  *http.Client
	standIn *url.URL // nil: there is none
}

// New returns an Asker. standIn is the address of a stand-in for Amazon Connect, whose panel is asked too; empty: there is none.
func New(standIn string) (*Asker, error) {
	a := &Asker{client: &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Control: publicOnly}).DialContext,
			TLSHandshakeTimeout: handshakeTime,
			DisableKeepAlives:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if standIn == "" {
		return a, nil
	}
	var err error
	if a.standIn, err = url.Parse(standIn); err != nil {
		return nil, fmt.Errorf("read the stand-in's address: %w", err)
	}
	return a, nil
}

const handshakeTime = 5 * time.Second

// Ask returns nil when the panel at the address answers, be it with the way to its sign-in; else one of the errors above, with its
// cause. The body is not read.
func (a *Asker) Ask(ctx context.Context, address string) error {
	client, at := a.client, address
	switch local, isLocal := a.local(address); {
	case isLocal:
		client, at = &http.Client{CheckRedirect: a.client.CheckRedirect}, local
	case !tenant.IsConnectPanel(address):
		return ErrElsewhere
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrElsewhere, err)
	}
	answer, err := client.Do(request)
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return fmt.Errorf("%w (%w)", ErrNoHost, err)
	case err != nil:
		return fmt.Errorf("%w (%w)", ErrNoAnswer, err)
	}
	_ = answer.Body.Close() // nothing was read of it
	switch {
	case answer.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %d", ErrTrouble, answer.StatusCode)
	case answer.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("%w: %d", ErrRefused, answer.StatusCode)
	}
	return nil
}

// local returns where the stand-in has the panel that browsers find under a name of this machine.
func (a *Asker) local(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || a.standIn == nil || u.Scheme != "http" || u.User != nil ||
		!strings.HasSuffix(u.Hostname(), ".localhost") || u.Port() != a.standIn.Port() {
		return "", false
	}
	return a.standIn.JoinPath(u.Path).String(), true
}

var errNotPublic = errors.New("the address is not public")

// publicOnly refuses connections to addresses that a public name must not lead to.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errNotPublic, address)
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || at.Port() != https || carrier.Contains(ip) {
		return fmt.Errorf("%w: %s", errNotPublic, address)
	}
	return nil
}

const https = 443

// carrier is the space that providers share behind their own translation (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")
