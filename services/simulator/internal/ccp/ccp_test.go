package ccp

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const instance = "arn:aws:connect:us-west-2:123456789012:instance/12345678-1234-4234-8234-123456789012"

// nobody is a directory without an agent.
func nobody(string) (Person, bool) { return Person{}, false }

func newCentre(t *testing.T) *Centre {
	t.Helper()
	c := New(instance, nobody, ICEServer{"turn:192.0.2.1:3478?transport=udp", "secret"}, nil)
	t.Cleanup(c.Close)
	require.NoError(t, c.SignIn("mira.holm"))
	return c
}

// state says how the contact and its agent are; "" of a contact that is gone.
func state(c *Centre, id string) (contact, agent string) {
	for _, v := range c.Contacts() {
		if v.ID == id {
			contact = v.State
		}
	}
	return contact, c.Agents()[0].State
}

func ask(t *testing.T, c *Centre, method, id string) error {
	t.Helper()
	params, err := json.Marshal(map[string]string{"contactId": id})
	require.NoError(t, err)
	if _, failed := c.call(t.Context(), "mira.holm", method, params); failed != nil {
		return ErrContact
	}
	return nil
}

func TestTheLifeOfACall(t *testing.T) {
	t.Parallel()
	pass := func(d time.Duration) func(*testing.T, *Centre, string) error {
		return func(*testing.T, *Centre, string) error {
			time.Sleep(d) //nolint:forbidigo // the bubble's clock
			synctest.Wait()
			return nil
		}
	}
	agent := func(method string) func(*testing.T, *Centre, string) error {
		return func(t *testing.T, c *Centre, id string) error {
			t.Helper()
			return ask(t, c, method, id)
		}
	}
	customer := func(_ *testing.T, c *Centre, id string) error { return c.HangUp(id) }
	type step struct {
		do             func(*testing.T, *Centre, string) error
		contact, agent string
	}
	for name, steps := range map[string][]step{
		"the agent hangs up": {
			{agent("acceptContact"), "connected", "Busy"},
			{agent("destroyConnection"), "ended", "AfterCallWork"},
			{agent("clearContact"), "", "Available"},
		},
		"the customer hangs up, and the desk clears itself": {
			{agent("acceptContact"), "connected", "Busy"},
			{customer, "ended", "AfterCallWork"},
			{pass(wrapUpFor), "", "Available"},
		},
		"the call has a length": {
			{agent("acceptContact"), "connected", "Busy"},
			{pass(59 * time.Second), "connected", "Busy"},
			{pass(time.Second), "ended", "AfterCallWork"},
			{agent("completeContact"), "", "Available"},
		},
		"missed":                 {{pass(ringFor), "missed", "MissedCallAgent"}, {pass(wrapUpFor), "", "Available"}},
		"the customer gives up":  {{customer, "missed", "MissedCallAgent"}},
		"rejected":               {{agent("rejectContact"), "rejected", "MissedCallAgent"}, {agent("clearContact"), "", "Available"}},
		"hung up while it rings": {{agent("destroyConnection"), "ended", "AfterCallWork"}},
		"accepted just before it is missed": {
			{pass(ringFor - time.Millisecond), "connecting", "PendingBusy"},
			{agent("acceptContact"), "connected", "Busy"},
			{pass(time.Second), "connected", "Busy"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCentre(t)
				id, err := c.Place(Order{Agent: "mira.holm", LengthSeconds: 60})
				require.NoError(t, err)
				contact, agentIs := state(c, id)
				require.Equal(t, []string{"connecting", "PendingBusy"}, []string{contact, agentIs})
				for n, s := range steps {
					require.NoError(t, s.do(t, c, id), "step %d", n)
					contact, agentIs := state(c, id)
					require.Equal(t, []string{s.contact, s.agent}, []string{contact, agentIs}, "step %d", n)
				}
				c.Close()
			})
		})
	}
}

func TestWhatDoesNotFitTheStateIsRefused(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	id, err := c.Place(Order{Agent: "mira.holm"})
	require.NoError(t, err)
	require.ErrorIs(t, ask(t, c, "clearContact", id), ErrContact, "it rings")
	require.ErrorIs(t, ask(t, c, "holdConnection", id), ErrContact)
	require.NoError(t, ask(t, c, "acceptContact", id))
	require.ErrorIs(t, ask(t, c, "acceptContact", id), ErrContact, "twice")
	require.ErrorIs(t, ask(t, c, "rejectContact", id), ErrContact)
	require.ErrorIs(t, c.Clear(id), ErrContact)
	require.NoError(t, c.HangUp(id))
	require.ErrorIs(t, c.HangUp(id), ErrContact)
	require.ErrorIs(t, c.HangUp("nobody's"), ErrContact)
}

func TestAttackOnAnothersContact(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	require.NoError(t, c.SignIn("jonas.weber"))
	id, err := c.Place(Order{Agent: "jonas.weber"})
	require.NoError(t, err)
	for _, method := range []string{"acceptContact", "rejectContact", "destroyConnection", "holdConnection", "muteParticipant", "clearContact"} {
		require.ErrorIs(t, ask(t, c, method, id), ErrContact, method)
	}
}

