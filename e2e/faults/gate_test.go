package faults_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A gate stands between one worker and Postgres, and holds back what the worker saves of operations at chosen steps: a
// step that is held has been done for sure, and nothing of it is saved.
type gate struct {
	listener net.Listener
	server   string // Postgres
	holder   string // the worker's name
	opened   chan struct{}
	busy     sync.WaitGroup

	mu    sync.Mutex
	holds map[string]*hold // by operation id; guarded by mu
}

// A hold waits for one step of one operation.
type hold struct {
	isNext func() bool // whether the wanted step is the one that the worker has just claimed the operation for
	locked bool        // hold back the save itself, when the tenant's row is locked, instead of what comes before it

	isArmed bool // guarded by the gate's mu: the claim is committed, the step is being done
	held    int  // guarded by the gate's mu: connections that wait
}

func newGate(t *testing.T, server, holder string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, server: server, holder: holder, opened: make(chan struct{}), holds: map[string]*hold{}}
	g.busy.Go(g.accept)
	t.Cleanup(func() {
		_ = listener.Close() // it was listening
		g.open()
	})
	return g
}

// open lets all pass that is held, and holds nothing any more.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

func (g *gate) watch(operation string, h *hold) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds[operation] = h
}

// held returns how many operations wait at the gate.
func (g *gate) held() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.holds {
		if h.held > 0 {
			n++
		}
	}
	return n
}

func (g *gate) accept() {
	for {
		client, err := g.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.DialTimeout("tcp", g.server, 3*time.Second)
		if err != nil {
			_ = client.Close() // the worker sees that Postgres is away
			continue
		}
		g.busy.Go(func() {
			_, _ = io.Copy(client, server) // whoever ended it, it is over
			_ = client.Close()
		})
		g.busy.Go(func() {
			g.forward(client, server)
			_ = server.Close()
		})
	}
}

// forward hands the worker's messages on until the worker, or Postgres, is gone.
func (g *gate) forward(client io.Reader, server io.Writer) {
	messages, gone := make(chan []byte, 256), make(chan struct{})
	g.busy.Go(func() {
		defer close(messages)
		defer close(gone)
		in := bufio.NewReader(client)
		for headless := true; ; headless = false {
			message, err := readMessage(in, headless)
			if err != nil {
				return
			}
			messages <- message
		}
	})
	var claimed *hold // whose claim this connection is about to commit
	for message := range messages {
		claimed = g.pass(message, claimed, gone)
		if _, err := server.Write(message); err != nil {
			break
		}
	}
	for range messages { // nobody takes them any more
	}
}

// readMessage reads one message of Postgres's protocol. The first of a connection has no type.
func readMessage(in io.Reader, headless bool) ([]byte, error) {
	head := make([]byte, 5)
	if headless {
		head = head[:4]
	}
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[len(head)-4:])
	if size < 4 || size > 1<<24 {
		return nil, errors.New("no message of Postgres")
	}
	message := make([]byte, len(head)+int(size)-4)
	copy(message, head)
	_, err := io.ReadFull(in, message[len(head):])
	return message, err
}

// pass returns when the message may go on, and whose claim its connection is about to commit.
func (g *gate) pass(message []byte, claimed *hold, gone <-chan struct{}) *hold {
	const bind, query = 'B', 'Q'
	switch {
	case message[0] == query:
		if claimed != nil && bytes.Contains(message, []byte("commit")) {
			g.mu.Lock()
			claimed.isArmed = true
			g.mu.Unlock()
		}
		return nil
	case message[0] != bind:
		return claimed
	}
	h := g.holdOf(message)
	switch {
	case h == nil:
	case bytes.Contains(message, []byte(g.holder)): // the claim
		if h.isNext() {
			claimed = h
		}
	case g.isToBeHeld(h, message):
		select {
		case <-gone:
		case <-g.opened:
		}
		g.mu.Lock()
		h.held--
		h.isArmed = false // the worker has given up and will do the step again
		g.mu.Unlock()
	}
	return claimed
}

func (g *gate) holdOf(message []byte) *hold {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, h := range g.holds {
		if bytes.Contains(message, []byte(id)) {
			return h
		}
	}
	return nil
}

// isToBeHeld knows a save by the memo that it carries, and what comes before it by the transaction's subject.
func (g *gate) isToBeHeld(h *hold, message []byte) bool {
	mark := []byte("operation:")
	if h.locked {
		mark = []byte(`{"attempt":`)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !h.isArmed || !bytes.Contains(message, mark) {
		return false
	}
	h.held++
	return true
}
