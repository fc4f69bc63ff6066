package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/service"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// stumblingStacks refuse the first upgrade that is asked for, and take the next.
type stumblingStacks struct {
	operation.Stacks
	stumbled *atomic.Bool
}

func (s stumblingStacks) Upgrade(ctx context.Context, cell tenant.Cell, t tenant.Tenant, token string) (bool, error) {
	if s.stumbled.CompareAndSwap(false, true) {
		return false, errors.New("not now")
	}
	return s.Stacks.Upgrade(ctx, cell, t, token)
}

// TestLinesOfTheWorkerNameTheRequest follows two requests into the worker's log: an onboarding, whose job is lost and made anew, and an
// upgrade of many, whose operations nobody has asked for one by one.
func TestLinesOfTheWorkerNameTheRequest(t *testing.T) {
	t.Parallel()
	w := setupAPI(t, nil, func(s operation.Stacks) operation.Stacks { return stumblingStacks{s, new(atomic.Bool)} })
	ask := func(path, body string, answer any) (request string) {
		response := w.open(t, http.MethodPost, w.url+path, body, "application/json")
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, response.StatusCode, string(text))
		require.NoError(t, json.Unmarshal(text, answer))
		return response.Header.Get("X-Request-Id")
	}
	var onboarded started
	byOnboarding := ask("/v1/tenants", onboarding("acme"), &onboarded)
	w.ask(t, `delete from river.river_job where kind = 'advance_operation' returning kind`)
	w.ask(t, `update operations set updated_at = now() - interval '1 day' returning id::text`)

	w.ask(t, `insert into river.river_job (kind, args, metadata, max_attempts)
		values ('of_another_release', json_build_object('operation_id', $1::text), json_build_object('request_id', $2::text), 1) returning kind`, onboarded.Operation.ID, byOnboarding)

	var lines bytes.Buffer
	worker := w.worker(t)
	worker.log = service.NewLogger(&lines, "admin-work", slog.LevelInfo)
	require.NoError(t, worker.Run(t.Context()))
	require.Equal(t, "succeeded", w.end(t, onboarded.Operation.ID))
	assert.Equal(t, []string{byOnboarding}, w.ask(t, `select metadata ->> 'request_id' from river.river_job where kind = 'advance_operation'`), "the job that was made anew")
	var upgrade struct{ ID string }
	byUpgrade := ask("/v1/upgrades", `{"artifact_version":"v2","tenants":["acme"]}`, &upgrade)
	require.Equal(t, "succeeded succeeded", w.endOfUpgrade(t, upgrade.ID))
	require.NoError(t, worker.Close(t.Context()))

	type line struct {
		Message   string `json:"msg"`
		Tenant    string `json:"tenant"`
		Operation string `json:"operation"`
		Request   string `json:"request_id"`
	}
	upgraded := w.ask(t, `select id::text from operations where kind = 'upgrade'`)
	require.Len(t, upgraded, 1)
	var found []line
	for decoder := json.NewDecoder(&lines); ; {
		var l line
		err := decoder.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if l.Operation != "" {
			found = append(found, l)
		}
	}
	assert.Subset(t, found, []line{
		{"job failed", "", onboarded.Operation.ID, byOnboarding},
		{"operation ended", "acme", onboarded.Operation.ID, byOnboarding},
		{"step will run again", "acme", upgraded[0], byUpgrade},
		{"operation ended", "acme", upgraded[0], byUpgrade},
	})
	requests := map[string]string{onboarded.Operation.ID: byOnboarding, upgraded[0]: byUpgrade}
	for _, l := range found {
		assert.Equal(t, requests[l.Operation], l.Request, "%+v", l)
		assert.True(t, l.Tenant == "acme" || l.Message == "job failed", "%+v", l)
	}
	assert.Equal(t, []string{byOnboarding, byUpgrade, byUpgrade}, w.ask(t, `select request_id from audit_events where request_id <> '' order by id`), "the audit")
}