func TestACallFindsNobody(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	for name, tt := range map[string]struct {
		prepare func()
		order   Order
		err     error
	}{
		"unknown":         {func() {}, Order{Agent: "nobody"}, ErrAbsent},
		"much too long":   {func() {}, Order{Agent: "mira.holm", LengthSeconds: 20_000}, ErrCall},
		"a negative time": {func() {}, Order{Agent: "mira.holm", LengthSeconds: -1}, ErrCall},
		"an endless name": {func() {}, Order{Agent: "mira.holm", Queue: strings.Repeat("q", 101)}, ErrCall},
	} {
		tt.prepare()
		_, err := c.Place(tt.order)
		require.ErrorIs(t, err, tt.err, name)
	}
	require.NoError(t, c.choose("mira.holm", "Break"))
	_, err := c.Place(Order{Agent: "mira.holm"})
	require.ErrorIs(t, err, ErrBusy, "on a break")
	require.NoError(t, c.choose("mira.holm", "Available"))
	for range maxContacts {
		_, err = c.Place(Order{Agent: "mira.holm"})
		require.NoError(t, err, "two at a time")
	}
	_, err = c.Place(Order{Agent: "mira.holm"})
	require.ErrorIs(t, err, ErrBusy, "and no third")
	require.NoError(t, c.SignOut("mira.holm"))
	assert.Empty(t, c.Contacts())
	_, err = c.Place(Order{Agent: "mira.holm"})
	require.ErrorIs(t, err, ErrAbsent, "signed out")
	require.ErrorIs(t, c.SignIn("<script>"), ErrAgent)
	require.ErrorIs(t, c.SignIn(""), ErrAgent)
}

// told is what the browser of an agent is told, without the repetitions.
func told(c *Centre, username string) *browser {
	b := &browser{signalling: "ws://ccp.localhost/LilyRTC", events: make(chan event, 100), gone: func() {}}
	c.join(username, b)
	return b
}

func TestEachStateIsToldOfItsOwn(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	b := told(c, "mira.holm")
	id, err := c.Place(Order{Agent: "mira.holm"})
	require.NoError(t, err)
	require.NoError(t, ask(t, c, "acceptContact", id))
	require.NoError(t, ask(t, c, "destroyConnection", id))
	require.NoError(t, ask(t, c, "clearContact", id))
	require.NoError(t, c.SignOut("mira.holm"))
	var story []string
	for len(b.events) > 0 {
		e := <-b.events
		text, err := json.Marshal(e.Data)
		require.NoError(t, err)
		var data struct {
			Name     string
			Snapshot struct {
				Contacts []struct{ State struct{ Type string } }
			}
		}
		require.NoError(t, json.Unmarshal(text, &data))
		line := []string{e.Event}
		if data.Name != "" {
			line = append(line, data.Name)
		}
		for _, k := range data.Snapshot.Contacts {
			line = append(line, k.State.Type)
		}
		story = append(story, strings.Join(line, " "))
	}
	assert.Equal(t, []string{
		"agent::update", "agent::update connecting", "agent::update connected", "api_metric acceptContact", "agent::update ended",
		"api_metric destroyConnection", "agent::update", "api_metric clearContact", "terminated",
	}, story)
}

func TestCallsAreSlowAndFailAsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCentre(t)
		require.NoError(t, c.Fail(Faults{API: []APIFault{
			{Method: "createTransport", Status: 503}, {Method: "", LatencyMillis: 1500},
		}}))
		_, failed := c.call(t.Context(), "mira.holm", "createTransport", nil)
		require.NotNil(t, failed)
		_, failed = c.call(t.Context(), "mira.holm", "sendSoftphoneCallMetrics", json.RawMessage(`{"contactId": "c"}`))
		require.Nil(t, failed)
		calls := c.Calls()
		require.Len(t, calls, 2)
		assert.Equal(t, 503, calls[0].Status)
		assert.Zero(t, calls[0].Millis)
		assert.Equal(t, 200, calls[1].Status)
		assert.Equal(t, int64(1500), calls[1].Millis)
		assert.JSONEq(t, `{"contactId": "c"}`, string(calls[1].Params))
		c.Forget()
		assert.Empty(t, c.Calls())
		c.Close()
	})
}

func TestFaultsOutOfBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Faults{
		"an unknown code":    {InviteCode: 418},
		"a status of no use": {API: []APIFault{{Status: 200}}},
		"a negative latency": {API: []APIFault{{LatencyMillis: -1}}},
		"too many":           {API: make([]APIFault, 21)},
		"negative times":     {InviteCode: 486, InviteTimes: -1},
		"an endless wait":    {SlowInvites: []SlowInvites{{LatencyMillis: 60_001}}},
		"too many slow":      {SlowInvites: make([]SlowInvites, 21)},
		"too many agents":    {BufferDelayAgents: make([]string, 21)},
	} {
		require.Error(t, f.Validate(), name)
	}
}

func TestTheLogOfCallsIsBounded(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	for range maxCalls + 10 {
		_, failed := c.call(t.Context(), "mira.holm", "sendSoftphoneCallMetrics", nil)
		require.Nil(t, failed)
	}
	assert.Len(t, c.Calls(), maxCalls)
}
