package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/connectapi"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/slug"
)

// keepTime is what is left of the function's time for keeping what was read, or why it was not.
const keepTime = 10 * time.Second

// An Instance is a Connect instance whose directory may be read.
type Instance struct {
	Alias   string `json:"alias"`
	ARN     string `json:"arn"`
	RoleARN string `json:"roleArn"`

	region string
}

// Reader reads a directory in the customer's account; internal/connectapi meets it.
type Reader interface {
	Read(ctx context.Context, from connectapi.Instance) (*agents.Directory, connectapi.Tally, error)
	Setup(ctx context.Context, from connectapi.Instance) connectapi.Setup
}

// Panels asks whether a Contact Control Panel answers; internal/panel meets it.
type Panels interface {
	Ask(ctx context.Context, address string) error
}

// Store keeps directories and what runs came to; internal/agentstore meets it.
type Store interface {
	Put(ctx context.Context, alias string, d *agents.Directory) error
	PutStatus(ctx context.Context, s agents.Status) error
}

// A Handler reads the directories of one tenant, one after the other: Connect counts by account, and a tenant's instances often
// share one.
type Handler struct {
	Tenant     slug.Slug
	ExternalID string
	Instances  []Instance
	Reader     Reader
	Panels     Panels
	Store      Store
	Log        *slog.Logger
	Now        func() time.Time
	// Shuffle puts the instances in an order of chance, so that a time that never suffices for all does not always lack for one.
	Shuffle func(n int, swap func(i, j int))
}

// Answer is what became of each instance, or what a look has found.
type Answer struct {
	Runs []agents.Status `json:"runs"`
	Seen *agents.Seen    `json:"seen,omitempty"`
}

var errRequest = errors.New(`send {} for all Connect instances, or {"alias": "<alias>"} for one that has a directory role`)

// Handle reads every instance's directory, or one's, or looks at what is set up for us. A run that fails leaves the directory as it
// was, and is no error: Lambda would try again at once.
func (h *Handler) Handle(ctx context.Context, event json.RawMessage) (Answer, error) {
	if look := lookOf(event); look != nil {
		return Answer{Runs: []agents.Status{}, Seen: new(h.look(ctx, *look))}, nil
	}
	instances, err := h.asked(event)
	if err != nil {
		return Answer{}, err
	}
	if h.Shuffle != nil {
		h.Shuffle(len(instances), func(i, j int) { instances[i], instances[j] = instances[j], instances[i] })
	}
	answer := Answer{Runs: []agents.Status{}}
	for _, instance := range instances {
		answer.Runs = append(answer.Runs, h.run(ctx, instance))
	}
	return answer, nil
}

// asked returns the instances that a request is for. What a schedule sends of itself is passed over.
func (h *Handler) asked(event json.RawMessage) ([]Instance, error) {
	var request struct {
		Alias *string `json:"alias"`
	}
	if len(bytes.TrimSpace(event)) > 0 && json.Unmarshal(event, &request) != nil {
		return nil, errRequest
	}
	if request.Alias == nil {
		return slices.Clone(h.Instances), nil
	}
	for _, instance := range h.Instances {
		if instance.Alias == *request.Alias {
			return []Instance{instance}, nil
		}
	}
	return nil, errRequest
}

// run reads one directory, keeps it, and keeps what the run came to.
func (h *Handler) run(ctx context.Context, instance Instance) agents.Status {
	status := agents.Status{V: agents.Version, Alias: instance.Alias, StartedAt: h.Now().UTC()}
	err := h.refresh(ctx, instance, &status)
	status.EndedAt = h.Now().UTC()
	if err != nil {
		cause, isFault := fault.As(err)
		if !isFault {
			cause = agents.ErrUnavailable
		}
		status.Code, status.Detail = cause.Code, cause.Detail
	}
	attributes := []any{
		"tenant", h.Tenant, "connect_instance", instance.Alias, "agents", status.Agents, "groups", status.Groups,
		"routing_profiles", status.RoutingProfiles, "requests", status.Requests, "throttled", status.Throttled,
		"seconds", status.EndedAt.Sub(status.StartedAt).Seconds(), "code", status.Code,
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "agent directory run", append(attributes, "error", err)...)
	} else {
		h.Log.InfoContext(ctx, "agent directory run", attributes...)
	}
	if err := h.Store.PutStatus(ctx, status); err != nil {
		h.Log.ErrorContext(ctx, "agent directory status not kept", "tenant", h.Tenant, "connect_instance", instance.Alias, "error", err)
	}
	return status
}

func (h *Handler) refresh(ctx context.Context, instance Instance, status *agents.Status) error {
	reading := ctx
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		reading, cancel = context.WithDeadline(ctx, deadline.Add(-keepTime))
		defer cancel()
	}
	d, tally, err := h.Reader.Read(reading, h.of(instance))
	status.Requests, status.Throttled = tally.Requests, tally.Throttled
	if err != nil {
		return err
	}
	if err := h.Store.Put(ctx, instance.Alias, d); err != nil {
		return err
	}
	status.Agents, status.Groups, status.RoutingProfiles = len(d.Agents), len(d.Groups), len(d.RoutingProfiles)
	return nil
}

// of is an instance as it is asked for in this tenant's name.
func (h *Handler) of(instance Instance) connectapi.Instance {
	return connectapi.Instance{
		ARN: instance.ARN, Region: instance.region, RoleARN: instance.RoleARN, ExternalID: h.ExternalID,
		Session: h.Tenant.FunctionName("directory"),
	}
}
