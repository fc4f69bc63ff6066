package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/fault"
	"github.com/earshot-hq/earshot/internal/panel"
)

// lookTime is how long a look may take: somebody waits for it.
const lookTime = 7 * time.Second

// lookOf returns what a request asks to look at, nil when it asks for a reading.
func lookOf(event json.RawMessage) *agents.Look {
	var request struct {
		Look *agents.Look `json:"look"`
	}
	if json.Unmarshal(event, &request) != nil {
		return nil
	}
	return request.Look
}

// look asks Connect and the panel at once. By which role Connect is asked is the stack's to say, never the request's.
func (h *Handler) look(ctx context.Context, l agents.Look) agents.Seen {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	seen := agents.Seen{Directory: agents.NoRole, Origin: agents.NoRole}
	var both sync.WaitGroup
	both.Go(func() {
		err := h.Panels.Ask(ctx, l.PanelURL)
		h.note(ctx, l, "panel", err)
		seen.Panel = panelCode(err)
	})
	for _, instance := range h.Instances {
		if instance.Alias != l.Alias {
			continue
		}
		setup := h.Reader.Setup(ctx, h.of(instance))
		h.note(ctx, l, "directory", setup.Directory)
		h.note(ctx, l, "origins", setup.Unlisted)
		seen.Directory = codeOf(setup.Directory)
		if seen.Origin = codeOf(setup.Unlisted); seen.Origin == "" {
			seen.Origin = originCode(l.Origin, setup.Origins)
		}
	}
	both.Wait()
	return seen
}

func (h *Handler) note(ctx context.Context, l agents.Look, what string, err error) {
	if err != nil {
		h.Log.InfoContext(ctx, "a look found something amiss", "tenant", h.Tenant, "connect_instance", l.Alias, "what", what, "error", err)
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if cause, isFault := fault.As(err); isFault {
		return cause.Code
	}
	return agents.ErrUnavailable.Code
}

// originCode compares as browsers do: an origin has no capitals and ends without a slash, whatever somebody has typed.
func originCode(wanted string, approved []string) string {
	if wanted == "" {
		return agents.OriginUnknown
	}
	for _, origin := range approved {
		if strings.EqualFold(strings.TrimSuffix(origin, "/"), wanted) {
			return ""
		}
	}
	return agents.OriginMissing
}

func panelCode(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, panel.ErrElsewhere):
		return agents.PanelElsewhere
	case errors.Is(err, panel.ErrNoHost):
		return agents.PanelNoHost
	case errors.Is(err, panel.ErrRefused):
		return agents.PanelRefused
	case errors.Is(err, panel.ErrTrouble):
		return agents.PanelAiling
	}
	return agents.PanelNoAnswer
}
