package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/slug"
)

// A Handler serves CloudFormation's custom resource of every tenant of the cell, and the worker's direct requests about one
// tenant. The two are told apart by shape.
type Handler struct {
	Provider  customresource.Provider
	Leftovers *Leftovers
}

// Answer is what a direct request gets: what is left of the tenant, in words for an admin.
type Answer struct {
	Left []string `json:"left"`
}

var errShape = errors.New(`send a custom-resource request, or {"action": "purge"|"sweep", "slug": "<slug>"}`)

// Handle serves one event.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	var shape struct {
		RequestType string
		ResponseURL string
	}
	if err := json.Unmarshal(event, &shape); err != nil {
		return nil, errShape
	}
	if shape.RequestType == "" && shape.ResponseURL == "" {
		return h.direct(ctx, event)
	}
	var request cfn.Event
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, errShape
	}
	return nil, h.Provider.Serve(ctx, request)
}

// direct serves the worker.
func (h *Handler) direct(ctx context.Context, event json.RawMessage) (any, error) {
	var request struct {
		Action string `json:"action"`
		Slug   string `json:"slug"`
	}
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return nil, errShape
	}
	s, err := slug.Parse(request.Slug)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", request.Action, err)
	}
	answer := Answer{Left: []string{}}
	switch request.Action {
	case "purge":
		err = h.Leftovers.Purge(ctx, s)
	case "sweep":
		answer.Left, err = h.Leftovers.Sweep(ctx, s)
	default:
		return nil, errShape
	}
	if err != nil {
		slog.ErrorContext(ctx, request.Action, "tenant", s, "error", err)
		return nil, fmt.Errorf("%s %s: %w", request.Action, s, err)
	}
	slog.InfoContext(ctx, request.Action, "tenant", s, "left", len(answer.Left))
	return answer, nil
}
