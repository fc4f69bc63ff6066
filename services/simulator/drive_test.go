package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/earshot-hq/earshot/services/simulator/fakeconnect"
)

// newHandler is the whole simulator but for its port.
func newHandler(t *testing.T, change func(*simulatorSettings)) http.Handler {
	t.Helper()
	s := simulatorSettings{Listen: "127.0.0.1:0", MediaAddress: "127.0.0.1", Streams: "missing.js"}
	if change != nil {
		change(&s)
	}
	simulator, err := newSimulator(t.Context(), s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = simulator.Close(t.Context()) })
	return simulator.handler
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, handler http.Handler, method, path, body string, headers ...string) answered {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return answered{recorder.Code, recorder.Header(), recorder.Body.String()}
}

func TestTheControlAPIAnswersPrecisely(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, nil)
	assert.Equal(t, http.StatusOK, ask(t, handler, "GET", "/ccp-v2/?agent=mira.holm", "").status)
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
	}{
		"a call for nobody":           {"POST", "/sim/ccp/contacts", `{"agent": "nobody"}`, http.StatusNotFound},
		"a call for too long":         {"POST", "/sim/ccp/contacts", `{"agent": "mira.holm", "length_seconds": 99999}`, http.StatusUnprocessableEntity},
		"an unknown member":           {"POST", "/sim/ccp/contacts", `{"agent": "mira.holm", "colour": "red"}`, http.StatusBadRequest},
		"a body beyond bounds":        {"POST", "/sim/ccp/contacts", `{"agent": "` + strings.Repeat("a", maxBody) + `"}`, http.StatusBadRequest},
		"an impairment out of bounds": {"PUT", "/sim/impairments", `{"to_agent": {"loss": 2}}`, http.StatusUnprocessableEntity},
		"an impairment":               {"PUT", "/sim/impairments", `{"to_agent": {"loss": 0.05}}`, http.StatusNoContent},
		"an unknown fault":            {"PUT", "/sim/ccp/faults", `{"invite_code": 418}`, http.StatusUnprocessableEntity},
		"a fault":                     {"PUT", "/sim/ccp/faults", `{"invite_code": 486}`, http.StatusNoContent},
		"no such contact":             {"POST", "/sim/ccp/contacts/c1/hang-up", ``, http.StatusNotFound},
		"an unknown sound":            {"POST", "/sim/ccp/contacts/c1/say", `{"sound": "music"}`, http.StatusUnprocessableEntity},
		"nobody to sign out":          {"DELETE", "/sim/ccp/agents/nobody", ``, http.StatusNotFound},
		"what the directory has not":  {"GET", "/contacts", ``, http.StatusNotFound},
	} {
		assert.Equal(t, tt.status, ask(t, handler, tt.method, tt.path, tt.body).status, name)
	}
	assert.JSONEq(t, `{"to_agent": {"loss": 0.05}}`, ask(t, handler, "GET", "/sim/impairments", "").body)
}

func TestAttackFromAPageOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, nil)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		answer := ask(t, handler, "POST", "/sim/ccp/contacts", `{"agent": "mira.holm"}`, headers...)
		assert.Equal(t, http.StatusForbidden, answer.status)
		answer = ask(t, handler, "PUT", "/sim/impairments", `{"unreachable": true}`, headers...)
		assert.Equal(t, http.StatusForbidden, answer.status)
	}
}

