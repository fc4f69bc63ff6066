package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"github.com/earshot-hq/earshot/internal/slug"
)

// Counter counts the documents of one synthetic call; internal/records meets it.
type Counter interface {
	CountProbe(ctx context.Context, callID string) (map[string]int, error)
}

// A Handler tells the control plane whether a synthetic call has arrived. It is all that the control plane may learn of a
// tenant's telemetry: counts, of one agent that is no person.
type Handler struct {
	Tenant  slug.Slug
	Counter Counter
}

// Answer is all that the function ever says.
type Answer struct {
	Found map[string]int `json:"found"`
}

var (
	errRequest = errors.New(`send {"call_id": "<uuid>"} and nothing else`)
	errSearch  = errors.New("search did not answer; ask again")
)

// Handle answers how many documents of each kind the call has. What search says beyond the counts stays in the log.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (Answer, error) {
	callID, err := callOf(event)
	if err != nil {
		return Answer{}, err
	}
	found, err := h.Counter.CountProbe(ctx, callID)
	if err != nil {
		slog.ErrorContext(ctx, "probe", "tenant", h.Tenant, "error", err)
		return Answer{}, errSearch
	}
	slog.InfoContext(ctx, "probe", "tenant", h.Tenant, "found", found)
	return Answer{Found: found}, nil
}

// callOf returns the id in a request that holds nothing else, in the form in which documents hold it.
func callOf(event json.RawMessage) (string, error) {
	var request struct {
		CallID *string `json:"call_id"`
	}
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil || decoder.More() || request.CallID == nil {
		return "", errRequest
	}
	id, err := uuid.Parse(*request.CallID)
	if err != nil || id.String() != *request.CallID {
		return "", errRequest
	}
	return id.String(), nil
}
