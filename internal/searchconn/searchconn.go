package searchconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/opensearch-project/opensearch-go/v2"
	"github.com/opensearch-project/opensearch-go/v2/signer/awsv2"
)

// Open returns a client for the search that s names; account signs requests or reads the secret. It sends nothing yet.
//
// The client tries each request once: after a retry of its own its SigV4 signature is that of an empty body, and who
// calls knows better what may be sent twice. Only a refused password is read again and tried once more.
func Open(s Settings, account aws.Config) (*opensearch.Client, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	wire, err := transport(s.CAPem)
	if err != nil {
		return nil, err
	}
	conf := opensearch.Config{
		Addresses:           []string{s.Endpoint},
		CompressRequestBody: true,
		DisableRetry:        true,
		Transport:           once{wire},
	}
	if s.Auth == SigV4 {
		if conf.Signer, err = awsv2.NewSigner(account); err != nil {
			return nil, fmt.Errorf("sign requests to search: %w", err)
		}
	} else {
		conf.Transport = once{&basic{next: wire, secrets: secretsmanager.NewFromConfig(account), arn: s.SecretARN}}
	}
	client, err := opensearch.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("open search: %w", err)
	}
	return client, nil
}

func transport(caPem string) (*http.Transport, error) {
	wire := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   8,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if caPem == "" {
		return wire, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(caPem)) {
		return nil, errors.New("search settings: SEARCH_CA_PEM holds no certificate")
	}
	wire.TLSClientConfig.RootCAs = roots
	return wire, nil
}

// once hides from the client's transport which errors are network errors: on a bare io.EOF it retries although it was
// told not to, and with a body that is already drained.
type once struct{ next http.RoundTripper }

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := o.next.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return answer, nil
}
