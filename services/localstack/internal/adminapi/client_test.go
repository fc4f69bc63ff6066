package adminapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/earshot-hq/earshot/services/localstack/internal/adminapi"
)

func setup(t *testing.T, status int, answer string) (*adminapi.Client, *http.Request) {
	t.Helper()
	seen := &http.Request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = *r.Clone(context.Background())
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return &adminapi.Client{Base: server.URL, Token: func(context.Context) (string, error) { return "t0ken", nil }}, seen
}

func TestOnboardSendsKeyAndToken(t *testing.T) {
	t.Parallel()
	api, seen := setup(t, http.StatusAccepted, `{"tenant": {"slug": "acme"}, "operation": {"id": "o1", "state": "queued"}}`)
	operation, err := api.Onboard(t.Context(), "key-1", map[string]any{"slug": "acme"})
	if err != nil || operation.ID != "o1" {
		t.Fatalf("%+v, %v", operation, err)
	}
	if seen.Header.Get("Idempotency-Key") != "key-1" || seen.Header.Get("Authorization") != "Bearer t0ken" {
		t.Errorf("sent %v", seen.Header)
	}
}

func TestAFailureIsAProblem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, answer, want string }{
		{"of ours", `{"status": 404, "code": "tenant.not_found", "detail": "There is no such tenant."}`, "tenant.not_found"},
		{"of something between", "<html>no upstream", "no upstream"},
	} {
		api, _ := setup(t, http.StatusNotFound, test.answer)
		_, err := api.Tenant(t.Context(), "acme")
		var problem *adminapi.Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusNotFound || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestEventsGoOnAfterWhatWasSeen(t *testing.T) {
	t.Parallel()
	api, seen := setup(t, http.StatusOK, `{"items": [{"sequence": 8, "level": "info", "message": "The stack stands.", "percent": 85}]}`)
	events, err := api.Events(t.Context(), "o1", 7)
	if err != nil || len(events) != 1 || events[0].Sequence != 8 || events[0].Percent != 85 {
		t.Errorf("%+v, %v", events, err)
	}
	if got := seen.URL.RequestURI(); got != "/v1/operations/o1/events?after=7" {
		t.Errorf("asked %s", got)
	}
}
