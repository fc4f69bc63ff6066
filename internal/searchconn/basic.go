package searchconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Credentials are what a secret of ours holds.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// ReadCredentials reads the secret with this ARN.
func ReadCredentials(ctx context.Context, secrets *secretsmanager.Client, arn string) (Credentials, error) {
	var read Credentials
	answer, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return read, fmt.Errorf("read secret: %w", err)
	}
	// The decoder's own error would quote what it read.
	if json.Unmarshal([]byte(aws.ToString(answer.SecretString)), &read) != nil || read.Username == "" || read.Password == "" {
		return read, errors.New("read secret: it must be JSON with username and password")
	}
	return read, nil
}

// basic signs in with the secret's password. A 401 has the secret read again, once a request: it may have been changed
// since this process started.
type basic struct {
	next    http.RoundTripper
	secrets *secretsmanager.Client
	arn     string

	mu    sync.Mutex
	known Credentials // guarded by mu
}

func (b *basic) RoundTrip(r *http.Request) (*http.Response, error) {
	used, err := b.credentials(r.Context(), Credentials{})
	if err != nil {
		return nil, err
	}
	answer, err := b.send(r, used)
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		return answer, err
	}
	fresh, err := b.credentials(r.Context(), used)
	if err != nil || fresh == used {
		return answer, nil //nolint:nilerr // the 401 says more than the secret that could not be read again
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	_ = answer.Body.Close()
	return b.send(r, fresh)
}

func (b *basic) send(r *http.Request, c Credentials) (*http.Response, error) {
	signed := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, fmt.Errorf("repeat the body: %w", err)
		}
		signed.Body = body
	}
	signed.SetBasicAuth(c.Username, c.Password)
	return b.next.RoundTrip(signed)
}

// credentials returns what is known, read anew when that was refused.
func (b *basic) credentials(ctx context.Context, refused Credentials) (Credentials, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known != (Credentials{}) && b.known != refused {
		return b.known, nil
	}
	read, err := ReadCredentials(ctx, b.secrets, b.arn)
	if err != nil {
		return Credentials{}, err
	}
	b.known = read
	return read, nil
}
