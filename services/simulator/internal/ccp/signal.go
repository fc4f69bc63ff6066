package ccp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/earshot-hq/earshot/services/simulator/internal/media"
)

// A request and a response of JSON-RPC 2.0, as a softphone and Connect signal a call.
type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		SDP        string                    `json:"sdp"`
		Candidates []webrtc.ICECandidateInit `json:"candidates"`
		ContactID  string                    `json:"contactId"`
		Token      string                    `json:"callContextToken"`
	} `json:"params"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

var sentences = map[int]string{
	400: "Bad request", 403: "Access denied", 404: "Call not found", 408: "Timed out", 409: "Conflict", 486: "User busy", 500: "Internal error",
}

func rpcFailure(code int) *rpcError { return &rpcError{code, sentences[code]} }

const answerWithin = 4 * time.Second // the library waits for five

// signal answers one message of a softphone. The call is found by the contact that the message names, and of libraries that
// name none (up to 1.2.4) by its token; ids of connections differ from message to message.
func (c *Centre) signal(ctx context.Context, username string, raw json.RawMessage) *response {
	var r request
	if json.Unmarshal(raw, &r) != nil || len(r.ID) == 0 {
		return nil // nobody waits for an answer
	}
	result, err := c.signalled(ctx, username, &r)
	answer := &response{Version: "2.0", ID: r.ID, Result: result}
	if err != nil {
		if !errors.As(err, &answer.Error) {
			answer.Error = rpcFailure(500)
		}
		answer.Result = nil
	}
	return answer
}

func (c *Centre) signalled(ctx context.Context, username string, r *request) (any, error) {
	switch r.Method {
	case "invite":
		return c.invite(ctx, username, r)
	case "accept", "bye", "connectContact", "disconnectContact":
		return object{}, nil // what they mean comes by the API as well
	default:
		return nil, rpcFailure(400)
	}
}

func (c *Centre) invite(ctx context.Context, username string, r *request) (any, error) {
	if !elapse(ctx, c.inviteLatency(username)) {
		return nil, rpcFailure(408)
	}
	k, err := c.admit(username, r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	peer, answer, err := c.media.Answer(ctx, media.Offer{SDP: r.Params.SDP, Candidates: r.Params.Candidates})
	if errors.Is(err, media.ErrOffer) {
		return nil, rpcFailure(400)
	} else if err != nil {
		return nil, err
	}
	if err := c.attach(k, peer); err != nil {
		peer.Close()
		return nil, err
	}
	return object{"sdp": answer.SDP, "candidates": answer.Candidates}, nil
}

// admit says whether an invitation is answered: by whom it is, for which contact, and what was told to fail.
func (c *Centre) admit(username string, r *request) (*contact, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if code := c.faults.InviteCode; code != 0 && (c.faults.InviteAgent == "" || c.faults.InviteAgent == username) {
		if c.faults.InviteTimes--; c.faults.InviteTimes == 0 {
			c.faults.InviteCode = 0
		}
		c.faults.InviteTimes = max(0, c.faults.InviteTimes)
		return nil, rpcFailure(code)
	}
	named := func(k *contact) bool {
		return k.id == r.Params.ContactID || r.Params.ContactID == "" && k.token == r.Params.Token
	}
	n := slices.IndexFunc(c.contacts, named)
	switch {
	case n < 0 || c.contacts[n].agent.username != username || !c.contacts[n].goesOn():
		return nil, rpcFailure(404)
	case r.Params.Token != c.contacts[n].token:
		return nil, rpcFailure(403)
	}
	return c.contacts[n], nil
}

func (k *contact) goesOn() bool { return k.state == connecting || k.state == connected }

// attach gives a contact its far side; one that it had, of an attempt before, ends. A call that accepts by itself is connected then.
func (c *Centre) attach(k *contact, peer *media.Peer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !k.goesOn() || !slices.Contains(c.contacts, k) {
		return rpcFailure(404)
	}
	c.hangUp(k)
	k.peer = peer
	if k.order.AutoAccept && k.state == connecting {
		c.enter(k, connected)
	}
	return nil
}

// agentOf says whose contact it is, for a softphone that signals by a socket of its own.
func (c *Centre) agentOf(id, token string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.find(id)
	if k == nil || k.token != token {
		return "", false
	}
	return k.agent.username, true
}
