package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/services/localstack/internal/certs"
)

func TestMake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := certs.Make(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, certs.CA))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority's certificate is unreadable")
	}
	for _, test := range []struct {
		certificate, key, name string
		hosts                  []string
		usage                  x509.ExtKeyUsage
	}{
		{certs.Node, certs.NodeKey, certs.NodeName, []string{"localhost", "127.0.0.1"}, x509.ExtKeyUsageServerAuth},
		{certs.SecondNode, certs.SecondNodeKey, certs.NodeName, []string{"localhost", "127.0.0.1"}, x509.ExtKeyUsageServerAuth},
		{certs.Admin, certs.AdminKey, certs.AdminName, nil, x509.ExtKeyUsageClientAuth},
	} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, test.certificate), filepath.Join(dir, test.key))
		if err != nil {
			t.Fatal(err)
		}
		leaf := pair.Leaf
		if leaf.Subject.String() != "CN="+test.name {
			t.Errorf("%s is of %s", test.certificate, leaf.Subject)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{test.usage}}); err != nil {
			t.Errorf("%s: %v", test.certificate, err)
		}
		for _, host := range test.hosts {
			if err := leaf.VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
		checkKey(t, filepath.Join(dir, test.key))
	}
}

// checkKey expects the one form that the security plugin reads, for nobody else's eyes.
func checkKey(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PRIVATE KEY" {
		t.Errorf("%s is not in PKCS #8", name)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", name, info.Mode(), err)
	}
}
