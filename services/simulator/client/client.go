// Package client drives a running simulator: it plays the customers and the network.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/earshot-hq/earshot/services/simulator/internal/ccp"
	"github.com/earshot-hq/earshot/services/simulator/internal/relay"
)

type (
	// An Order is a call to be placed.
	Order = ccp.Order
	// Faults are what goes wrong in calls of the library and in signalling.
	Faults = ccp.Faults
	// An APIFault is for a method of the library's.
	APIFault = ccp.APIFault
	// SlowInvites are answered late.
	SlowInvites = ccp.SlowInvites
	// Impairments are what the network does to calls.
	Impairments = relay.Impairments
	// An Impairment is for one direction.
	Impairment = relay.Impairment
)

// A Client drives the simulator at Base.
type Client struct{ Base string }

// Place has a customer call an agent, and returns the contact's id.
func (c Client) Place(ctx context.Context, o Order) (string, error) {
	var placed struct{ ID string }
	err := c.do(ctx, http.MethodPost, "/sim/ccp/contacts", o, &placed)
	return placed.ID, err
}

// HangUp has the customer hang up.
func (c Client) HangUp(ctx context.Context, contact string) error {
	return c.do(ctx, http.MethodPost, "/sim/ccp/contacts/"+url.PathEscape(contact)+"/hang-up", nil, nil)
}

// Heard is how many packets the customer has had of the agent.
func (c Client) Heard(ctx context.Context, contact string) (int64, error) {
	var calls []ccp.View
	if err := c.do(ctx, http.MethodGet, "/sim/ccp/contacts", nil, &calls); err != nil {
		return 0, err
	}
	for _, call := range calls {
		if call.ID == contact {
			return call.Media.PacketsReceived, nil
		}
	}
	return 0, ccp.ErrContact
}

// Impair changes what the network does to an agent's calls. The zero value mends it.
func (c Client) Impair(ctx context.Context, agent string, i Impairments) error {
	return c.do(ctx, http.MethodPut, "/sim/ccp/agents/"+url.PathEscape(agent)+"/impairments", i, nil)
}

// Fail changes what goes wrong in calls of the library and in signalling.
func (c Client) Fail(ctx context.Context, f Faults) error {
	return c.do(ctx, http.MethodPut, "/sim/ccp/faults", f, nil)
}

func (c Client) do(ctx context.Context, method, path string, body, into any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read only
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %s: %s", method, path, answer.Status, content)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(content, into)
}
