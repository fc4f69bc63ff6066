package ccp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/earshot-hq/earshot/services/simulator/internal/media"
)

// Faults are what goes wrong in calls of the library and in signalling, until it is changed.
type Faults struct {
	// API makes calls slow or fail; the first whose Method fits counts.
	API []APIFault `json:"api,omitempty"`
	// InviteCode is the error that softphones' invitations are answered with: 403 (access denied), 404 (no such call), 486
	// (busy, the library's "multiple CCP windows"), 400, 408, 409 or 500. 0: they are answered. InviteTimes is for how many
	// invitations; 0: each.
	InviteCode  int `json:"invite_code,omitzero"`
	InviteTimes int `json:"invite_times,omitzero"`
	// InviteAgent is whose invitations they are; empty: everybody's.
	InviteAgent string `json:"invite_agent,omitzero"`
	// SlowInvites are answered late.
	SlowInvites []SlowInvites `json:"slow_invites,omitempty"`
	// BufferDelayAgents are those whose stand-in for the RTC library gives jitterBufferMillis as connect-rtc-js does from 1.3 on, a sum
	// that only grows, from the next time that their panel is loaded.
	BufferDelayAgents []string `json:"buffer_delay_agents,omitempty"`
}

// SlowInvites are the invitations of an agent's softphone; empty: of everybody's. The library gives up after five seconds.
type SlowInvites struct {
	Agent         string `json:"agent,omitzero"`
	LatencyMillis int    `json:"latency_millis"`
}

// An APIFault is for the method of that name; empty, for each. Agent is whose calls they are; empty: everybody's.
type APIFault struct {
	Agent         string `json:"agent,omitzero"`
	Method        string `json:"method"`
	LatencyMillis int    `json:"latency_millis,omitzero"`
	Status        int    `json:"status,omitzero"` // 400 to 599; 0: it succeeds, late
}

const maxLatencyMillis = 60_000

var errFaults = errors.New("faults: up to 20 for the API, with a latency of at most 60000 ms and a status of 400 to 599 or none; " +
	"invite_code one of 400, 403, 404, 408, 409, 486, 500; up to 20 slow_invites of at most 60000 ms; up to 20 buffer_delay_agents")

// Validate says whether each number is within its bounds.
func (f Faults) Validate() error {
	codes := []int{0, 400, 403, 404, 408, 409, 486, 500}
	if len(f.API) > 20 || !slices.Contains(codes, f.InviteCode) || f.InviteTimes < 0 || len(f.SlowInvites) > 20 || len(f.BufferDelayAgents) > 20 {
		return errFaults
	}
	for _, slow := range f.SlowInvites {
		if slow.LatencyMillis < 0 || slow.LatencyMillis > maxLatencyMillis || len(slow.Agent) > 100 {
			return errFaults
		}
	}
	for _, a := range f.API {
		if a.LatencyMillis < 0 || a.LatencyMillis > maxLatencyMillis || a.Status != 0 && (a.Status < 400 || a.Status > 599) || len(a.Method) > 100 || len(a.Agent) > 100 {
			return errFaults
		}
	}
	return nil
}

// Fail changes what goes wrong.
func (c *Centre) Fail(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
	return nil
}

// Faults says what goes wrong.
func (c *Centre) Faults() Faults {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faults
}

// A Call is one that the library made.
type Call struct {
	At     time.Time       `json:"at"`
	Agent  string          `json:"agent"`
	Method string          `json:"method"`
	Millis int64           `json:"millis"`
	Status int             `json:"status"`
	Params json.RawMessage `json:"params"`
}

// maxCalls bounds the log of calls.
const maxCalls = 1000

// Calls returns what the library has called, oldest first.
func (c *Centre) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call{}, c.calls...)
}

// Forget empties the log of calls.
func (c *Centre) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// failure is an error as the library takes it.
type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	status  int
}

var refusals = map[int]string{400: "BadRequestException", 403: "AccessDeniedException", 404: "NotFoundException"}

func newFailure(status int, message string) *failure {
	kind, known := refusals[status]
	if !known {
		kind = "InternalServiceException"
	}
	return &failure{kind, message, status}
}

// params of every call that means something here.
type params struct {
	ContactID    string `json:"contactId"`
	ConnectionID string `json:"connectionId"`
	State        struct {
		Name string `json:"name"`
	} `json:"state"`
}

// call serves a call of an agent's library, and tells the agent's browsers how it went, as Connect's worker does.
func (c *Centre) call(ctx context.Context, username, method string, raw json.RawMessage) (any, *failure) {
	began := time.Now()
	fault := c.faultOf(username, method)
	if !elapse(ctx, fault.LatencyMillis) {
		return nil, newFailure(500, "The browser is gone.")
	}
	var data any = object{}
	var failed *failure
	if fault.Status != 0 {
		failed = newFailure(fault.Status, "The simulator was told to fail.")
	} else {
		data, failed = c.serve(username, method, raw)
	}
	c.record(username, method, raw, began, failed)
	return data, failed
}

