package ccp

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	repeatEvery = 2 * time.Second // the library builds its softphone at an update that comes after its configuration
	maxMessage  = 1 << 20         // a call report with an hour of seconds is 0.4 MB
	maxAtOnce   = 16              // calls of one browser in progress
	maxBacklog  = 256             // events that a browser has not taken
)

// A browser is the shared worker of one agent's browser.
type browser struct {
	signalling string // where softphones of this browser signal, if by a socket of their own
	events     chan event
	gone       context.CancelFunc
}

// tell never waits: a browser that takes nothing is let go.
func (b *browser) tell(e event) {
	select {
	case b.events <- e:
	default:
		b.gone()
	}
}

// message is what a worker sends.
type message struct {
	Type         string          `json:"type"` // "call" or "signal"
	ID           string          `json:"id"`   // of a call
	Method       string          `json:"method"`
	Params       json.RawMessage `json:"params"`
	ConnectionID string          `json:"connectionId"` // of a signal, echoed
	RPC          json.RawMessage `json:"jsonRpcMsg"`
}

// answer is what a worker is sent beside events.
type answer struct {
	ID   string   `json:"id"`
	Data any      `json:"data"`
	Err  *failure `json:"err"`
}

// ServeWorker is the socket between the simulator and a browser's shared worker: calls and signalling in, answers and events
// out, as JSON. The query names the agent, who must be signed in.
func (c *Centre) ServeWorker(w http.ResponseWriter, r *http.Request) {
	username := r.URL.Query().Get("agent")
	if !c.SignedIn(username) {
		http.Error(w, ErrAbsent.Error(), http.StatusForbidden)
		return
	}
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(maxMessage)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	b := &browser{signalling: "ws://" + r.Host + "/LilyRTC", events: make(chan event, maxBacklog), gone: cancel}
	if !c.join(username, b) {
		return
	}
	defer c.leave(username, b)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		defer cancel()
		c.push(ctx, username, b, socket)
	})
	c.listen(ctx, username, socket, &running)
	cancel()
}

func (c *Centre) join(username string, b *browser) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[username]
	if a == nil || !a.signedIn {
		return false
	}
	a.browsers[b] = struct{}{}
	b.tell(c.update(a, b.signalling))
	return true
}

func (c *Centre) leave(username string, b *browser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.agents[username].browsers, b)
}

// push writes events as they come, and how things are every two seconds. It ends with the session.
func (c *Centre) push(ctx context.Context, username string, b *browser, socket *websocket.Conn) {
	tick := time.NewTicker(repeatEvery)
	defer tick.Stop()
	for {
		var next event
		select {
		case next = <-b.events:
		case <-tick.C:
			c.mu.Lock()
			next = c.update(c.agents[username], b.signalling)
			c.mu.Unlock()
		case <-ctx.Done():
			return
		}
		if send(ctx, socket, next) != nil || next.Event == "terminated" {
			return
		}
	}
}

func send(ctx context.Context, socket *websocket.Conn, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return socket.Write(ctx, websocket.MessageText, text)
}

// listen serves what comes, several at once, until the socket ends.
func (c *Centre) listen(ctx context.Context, username string, socket *websocket.Conn, running *sync.WaitGroup) {
	room := make(chan struct{}, maxAtOnce)
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			return
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		running.Go(func() {
			defer func() { <-room }()
			c.handle(ctx, username, socket, &m)
		})
	}
}

func (c *Centre) handle(ctx context.Context, username string, socket *websocket.Conn, m *message) {
	switch m.Type {
	case "call":
		data, failed := c.call(ctx, username, m.Method, m.Params)
		_ = send(ctx, socket, answer{m.ID, data, failed}) // listen sees that the socket has ended
	case "signal":
		if r := c.signal(ctx, username, m.RPC); r != nil {
			content, _ := json.Marshal(object{"connectionId": m.ConnectionID, "jsonRpcMsg": r}) // of our own types
			_ = send(ctx, socket, event{"webSocket::all_message", object{"topic": "aws/softphone", "content": string(content)}})
		}
	}
}

// ServeSignalling is the socket of a softphone that does not signal through the worker, wherever its page is from: the token
// of the contact lets it in.
func (c *Centre) ServeSignalling(w http.ResponseWriter, r *http.Request) {
	username, ok := c.agentOf(r.URL.Query().Get("callId"), r.URL.Query().Get("contactCtx"))
	if !ok {
		http.Error(w, "no such call", http.StatusForbidden)
		return
	}
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	defer func() { _ = socket.CloseNow() }()
	socket.SetReadLimit(maxMessage)
	for {
		_, text, err := socket.Read(r.Context())
		if err != nil {
			return
		}
		if answer := c.signal(r.Context(), username, text); answer != nil && send(r.Context(), socket, answer) != nil {
			return
		}
	}
}
