package panel

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// amazon is a stand-in for every host of Amazon Connect's, which an asker reaches whatever it resolves.
func amazon(t *testing.T, answer http.HandlerFunc) *Asker {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	a, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // which the server's certificate names
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	a.client.Transport = transport
	return a
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{200: nil, 302: nil, 307: nil, 401: ErrRefused, 404: ErrRefused, 500: ErrTrouble, 503: ErrTrouble} {
		var asked atomic.Int32
		a := amazon(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if r.Method != http.MethodGet || r.Host != "acme.my.connect.aws" || r.URL.Path != "/ccp-v2" {
				t.Errorf("asked %s %s%s", r.Method, r.Host, r.URL.Path)
			}
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
			w.WriteHeader(status)
		})
		if err := a.Ask(t.Context(), "https://acme.my.connect.aws/ccp-v2"); !errors.Is(err, want) {
			t.Errorf("%d is %v, want %v", status, err, want)
		}
		if asked.Load() != 1 {
			t.Errorf("%d: asked %d times: it followed the answer", status, asked.Load())
		}
	}
}

func TestAttackHostsThatAreNotAmazonConnects(t *testing.T) {
	t.Parallel()
	a := amazon(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked %s%s", r.Host, r.URL.Path) })
	for _, address := range []string{
		"", "x", "http://acme.my.connect.aws/ccp-v2", "https://acme.my.connect.aws:8443/ccp-v2", "https://acme.my.connect.aws/",
		"https://acme.my.connect.aws/ccp-v2?x=1", "https://my.connect.aws/ccp-v2", "https://a.b.my.connect.aws/ccp-v2", "https://acme.my.connect.aws.example.com/ccp-v2",
		"https://acme.my.connect.aws@10.0.0.1/ccp-v2", "https://10.0.0.1/ccp-v2", "https://[::1]/ccp-v2", "https://localhost/ccp-v2", "https://169.254.169.254/ccp-v2",
		"http://ccp.localhost:80/ccp-v2", "https://evilmy.connect.aws/ccp-v2", "https://ccp.example.com/ccp-v2", "file:///etc/passwd", "https://ACME.my.connect.aws/ccp-v2/",
	} {
		if err := a.Ask(t.Context(), address); !errors.Is(err, ErrElsewhere) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A public name that leads to somewhere of ours opens no connection there.
func TestAttackPrivateAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "10.1.2.3:443", "192.168.0.9:443", "172.16.0.1:443", "169.254.169.254:443", "100.64.1.1:443",
		"0.0.0.0:443", "[fd00::1]:443", "[fe80::1]:443", "224.0.0.1:443", "8.8.8.8:80", "not an address",
	} {
		if publicOnly("tcp", address, nil) == nil {
			t.Errorf("%s is dialled", address)
		}
	}
	for _, address := range []string{"8.8.8.8:443", "[2600:9000::1]:443"} {
		if err := publicOnly("tcp", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	a, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := a.client.Do(request); !errors.Is(err, errNotPublic) {
		_ = answer.Body.Close()
		t.Errorf("a server of this machine: %v", err)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	a := amazon(t, func(http.ResponseWriter, *http.Request) { <-hang })
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := a.Ask(ctx, "https://acme.my.connect.aws/ccp-v2"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("%v", err)
	}
	a.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	if err := a.Ask(t.Context(), "https://acme.my.connect.aws/ccp-v2"); !errors.Is(err, ErrNoHost) {
		t.Errorf("%v", err)
	}
}

// Where there is a stand-in its panel is asked, and nothing else of this machine's.
func TestAskTheStandIn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ccp-v2" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	a, err := New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for address, want := range map[string]error{
		"http://ccp.cloudfront.localhost:" + port + "/ccp-v2":   nil,
		"http://ccp.cloudfront.localhost:" + port + "/else":     ErrRefused,
		"http://ccp.cloudfront.localhost:1/ccp-v2":              ErrElsewhere,
		"http://u@ccp.cloudfront.localhost:" + port + "/ccp-v2": ErrElsewhere,
		"http://ccp.example.com:" + port + "/ccp-v2":            ErrElsewhere,
		"http://127.0.0.1:" + port + "/ccp-v2":                  ErrElsewhere,
	} {
		if err := a.Ask(t.Context(), address); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}
}
