package testenv

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/opensearch-project/opensearch-go/v2"
)

// A Search is the search node with its security plugin, and its administrator.
type Search struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
	CAFile   string `json:"ca_file"`
	CAPem    string `json:"-"`
}

// OpenSearch returns the node that all tests share: a test keeps to the indices of a slug of its own.
func OpenSearch(tb testing.TB) Search {
	tb.Helper()
	raw := need(tb, "OpenSearch", openSearchVariable)
	var search Search
	if err := json.Unmarshal([]byte(raw), &search); err != nil {
		tb.Fatal(err)
	}
	ca, err := os.ReadFile(search.CAFile)
	if err != nil {
		tb.Fatal(err)
	}
	search.CAPem = string(ca)
	return search
}

// Client returns a client that trusts the node's certificate and signs nobody in.
func (s Search) Client(tb testing.TB) *http.Client {
	tb.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(s.CAPem)) {
		tb.Fatal("the node's certificate authority is unreadable")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// As returns a client as our own programs have one, signed in as a user; without a name, as the administrator.
func (s Search) As(tb testing.TB, username, password string) *opensearch.Client {
	tb.Helper()
	if username == "" {
		username, password = s.Username, s.Password
	}
	client, err := opensearch.NewClient(opensearch.Config{
		Addresses: []string{s.URL}, Username: username, Password: password,
		DisableRetry: true, CompressRequestBody: true, Transport: s.Client(tb).Transport,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}
