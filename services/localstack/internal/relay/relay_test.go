package relay_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/earshot-hq/earshot/services/localstack/internal/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestItSpeaksFromTheAddress: the server sees the relay's address, and both directions pass.
func TestItSpeaksFromTheAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, from+" "+string(body))
	}))
	defer server.Close()
	r, err := relay.Start(t.Context(), "127.0.0.1:0", strings.TrimPrefix(server.URL, "http://"), "127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	res, err := client.Post("http://"+r.Addr(), "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if string(text) != "127.0.0.2 hello" {
		t.Errorf("the server says %q", text)
	}
	if err := r.Close(); err != nil { // with a connection that is kept open
		t.Error(err)
	}
	if _, err := relay.Start(t.Context(), server.Listener.Addr().String(), "", "127.0.0.2"); err == nil {
		t.Error("an address that is taken is no error")
	}
}

// TestNobodyThere: whoever comes sees the connection end.
func TestNobodyThere(t *testing.T) {
	r, err := relay.Start(t.Context(), "127.0.0.1:0", "127.0.0.1:1", "127.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("somebody answers")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
