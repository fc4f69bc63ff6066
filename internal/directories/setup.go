package directories

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// CheckerConfig is what a Checker needs.
type CheckerConfig struct {
	Cells   *cellaws.Cells                                     // entered by cellaws.SetupsRole
	Cell    func(context.Context, string) (tenant.Cell, error) // by name
	Timeout time.Duration                                      // of a whole look, a function's start included
	Log     *slog.Logger
}

// A Checker implements tenant.Setups by the tenant's own function, the one that may enter the customer's account.
type Checker struct{ CheckerConfig }

var _ tenant.Setups = (*Checker)(nil)

// NewChecker returns a Checker.
func NewChecker(c CheckerConfig) *Checker { return &Checker{c} }

// lookRequest has a function of before looks refuse the request by its alias, where it would read all directories without one.
type lookRequest struct {
	Alias string      `json:"alias"`
	Look  agents.Look `json:"look"`
}

var errNotSeen = errors.New("the function does not say what it has seen")

// Setup implements tenant.Setups.
func (c *Checker) Setup(ctx context.Context, t tenant.Tenant, i tenant.ConnectInstance) tenant.Setup {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	look := agents.Look{Alias: i.Alias, Origin: strings.ToLower(strings.TrimSuffix(t.URLs.Softphone, "/")), PanelURL: i.CCPURL}
	seen, err := c.look(ctx, t, look)
	setup := tenant.Setup{At: time.Now().UTC().Truncate(time.Millisecond)}
	if err != nil {
		c.Log.WarnContext(ctx, "a customer's setup could not be looked at", "tenant", t.Slug, "connect_instance", i.Alias, "error", err)
		why := unseen(err)
		for _, item := range []string{tenant.SetupDirectoryRole, tenant.SetupApprovedOrigin, tenant.SetupCCP} {
			setup.Items = append(setup.Items, why.of(item))
		}
		return setup
	}
	setup.Items = []tenant.SetupItem{
		directoryFinding(seen.Directory).of(tenant.SetupDirectoryRole),
		originFinding(seen.Origin, look.Origin).of(tenant.SetupApprovedOrigin),
		panelFinding(seen.Panel).of(tenant.SetupCCP),
	}
	return setup
}

func (c *Checker) look(ctx context.Context, t tenant.Tenant, l agents.Look) (agents.Seen, error) {
	cell, err := c.Cell(ctx, t.Cell)
	if err != nil {
		return agents.Seen{}, fmt.Errorf("find cell %s: %w", t.Cell, err)
	}
	var answer struct {
		Seen *agents.Seen `json:"seen"`
	}
	if err := c.Cells.Invoke(ctx, cell, t.Slug.FunctionName("agent-directory"), lookRequest{Look: l}, &answer); err != nil {
		return agents.Seen{}, err
	}
	if answer.Seen == nil {
		return agents.Seen{}, errNotSeen
	}
	return *answer.Seen, nil
}

// unseen says why nothing could be looked at.
func unseen(err error) finding {
	var said smithy.APIError
	switch isAWS := errors.As(err, &said); {
	case isAWS && said.ErrorCode() == "ResourceNotFoundException":
		return finding{tenant.SetupUnknown, "The tenant's stack is not there yet, and it is what looks.", "Check again when the tenant is active."}
	case errors.Is(err, context.DeadlineExceeded):
		return finding{tenant.SetupUnknown, "There was no answer in time.", again}
	case isAWS:
		return finding{tenant.SetupUnknown, "AWS answered " + said.ErrorCode() + ".", "Look at the service's log; a cell whose stack is older than this service lacks the role for it."}
	}
	return finding{tenant.SetupUnknown, "The tenant's function could not look.", "Upgrade the tenant if its version is older than this service; else look at the service's log."}
}
