package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/problem"
	"github.com/earshot-hq/earshot/internal/tenant"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"a fault":              {tenant.ErrSlugTaken, 409, "tenant.slug_taken"},
		"a wrapped fault":      {fmt.Errorf("onboard: %w", operation.ErrKeyReused), 422, "idempotency.key_reused"},
		"nobody":               {access.ErrUnauthenticated, 401, "access.unauthenticated"},
		"somebody who may not": {access.ErrForbidden, 403, "access.forbidden"},
		"too large":            {problem.ErrTooLarge, 413, "request.too_large"},
		"lost part":            {problem.ErrUnavailable, 503, "service.unavailable"},
		"any other error":      {errors.New("password is hunter2"), 500, "internal"},
		"no error at all":      {nil, 500, "internal"},
		"an internal fault":    {&fault.Fault{Kind: fault.Internal, Code: "x", Detail: "hunter2"}, 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := problem.From(row.err)
			if got.Status != row.status || got.Code != row.code {
				t.Errorf("got %d %s, want %d %s", got.Status, got.Code, row.status, row.code)
			}
			if got.Title == "" || got.Detail == "" || got.Type != "urn:earshot:error:"+row.code {
				t.Errorf("incomplete: %+v", got)
			}
		})
	}
}

func TestEveryKindHasAStatusAndATitle(t *testing.T) {
	t.Parallel()
	for kind := fault.Internal; kind <= fault.MethodNotAllowed; kind++ {
		if p := problem.From(&fault.Fault{Kind: kind, Code: "x"}); p.Status < 400 || p.Title == "" {
			t.Errorf("kind %d becomes status %d %q", kind, p.Status, p.Title)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	problem.From(problem.ErrInvalid.At("/slug")).Write(w)
	if w.Code != 422 || w.Header().Get("Content-Type") != problem.ContentType || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	var body struct {
		Status int
		Code   string
		Errors []struct{ Pointer, Code, Detail string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if body.Status != 422 || len(body.Errors) != 1 || body.Errors[0].Pointer != "/slug" {
		t.Errorf("got %s", w.Body)
	}
}

func TestWriteSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	for err, header := range map[error]string{problem.ErrUnavailable: "Retry-After", access.ErrUnauthenticated: "Www-Authenticate"} {
		w := httptest.NewRecorder()
		problem.From(err).Write(w)
		if w.Header().Get(header) == "" {
			t.Errorf("%v: no %s", err, header)
		}
	}
}
