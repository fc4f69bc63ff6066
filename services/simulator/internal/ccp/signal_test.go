package ccp

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/services/simulator/internal/media"
)

// invitation is a real offer, though one that never connects.
func invitation(t *testing.T, contact, token string) json.RawMessage {
	t.Helper()
	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	_, err = connection.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio)
	require.NoError(t, err)
	offer, err := connection.CreateOffer(nil)
	require.NoError(t, err)
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": "1", "method": "invite", "params": map[string]any{
		"sdp": offer.SDP, "candidates": []any{}, "contactId": contact, "callContextToken": token,
	}})
	require.NoError(t, err)
	return text
}

func newMediaCentre(t *testing.T) (*Centre, *contact) {
	t.Helper()
	engine, err := media.NewEngine(netip.MustParseAddr("127.0.0.1"))
	require.NoError(t, err)
	c := New(instance, nobody, ICEServer{}, engine)
	t.Cleanup(c.Close)
	require.NoError(t, c.SignIn("mira.holm"))
	id, err := c.Place(Order{Agent: "mira.holm"})
	require.NoError(t, err)
	return c, c.find(id)
}

func TestAnInvitationIsAnswered(t *testing.T) {
	t.Parallel()
	c, k := newMediaCentre(t)
	for _, contact := range []string{k.id, ""} { // a second attempt, of a library that names none, takes the place of the first
		answer := c.signal(t.Context(), "mira.holm", invitation(t, contact, k.token))
		require.Nil(t, answer.Error)
		text, err := json.Marshal(answer)
		require.NoError(t, err)
		var decoded struct {
			ID     string
			Result struct {
				SDP        string
				Candidates []webrtc.ICECandidateInit
			}
		}
		require.NoError(t, json.Unmarshal(text, &decoded))
		assert.Equal(t, "1", decoded.ID)
		assert.Contains(t, decoded.Result.SDP, "opus/48000")
		assert.NotEmpty(t, decoded.Result.Candidates)
	}
	assert.True(t, c.Contacts()[0].HasMedia)
	require.NoError(t, c.HangUp(k.id))
	assert.False(t, c.Contacts()[0].HasMedia)
}

func TestACallThatAcceptsByItselfIsConnectedWithItsMedia(t *testing.T) {
	t.Parallel()
	c, asks := newMediaCentre(t)
	id, err := c.Place(Order{Agent: "mira.holm", AutoAccept: true})
	require.NoError(t, err)
	accepts := c.find(id)
	assert.Equal(t, connecting, accepts.state)
	for _, k := range []*contact{asks, accepts} {
		require.Nil(t, c.signal(t.Context(), "mira.holm", invitation(t, k.id, k.token)).Error)
	}
	assert.Equal(t, connecting, asks.state, "that of an agent who has to accept")
	assert.Equal(t, connected, accepts.state)
}

func TestWhoIsNotInvitedIsNotAnswered(t *testing.T) {
	t.Parallel()
	c, k := newMediaCentre(t)
	require.NoError(t, c.SignIn("jonas.weber"))
	for name, tt := range map[string]struct {
		username string
		message  json.RawMessage
		code     int
	}{
		"another agent":     {"jonas.weber", invitation(t, k.id, k.token), 404},
		"no such contact":   {"mira.holm", invitation(t, "c1", k.token), 404},
		"a guessed token":   {"mira.holm", invitation(t, k.id, "guessed"), 403},
		"a token alone":     {"mira.holm", invitation(t, "", "guessed"), 404},
		"another's token":   {"jonas.weber", invitation(t, "", k.token), 404},
		"no SDP":            {"mira.holm", json.RawMessage(fmt.Sprintf(`{"id":1,"method":"invite","params":{"contactId":%q,"callContextToken":%q}}`, k.id, k.token)), 400},
		"an unknown method": {"mira.holm", json.RawMessage(`{"id":1,"method":"transfer"}`), 400},
	} {
		answer := c.signal(t.Context(), tt.username, tt.message)
		require.NotNil(t, answer.Error, name)
		assert.Equal(t, tt.code, answer.Error.Code, name)
	}
	assert.Nil(t, c.signal(t.Context(), "mira.holm", json.RawMessage(`{"method":"invite"}`)), "no id, no answer")
	assert.Nil(t, c.signal(t.Context(), "mira.holm", json.RawMessage(`nonsense`)))
	assert.False(t, c.Contacts()[0].HasMedia)
}

func TestACallThatSharesAConnectionKeepsIt(t *testing.T) {
	t.Parallel()
	c, first := newMediaCentre(t)
	require.Nil(t, c.signal(t.Context(), "mira.holm", invitation(t, first.id, first.token)).Error)
	second, err := c.Place(Order{Agent: "mira.holm"})
	require.NoError(t, err)
	_, failed := c.call(t.Context(), "mira.holm", "acceptContact", json.RawMessage(fmt.Sprintf(`{"contactId": %q}`, second)))
	require.Nil(t, failed)
	require.NoError(t, c.HangUp(first.id))
	views := c.Contacts()
	assert.False(t, views[0].HasMedia)
	assert.True(t, views[1].HasMedia, "it invited nobody: it is on the first's")
	require.NoError(t, c.HangUp(second))
	assert.False(t, c.Contacts()[1].HasMedia, "and the last one ends it")
}

func TestAnAgentsInvitationsAreAnsweredLate(t *testing.T) {
	t.Parallel()
	c, k := newMediaCentre(t)
	require.NoError(t, c.Fail(Faults{SlowInvites: []SlowInvites{{Agent: "jonas.weber", LatencyMillis: 60_000}, {Agent: "mira.holm", LatencyMillis: 200}}}))
	asked := time.Now()
	require.Nil(t, c.signal(t.Context(), "mira.holm", invitation(t, k.id, k.token)).Error)
	assert.GreaterOrEqual(t, time.Since(asked), 200*time.Millisecond)
}

func TestInvitationsFailAsOftenAsTold(t *testing.T) {
	t.Parallel()
	c, k := newMediaCentre(t)
	require.NoError(t, c.Fail(Faults{InviteCode: 486, InviteTimes: 2}))
	for range 2 {
		assert.Equal(t, 486, c.signal(t.Context(), "mira.holm", invitation(t, k.id, k.token)).Error.Code)
	}
	assert.Nil(t, c.signal(t.Context(), "mira.holm", invitation(t, k.id, k.token)).Error)
	require.NoError(t, c.Fail(Faults{InviteCode: 404}))
	for range 3 {
		assert.Equal(t, 404, c.signal(t.Context(), "mira.holm", invitation(t, k.id, k.token)).Error.Code, "until it is mended")
	}
}
