// Package certs makes the certificates of the local search node: a certificate authority of this checkout, one certificate
// for each node and one for their administrator.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files that Make writes, and the names that the node's settings give to the two certificates.
const (
	CA      = "ca.pem"
	Node    = "node.pem"
	NodeKey = "node-key.pem"
	// Those of a second node are made too, whether there is one or not: the authority cannot sign later.
	SecondNode    = "second-node.pem"
	SecondNodeKey = "second-node-key.pem"
	Admin         = "admin.pem"
	AdminKey      = "admin-key.pem"

	NodeName  = "node.earshot.local"
	AdminName = "admin.earshot.local"
)

// validity is long: who keeps a checkout for ten years runs `make clean` once.
const validity = 10 * 365 * 24 * time.Hour

type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Make writes the files into dir, CA last. The authority's key is thrown away: nothing else is ever signed with it.
func Make(dir string, now time.Time) error {
	authority, err := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Earshot local CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, now)
	if err != nil {
		return err
	}
	for _, files := range [][2]string{{Node, NodeKey}, {SecondNode, SecondNodeKey}} {
		node, err := sign(&x509.Certificate{
			Subject:     pkix.Name{CommonName: NodeName},
			DNSNames:    []string{"localhost", NodeName},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}, &authority, now)
		if err != nil {
			return err
		}
		if err := node.write(dir, files[0], files[1]); err != nil {
			return err
		}
	}
	admin, err := sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: AdminName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &authority, now)
	if err != nil {
		return err
	}
	if err := admin.write(dir, Admin, AdminKey); err != nil {
		return err
	}
	return writeCertificate(filepath.Join(dir, CA), authority)
}

// sign makes a key and its certificate; issuer nil signs with the key itself.
func sign(template *x509.Certificate, issuer *pair, now time.Time) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return pair{}, err
	}
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(validity)
	if issuer == nil {
		issuer = &pair{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, &key.PublicKey, issuer.key)
	if err != nil {
		return pair{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	return pair{certificate: certificate, key: key}, err
}

func (p pair) write(dir, certificate, key string) error {
	if err := writeCertificate(filepath.Join(dir, certificate), p); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.key) // the only form that the security plugin reads
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, key), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func writeCertificate(name string, p pair) error {
	return os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw}), 0o644)
}