func TestTheCCPIsForWhoSignsIn(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, func(s *simulatorSettings) { s.ApprovedOrigins = []string{"https://acme.example"} })
	answer := ask(t, handler, "GET", "/ccp-v2/", "")
	assert.Equal(t, "/login", answer.header.Get("Location"))
	answer = ask(t, handler, "GET", "/login", "")
	assert.Equal(t, "frame-ancestors 'none'", answer.header.Get("Content-Security-Policy"), "never framed")
	answer = ask(t, handler, "POST", "/login", "agent=%3Cscript%3E", "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, http.StatusBadRequest, answer.status)
	answer = ask(t, handler, "POST", "/login", "agent=mira.holm", "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, "/ccp-v2/", answer.header.Get("Location"))
	cookie := answer.header.Get("Set-Cookie")
	assert.Contains(t, cookie, "SameSite=None", "for a frame on another site")
	cookie, _, _ = strings.Cut(cookie, ";")

	answer = ask(t, handler, "GET", "/ccp-v2/", "", "Cookie", cookie)
	assert.Equal(t, http.StatusOK, answer.status)
	assert.Equal(t, "frame-ancestors 'self' https://acme.example", answer.header.Get("Content-Security-Policy"))
	assert.Contains(t, answer.body, `data-agent="mira.holm"`)
	assert.Contains(t, answer.body, "stand-in for Amazon Connect")
	assert.Contains(t, answer.body, `data-jitter="interarrival"`)
	ask(t, handler, "PUT", "/sim/ccp/faults", `{"buffer_delay_agents": ["jonas.weber", "mira.holm"]}`)
	assert.Contains(t, ask(t, handler, "GET", "/ccp-v2/", "", "Cookie", cookie).body, `data-jitter="buffer_delay"`)

	ask(t, handler, "GET", "/logout", "", "Cookie", cookie)
	assert.Equal(t, "/login", ask(t, handler, "GET", "/ccp-v2/", "", "Cookie", cookie).header.Get("Location"))
}

func TestAMissingLibraryIsNamed(t *testing.T) {
	t.Parallel()
	assert.Contains(t, ask(t, newHandler(t, nil), "GET", "/ccp-v2/connect-streams.js", "").body, "missing.js")
}

// The CCP and the directory are of one instance: an agent has the same ARNs in both.
func TestTheCCPKnowsItsAgentsFromTheDirectory(t *testing.T) {
	t.Parallel()
	const instance = "arn:aws:connect:eu-west-2:111122223333:instance/0a1b2c3d-0000-4000-8000-00000000acbe"
	handler := newHandler(t, func(s *simulatorSettings) { s.Instances, s.Agents = []string{instance}, 3 })
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	directory := fakeconnect.New()
	require.NoError(t, directory.SetInstance(instance, 3))
	jonas, ok := directory.Agent(instance, "jonas.weber")
	require.True(t, ok)
	for agent, want := range map[string]string{"jonas.weber": jonas.ARN, "a.stranger": instance + "/agent/"} {
		ask(t, handler, "GET", "/ccp-v2/?agent="+agent, "")
		socket, _, err := websocket.Dial(t.Context(), server.URL+"/ccp-v2/socket?agent="+agent, nil) //nolint:bodyclose // the socket's
		require.NoError(t, err)
		socket.SetReadLimit(1 << 20)
		_, text, err := socket.Read(t.Context())
		require.NoError(t, err)
		_ = socket.CloseNow()
		assert.Contains(t, string(text), `"agentARN":"`+want)
		assert.Contains(t, string(text), `"name":"`+jonas.Profile+`"`)
	}
}

// The way of a worker, without a browser: it is told how things are, calls, and is told what came of it.
func TestAWorkersSocket(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, nil)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	_, refused, err := websocket.Dial(t.Context(), server.URL+"/ccp-v2/socket?agent=mira.holm", nil)
	require.Error(t, err)
	_ = refused.Body.Close()
	assert.Equal(t, http.StatusForbidden, refused.StatusCode, "not signed in")

	ask(t, handler, "GET", "/ccp-v2/?agent=mira.holm", "")
	socket, _, err := websocket.Dial(t.Context(), server.URL+"/ccp-v2/socket?agent=mira.holm", nil) //nolint:bodyclose // the socket's
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.CloseNow() })
	socket.SetReadLimit(1 << 20)
	_, refused, err = websocket.Dial(t.Context(), server.URL+"/ccp-v2/socket?agent=mira.holm",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	require.Error(t, err)
	_ = refused.Body.Close()
	assert.Equal(t, http.StatusForbidden, refused.StatusCode, "a page of another origin")
	await := func(event string) (data json.RawMessage) {
		for {
			_, text, err := socket.Read(t.Context())
			require.NoError(t, err)
			var m struct {
				Event, ID string
				Data      json.RawMessage
			}
			require.NoError(t, json.Unmarshal(text, &m))
			if m.Event == event || m.ID == event {
				return m.Data
			}
		}
	}
	assert.Contains(t, string(await("agent::update")), `"contacts":[]`)
	require.NoError(t, socket.Write(t.Context(), websocket.MessageText, []byte(`{"type": "call", "id": "7", "method": "createTransport"}`)))
	assert.Contains(t, string(await("7")), `"urls":["turn:127.0.0.1:`)
	placed := ask(t, handler, "POST", "/sim/ccp/contacts", `{"agent": "mira.holm"}`)
	assert.Equal(t, http.StatusCreated, placed.status)
	assert.Contains(t, string(await("agent::update")), `"connecting"`)
	require.NoError(t, socket.Write(t.Context(), websocket.MessageText,
		[]byte(`{"type": "signal", "connectionId": "x", "jsonRpcMsg": {"id": "9", "method": "transfer"}}`)))
	assert.Contains(t, string(await("webSocket::all_message")), `\"code\":400`)
	ask(t, handler, "DELETE", "/sim/ccp/agents/mira.holm", "")
	await("terminated")
	_, _, err = socket.Read(t.Context())
	require.Error(t, err, "and the socket ends")

	_, refused, err = websocket.Dial(t.Context(), server.URL+"/LilyRTC?callId=c1&contactCtx=guessed", nil)
	require.Error(t, err)
	_ = refused.Body.Close()
	assert.Equal(t, http.StatusForbidden, refused.StatusCode)
}
