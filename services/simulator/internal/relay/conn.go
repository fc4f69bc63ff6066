package relay

import (
	"container/heap"
	"net"
	"slices"
	"sync"
	"time"
)

// queued bounds what one direction holds back: five seconds of 200 packets a second, as long as the longest delay. What comes
// on top is lost, as in a router whose queue is full.
const queued = 1024

const maxPacket = 1600

// conn is the far side's socket of one allocation, with an impairment in each direction: what it reads goes to the agent, what
// is written to it came from the agent.
type conn struct {
	net.PacketConn
	server *Server
	user   string

	toAgent, fromAgent *line
	arrived            chan packet
	closed             chan struct{}
	close              sync.Once
	running            sync.WaitGroup
}

type packet struct {
	data   []byte
	addr   net.Addr
	due    time.Time
	number uint64
}

func newConn(inner net.PacketConn, s *Server, user string, number uint64) *conn {
	c := &conn{PacketConn: inner, server: s, user: user, arrived: make(chan packet), closed: make(chan struct{})}
	c.toAgent = newLine(newFate(s.seed, 2*number), c.closed, func(p packet) {
		select {
		case c.arrived <- p:
		case <-c.closed:
		}
	})
	c.fromAgent = newLine(newFate(s.seed, 2*number+1), c.closed, func(p packet) {
		_, _ = inner.WriteTo(p.data, p.addr) // UDP promises nothing either
	})
	c.running.Go(c.toAgent.run)
	c.running.Go(c.fromAgent.run)
	c.running.Go(c.receive)
	return c
}

func (c *conn) receive() {
	buffer := make([]byte, maxPacket)
	for {
		n, addr, err := c.PacketConn.ReadFrom(buffer)
		if err != nil {
			_ = c.shut() // the socket is gone, or Close says what went wrong
			return
		}
		if now := c.server.Impairments(c.user); !now.Unreachable {
			c.toAgent.put(now.ToAgent, buffer[:n], addr)
		}
	}
}

// ReadFrom takes what has come for the agent.
func (c *conn) ReadFrom(into []byte) (int, net.Addr, error) {
	select {
	case p := <-c.arrived:
		return copy(into, p.data), p.addr, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends what the agent sent. A lost packet counts as sent, as on a network.
func (c *conn) WriteTo(data []byte, addr net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if now := c.server.Impairments(c.user); !now.Unreachable {
		c.fromAgent.put(now.FromAgent, data, addr)
	}
	return len(data), nil
}

// Close ends both directions; what was held back is lost.
func (c *conn) Close() error {
	err := c.shut()
	c.running.Wait()
	return err
}

func (c *conn) shut() (err error) {
	c.close.Do(func() {
		close(c.closed)
		c.server.open.Add(-1)
		err = c.PacketConn.Close()
	})
	return err
}

// line is one direction: packets go in, and come out when they are due.
type line struct {
	mu     sync.Mutex
	fate   *fate  // guarded by mu: two peers may write at a time
	held   inTime // guarded by mu
	number uint64 // of the next packet; guarded by mu
	sooner chan struct{}
	closed <-chan struct{}
	emit   func(packet)
}

func newLine(f *fate, closed <-chan struct{}, emit func(packet)) *line {
	return &line{fate: f, sooner: make(chan struct{}, 1), closed: closed, emit: emit}
}

func (l *line) put(i Impairment, data []byte, addr net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delay, passes := l.fate.next(i, data)
	if !passes || len(l.held) == queued {
		return
	}
	heap.Push(&l.held, packet{data: slices.Clone(data), addr: addr, due: time.Now().Add(delay), number: l.number})
	if l.held[0].number == l.number {
		select {
		case l.sooner <- struct{}{}:
		default:
		}
	}
	l.number++
}

// take returns the first packet if it is due, else how long until it is. A line that holds nothing waits to be told.
func (l *line) take() (p packet, wait time.Duration, isDue bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) == 0 {
		return packet{}, time.Hour, false
	}
	if wait = time.Until(l.held[0].due); wait > 0 {
		return packet{}, wait, false
	}
	return heap.Pop(&l.held).(packet), 0, true
}

func (l *line) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p, wait, isDue := l.take()
		if isDue {
			l.emit(p)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-l.sooner:
		case <-l.closed:
			return
		}
	}
}

// inTime is a heap of packets by when they are due, and of those that are due together by when they came.
type inTime []packet

func (h inTime) Len() int { return len(h) }
func (h inTime) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].number < h[j].number
	}
	return h[i].due.Before(h[j].due)
}
func (h inTime) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *inTime) Push(p any)   { *h = append(*h, p.(packet)) }
func (h *inTime) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = packet{} // lets go of its bytes
	*h = (*h)[:last]
	return p
}
