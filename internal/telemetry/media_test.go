package telemetry

import (
	"strings"
	"testing"
)

func TestHostsAreBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, address, want string }{
		{"a long host", "turn:" + strings.Repeat("h", 253), "turn:" + strings.Repeat("h", 253)},
		{"a longer one", "turn:" + strings.Repeat("h", 270), ""},
		{"a port", "turns:host.example:5349", "turns:host.example:5349"},
		{"what is no port", "turns:host.example:123456", ""},
		{"an IPv6 address", "stun:[2001:db8::1]:3478", "stun:[2001:db8::1]:3478"},
		{"two hosts", "turn:a:1:b", ""},
	} {
		if got := plainIce(test.address, iceURL); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	const endpoint = "wss://rtc.example"
	for path, want := range map[string]string{
		"/LilyRTC": endpoint + "/LilyRTC", "/" + strings.Repeat("p", 199): endpoint + "/" + strings.Repeat("p", 199),
		"/" + strings.Repeat("p", 200): endpoint, "/a;b": endpoint, "": endpoint,
	} {
		if got := plainEndpoint(endpoint + path); got != want {
			t.Errorf("path of %d bytes: got %q", len(path), got)
		}
	}
}
