package rig

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/opensearch-project/opensearch-go/v2"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A Search is the search node as one of its users.
type Search struct {
	url                string
	username, password string
	client             *http.Client
	transport          *http.Transport
}

// Search returns the node as its administrator.
func (s *Stack) Search() (*Search, error) {
	ca, err := os.ReadFile(s.OpenSearch.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the node's certificate authority is unreadable")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 8}
	return &Search{
		url: s.OpenSearch.URL, username: s.OpenSearch.Username, password: s.OpenSearch.Password,
		client: &http.Client{Transport: transport}, transport: transport,
	}, nil
}

// As returns the node as another user.
func (s *Search) As(username, password string) *Search {
	other := *s
	other.username, other.password = username, password
	return &other
}

// Client returns the node as the product's own packages speak to it.
func (s *Search) Client() (*opensearch.Client, error) {
	return opensearch.NewClient(opensearch.Config{
		Addresses: []string{s.url}, Username: s.username, Password: s.password, DisableRetry: true, CompressRequestBody: true, Transport: s.transport,
	})
}

// Do sends a request, reads the answer into into unless that is nil, and returns the status. Below 500 it is no error.
func (s *Search) Do(ctx context.Context, method, path string, body io.Reader, into any, headers ...string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth(s.username, s.password)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // read only
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return response.StatusCode, fmt.Errorf("%s %s answered %d: %.500s", method, path, response.StatusCode, text)
	}
	if into == nil {
		return response.StatusCode, nil
	}
	return response.StatusCode, json.Unmarshal(text, into)
}

// Must is Do for what must succeed.
func (s *Search) Must(ctx context.Context, method, path, body string, into any) error {
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	var answer json.RawMessage
	status, err := s.Do(ctx, method, path, sent, &answer)
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %d: %.500s", method, path, status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// Drop deletes an index if it is there.
func (s *Search) Drop(ctx context.Context, index string) error {
	return s.Must(ctx, http.MethodDelete, "/"+index+"?ignore_unavailable=true", "", nil)
}

// Bulk is a bulk that is ready to be sent: compressed, as our functions do.
type Bulk struct {
	body      []byte
	documents int
}

// Pack makes bulks of so many documents, each an index of its own action line. Without ids search makes them up.
func Pack(documents []telemetry.Document, size int, action string, withIDs bool) ([]Bulk, error) {
	var bulks []Bulk
	for from := 0; from < len(documents); from += size {
		part := documents[from:min(from+size, len(documents))]
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		for _, d := range part {
			target := map[string]string{"_index": d.Index}
			if withIDs {
				target["_id"] = d.ID
			}
			line, err := json.Marshal(map[string]any{action: target})
			if err != nil {
				return nil, err
			}
			for _, piece := range [][]byte{line, {'\n'}, d.Source, {'\n'}} {
				if _, err := zip.Write(piece); err != nil {
					return nil, err
				}
			}
		}
		if err := zip.Close(); err != nil {
			return nil, err
		}
		bulks = append(bulks, Bulk{packed.Bytes(), len(part)})
	}
	return bulks, nil
}

// Send posts bulks one after the other. Every document must be taken.
func (s *Search) Send(ctx context.Context, bulks []Bulk, query string) error {
	for _, b := range bulks {
		var answer struct {
			Errors bool
			Items  []map[string]json.RawMessage
		}
		status, err := s.Do(ctx, http.MethodPost, "/_bulk"+query, bytes.NewReader(b.body), &answer, "Content-Encoding", "gzip")
		if err != nil {
			return err
		}
		if status != http.StatusOK || answer.Errors || len(answer.Items) != b.documents {
			return fmt.Errorf("a bulk was answered %d with %d items for %d documents: %.500s", status, len(answer.Items), b.documents, firstError(answer.Items))
		}
	}
	return nil
}

func firstError(items []map[string]json.RawMessage) []byte {
	for _, item := range items {
		for _, said := range item {
			if bytes.Contains(said, []byte(`"error"`)) {
				return said
			}
		}
	}
	return nil
}
