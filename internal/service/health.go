package service

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/problem"
)

// A Check returns why a part that the service needs is not there.
type Check func(ctx context.Context) error

// Health knows the parts that a service needs.
type Health struct {
	log    *slog.Logger
	names  []string
	checks []Check
}

// NewHealth returns a Health that logs the causes of failed checks, which callers do not see.
func NewHealth(log *slog.Logger) *Health { return &Health{log: log} }

// Add adds a part. It must be called before the service starts.
func (h *Health) Add(name string, check Check) {
	h.names, h.checks = append(h.names, name), append(h.checks, check)
}

// checkTimeout bounds each check: an answer that takes longer is none.
const checkTimeout = 3 * time.Second

// Ready asks every part at once. The states say "ok" or a code, by part; the error is problem.ErrUnavailable naming the
// parts that are away, nil when all are there.
func (h *Health) Ready(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	errs := make([]error, len(h.checks))
	var group sync.WaitGroup
	for i, check := range h.checks {
		group.Go(func() { errs[i] = check(ctx) })
	}
	group.Wait()
	states, away := map[string]string{}, *problem.ErrUnavailable
	for i, err := range errs {
		states[h.names[i]] = "ok"
		if err != nil {
			h.log.WarnContext(ctx, "not ready", "part", h.names[i], "error", err)
			p := problem.From(err)
			states[h.names[i]] = p.Code
			away.Fields = append(away.Fields, fault.Field{Pointer: "/checks/" + h.names[i], Code: p.Code, Detail: p.Detail})
		}
	}
	if len(away.Fields) > 0 {
		return states, &away
	}
	return states, nil
}

// register adds /healthz and /readyz to a server that has no other API.
func (h *Health) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		states, err := h.Ready(r.Context())
		if err != nil {
			problem.From(err).Write(w)
			return
		}
		writeHealth(w, states)
	})
}

func writeHealth(w http.ResponseWriter, states map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(struct { // the caller has gone: nobody is left to be told
		Status string            `json:"status"`
		Checks map[string]string `json:"checks,omitempty"`
	}{"ok", states})
}
