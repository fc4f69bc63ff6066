package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/earshot-hq/earshot/internal/customresource"
	"github.com/earshot-hq/earshot/internal/slug"
)

// A Handler serves CloudFormation's custom resource of every tenant of the cell, and the worker's direct requests about one
// tenant. The two are told apart by shape.
type Handler struct {
	Provider  customresource.Provider
	Leftovers *Leftovers
	Eraser    *Eraser
	// Holding returns the clusters that may hold documents of a tenant.
	Holding func(ctx context.Context, s slug.Slug) ([]Search, error)
	// Actions are the only direct requests that are served, and then no custom resource is; empty: all are.
	Actions []string
}

// Answer is what a purge or a sweep gets: what is left of the tenant, in words for an admin.
type Answer struct {
	Left []string `json:"left"`
}

// Expired is what an expire gets: the indices that were deleted, or when none was named those that are due.
type Expired struct {
	Indices []string `json:"indices"`
}

var errShape = errors.New(`send a custom-resource request, {"action": "purge"|"sweep"|"volume", "slug": "<slug>"}, or ` +
	`{"action": "expire", "slug": "<slug>", "retention_days": 1 to 3650, "indices": [those to delete, or none to be told]}, or ` +
	`{"action": "provision", "slug": "<slug>", "restore": true for managed objects that somebody deleted}, or ` +
	`{"action": "export", "slug": "<slug>"}, or ` +
	`{"action": "import", "slug": "<slug>", "packed": "<gzip, base64>", "overwrite": <bool>, "template": <bool>}`)

// errNotServed keeps who may ask for one thing from asking for another.
var errNotServed = errors.New("this function does not serve that")

// Handle serves one event.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	var shape struct {
		RequestType string
		ResponseURL string
		Action      string `json:"action"`
		Slug        string `json:"slug"`
	}
	if err := json.Unmarshal(event, &shape); err != nil {
		return nil, errShape
	}
	isDirect := shape.RequestType == "" && shape.ResponseURL == ""
	if len(h.Actions) > 0 && (!isDirect || !slices.Contains(h.Actions, shape.Action)) {
		return nil, errNotServed
	}
	if isDirect {
		return h.direct(ctx, shape.Action, shape.Slug, event)
	}
	var request cfn.Event
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, errShape
	}
	return nil, h.Provider.Serve(ctx, request)
}

// about is what every direct request says. Each action takes its own members and no other.
type about struct {
	Action string `json:"action"`
	Slug   string `json:"slug"`
}

// direct serves the worker.
func (h *Handler) direct(ctx context.Context, action, name string, event json.RawMessage) (any, error) {
	do, isKnown := map[string]func(context.Context, slug.Slug, json.RawMessage) (any, error){
		"purge": h.purge, "sweep": h.sweep, "expire": h.expire, "erase": h.erase, "provision": h.provision, "volume": h.volume,
		"import": h.importObjects, "export": h.export,
	}[action]
	if !isKnown {
		return nil, errShape
	}
	s, err := slug.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", action, err)
	}
	answer, err := do(ctx, s, event)
	if errors.Is(err, errShape) || errors.Is(err, errErase) {
		return nil, err
	}
	if err != nil {
		slog.ErrorContext(ctx, action, "tenant", s, "error", err)
		return nil, fmt.Errorf("%s %s: %w", action, s, err)
	}
	return answer, nil
}

// strictly decodes an event into the members of an action.
func strictly(event json.RawMessage, request any) error {
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(request); err != nil {
		return errShape
	}
	return nil
}

func (h *Handler) purge(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	if err := strictly(event, &about{}); err != nil {
		return nil, err
	}
	if err := h.Leftovers.Purge(ctx, s); err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "purge", "tenant", s)
	return Answer{Left: []string{}}, nil
}

func (h *Handler) sweep(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	if err := strictly(event, &about{}); err != nil {
		return nil, err
	}
	left, err := h.Leftovers.Sweep(ctx, s)
	if err != nil {
		return nil, err
	}
	slog.InfoContext(ctx, "sweep", "tenant", s, "left", len(left))
	return Answer{Left: left}, nil
}

const (
	leastRetention = 1 // days
	mostRetention  = 3650
)

// expire deletes whole indices whose last instant is older than the retention. What is due is computed here, whatever is asked.
func (h *Handler) expire(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	var request struct {
		about
		RetentionDays int      `json:"retention_days"`
		Indices       []string `json:"indices"`
	}
	if err := strictly(event, &request); err != nil {
		return nil, err
	}
	if request.RetentionDays < leastRetention || request.RetentionDays > mostRetention {
		return nil, errShape
	}
	endedBy := time.Now().UTC().AddDate(0, 0, -request.RetentionDays)
	searches, err := h.Holding(ctx, s)
	if err != nil {
		return nil, err
	}
	answer := Expired{Indices: []string{}}
	for _, search := range searches {
		found, err := search.Admin.Expired(ctx, s, endedBy)
		if err == nil && len(request.Indices) > 0 {
			found, err = search.Admin.Expire(ctx, s, endedBy, request.Indices)
		}
		if err != nil {
			return nil, err
		}
		answer.Indices = append(answer.Indices, found...)
	}
	slog.InfoContext(ctx, "expire", "tenant", s, "retention_days", request.RetentionDays, "named", len(request.Indices), "indices", answer.Indices)
	return answer, nil
}

// Volume is what a volume gets: how many bytes of documents each kind makes a day. A kind that has made some for less than a week
// is missing.
type Volume struct {
	BytesPerDay map[string]int64 `json:"bytes_per_day"`
}

func (h *Handler) volume(ctx context.Context, s slug.Slug, event json.RawMessage) (any, error) {
	if err := strictly(event, &about{}); err != nil {
		return nil, err
	}
	searches, err := h.Holding(ctx, s)
	if err != nil {
		return nil, err
	}
	answer := Volume{BytesPerDay: map[string]int64{}}
	for _, search := range searches {
		volumes, err := search.Admin.Volumes(ctx, s, time.Now())
		if err != nil {
			return nil, err
		}
		for kind, bytes := range volumes {
			answer.BytesPerDay[kind] += bytes
		}
	}
	return answer, nil
}
