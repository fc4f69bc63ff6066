package signin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// lostKey is the key of the error that a caller of the verifier would not learn otherwise: go-oidc shows whatever went
// wrong with a signature as text.
type lostKey struct{}

// keySet tells "the keys cannot be had" from "the signature is wrong".
type keySet struct{ remote oidc.KeySet }

// VerifySignature implements oidc.KeySet.
func (k keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	if lost, ok := ctx.Value(lostKey{}).(*error); ok && errors.Is(err, ErrUnavailable) {
		*lost = err
	}
	return payload, err
}

// keyTransport marks every failure to reach the issuer, and answers a repeated request from what the issuer said a moment
// ago: whoever sends tokens with invented key ids must not make us ask for keys each time.
type keyTransport struct {
	base http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	kept map[string]keptAnswer // by URL
}

type keptAnswer struct {
	at     time.Time
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (k *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	address := r.URL.String()
	if kept, ok := k.kept[address]; ok && k.now().Sub(kept.at) < keysFor {
		return kept.response(r), nil
	}
	answer, err := k.base.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(answer.Body, most))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w (%s answered %s)", ErrUnavailable, address, answer.Status)
	}
	if k.kept == nil {
		k.kept = map[string]keptAnswer{}
	}
	kept := keptAnswer{at: k.now(), header: answer.Header, body: body}
	k.kept[address] = kept
	return kept.response(r), nil
}

func (a keptAnswer) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}
}
