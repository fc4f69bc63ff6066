package searchtenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// errAbsent says that search has no such thing.
var errAbsent = errors.New("absent")

// A refusal is search's no to one request.
type refusal struct {
	status int
	method string
	path   string
	said   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("search answered %d to %s %s: %s", r.status, r.method, r.path, r.said)
}

// passes reports whether the same request may succeed later. A new domain answers 403 for a while, and of two writers of the
// security configuration one gets a 409.
func (r *refusal) passes() bool {
	switch r.status {
	case http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return r.status >= http.StatusInternalServerError
}

// call sends a request until search answers it, and decodes the answer into out unless that is nil. A 404 is errAbsent.
func (a *Admin) call(ctx context.Context, method, path string, in, out any) error {
	return a.repeat(ctx, func(ctx context.Context) error { return a.once(ctx, method, path, in, out) })
}

// repeat sends until the failure is none that passes, or patience ends.
func (a *Admin) repeat(ctx context.Context, send func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.Patience)
	defer cancel()
	for try := 0; ; try++ {
		err := send(ctx)
		var no *refusal
		if err == nil || errors.Is(err, errAbsent) || errors.Is(err, errLost) || errors.As(err, &no) && !no.passes() {
			return err
		}
		if a.pause(ctx, try) != nil {
			return err
		}
	}
}

// once sends a request once.
func (a *Admin) once(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if text, isText := in.([]byte); isText { // lines of JSON
		body = bytes.NewReader(text)
	} else if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("make %s %s: %w", method, path, err)
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.search.Perform(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	case response.StatusCode == http.StatusNotFound:
		return errAbsent
	case response.StatusCode >= http.StatusMultipleChoices:
		return &refusal{status: response.StatusCode, method: method, path: path, said: excerpt(text)}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of the expected form", method, path)
	}
	return nil
}

// pause waits before the next try, longer each time and never as long as another caller.
func (a *Admin) pause(ctx context.Context, try int) error {
	longest := a.options.Pause << min(try, 5)
	timer := time.NewTimer(longest/2 + rand.N(longest)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func excerpt(text []byte) string {
	const most = 300
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(string(text), "")
}