// elapse lets so many milliseconds pass and says whether anybody still waits.
func elapse(ctx context.Context, millis int) bool {
	if millis == 0 {
		return true // a browser that goes has said what it said
	}
	timer := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// BufferDelayed says whether an agent's stand-in for the RTC library gives a sum that only grows.
func (c *Centre) BufferDelayed(username string) bool {
	return slices.Contains(c.Faults().BufferDelayAgents, username)
}

// inviteLatency is how much later an agent's invitations are answered, in milliseconds.
func (c *Centre) inviteLatency(username string) int {
	for _, slow := range c.Faults().SlowInvites {
		if slow.Agent == "" || slow.Agent == username {
			return slow.LatencyMillis
		}
	}
	return 0
}

func (c *Centre) faultOf(username, method string) APIFault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults.API {
		if f.Agent != "" && f.Agent != username {
			continue
		}
		if f.Method == "" || f.Method == method {
			return f
		}
	}
	return APIFault{}
}

func (c *Centre) record(username, method string, raw json.RawMessage, began time.Time, failed *failure) {
	status := 200
	if failed != nil {
		status = failed.status
	}
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, Call{began, username, method, took.Milliseconds(), status, raw})
	if len(c.calls) > maxCalls {
		c.calls = slices.Delete(c.calls, 0, len(c.calls)-maxCalls)
	}
	if a := c.agents[username]; a != nil {
		a.tell(metric(method, took, status))
	}
}

// metric is the event that Connect's worker sends for each call.
func metric(method string, took time.Duration, status int) event {
	is := func(holds bool) int {
		if holds {
			return 1
		}
		return 0
	}
	generic := string(rune('0'+status/100)) + "XX"
	return event{"api_metric", object{
		"name": method, "time": took.Milliseconds(), "error": is(status >= 400), "error5xx": is(status >= 500), "fault": is(status >= 500),
		"dimensions": []object{{"name": "Category", "value": "API"}},
		"optionalDimensions": []object{
			{"name": "HttpStatusCode", "value": status}, {"name": "HttpGenericStatusCode", "value": generic},
			{"name": "RetryStatus", "value": "NotRetried"},
		},
	}}
}

// serve does what a method asks. What has no meaning here succeeds and is in the log, as the library wants nothing of it.
func (c *Centre) serve(username, method string, raw json.RawMessage) (any, *failure) {
	var p params
	if err := json.Unmarshal(raw, &p); err != nil && len(raw) > 0 {
		return nil, newFailure(400, "The parameters are no JSON object.")
	}
	var err error
	switch method {
	case "createTransport":
		return object{"softphoneTransport": object{"softphoneMediaConnections": c.iceServers(username)}}, nil
	case "getEndpoints":
		return object{"endpoints": []object{}, "nextToken": nil}, nil
	case "acceptContact":
		err = c.own(username, p.ContactID, func(k *contact) error { return c.enterFrom(k, connected, connecting) })
	case "rejectContact":
		err = c.own(username, p.ContactID, func(k *contact) error { return c.enterFrom(k, rejected, connecting) })
	case "destroyConnection":
		err = c.own(username, p.ContactID, func(k *contact) error { return c.enterFrom(k, ended, connecting, connected) })
	case "clearContact", "completeContact":
		err = c.own(username, p.ContactID, c.clear)
	case "holdConnection", "resumeConnection":
		err = c.own(username, p.ContactID, func(k *contact) error { return c.hold(k, method == "holdConnection") })
	case "muteParticipant", "unmuteParticipant":
		err = c.own(username, p.ContactID, func(k *contact) error { return c.mute(k, method == "muteParticipant") })
	case "putAgentState":
		err = c.choose(username, p.State.Name)
	}
	if err != nil {
		return nil, newFailure(404, err.Error())
	}
	return object{}, nil
}

// own does something with a contact of that agent, and of nobody else.
func (c *Centre) own(username, id string, do func(*contact) error) error {
	return c.with(id, func(k *contact) error {
		if k.agent.username != username {
			return ErrContact
		}
		return do(k)
	})
}

func (c *Centre) enterFrom(k *contact, to string, from ...string) error {
	if !slices.Contains(from, k.state) {
		return ErrContact
	}
	c.enter(k, to)
	return nil
}

func (c *Centre) clear(k *contact) error {
	if k.goesOn() {
		return ErrContact
	}
	c.remove(k)
	return nil
}

func (c *Centre) hold(k *contact, on bool) error {
	if k.state != connected {
		return ErrContact
	}
	k.onHold = on
	if k.peer != nil {
		sound := media.Tone
		if on {
			sound = media.Silence
		}
		k.peer.Say(sound)
	}
	c.tellUpdate(k.agent)
	return nil
}

func (c *Centre) mute(k *contact, on bool) error {
	if k.state != connected {
		return ErrContact
	}
	k.muted = on
	c.tellUpdate(k.agent)
	return nil
}

func (c *Centre) choose(username, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[username]
	n := slices.IndexFunc(agentStates, func(s agentState) bool { return s.Name == name })
	if a == nil || n < 0 {
		return errors.New("no such agent state")
	}
	a.chosen, a.since = agentStates[n], time.Now()
	c.tellUpdate(a)
	return nil
}
