package telemetry

import (
	"net/netip"
	"strings"

	"github.com/earshot-hq/earshot/internal/tenant"
)

// public returns what is kept of the address of a connection.
func public(address string, privacy tenant.IPPrivacy) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return keep(parsed, privacy)
}

// private returns what is kept of the address that a browser found for itself. Most browsers hide it behind a random mDNS
// name, which tells nothing. What is neither may hold an address: only the full setting keeps it.
func private(address string, privacy tenant.IPPrivacy) string {
	switch parsed, err := netip.ParseAddr(address); {
	case err == nil:
		return keep(parsed, privacy)
	case privacy == tenant.IPFull, privacy == tenant.IPTruncated && strings.HasSuffix(address, ".local"):
		return address
	}
	return ""
}

func keep(address netip.Addr, privacy tenant.IPPrivacy) string {
	address = address.Unmap().WithZone("")
	switch privacy {
	case tenant.IPFull:
		return address.String()
	case tenant.IPTruncated:
		bits := 48
		if address.Is4() {
			bits = 24
		}
		return netip.PrefixFrom(address, bits).Masked().Addr().String()
	case tenant.IPNone:
	}
	return ""
}
