// Package relay is the TURN server (RFC 8656, over UDP) between an agent's browser and the stand-in for Connect's media. The
// browser has no other way, so what is done to packets here is what its call goes through: loss, delay, jitter and silence show
// in the browser's own statistics, and nothing of the operating system is touched.
//
// It leaves out what a real path has beside these: a bandwidth that is exceeded, a change of route, TURN over TCP and TLS.
package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const (
	realm = "simulator"
	// maxAllocations is far more than one machine's browsers take, maxImpaired than there are agents.
	maxAllocations    = 200
	maxImpaired       = 1000
	maxAllocateMillis = 30_000
)

// Impairments is what the relay does to its calls.
type Impairments struct {
	ToAgent   Impairment `json:"to_agent,omitzero"`   // what the agent hears
	FromAgent Impairment `json:"from_agent,omitzero"` // what the customer hears
	// Unreachable takes every packet between browsers and the server: no new call gets a relay address, a running one loses its
	// path in both directions.
	Unreachable bool `json:"unreachable,omitzero"`
	// AllocateMillis is how much later a new call gets its relay address: Connect's library gives up after eight seconds.
	AllocateMillis int `json:"allocate_millis,omitzero"`
}

var errAllocate = fmt.Errorf("allocate_millis must be from 0 to %d", maxAllocateMillis)

// Validate says whether each number is within its bounds.
func (i Impairments) Validate() error {
	if err := i.ToAgent.Validate(); err != nil {
		return fmt.Errorf("to_agent: %w", err)
	}
	if err := i.FromAgent.Validate(); err != nil {
		return fmt.Errorf("from_agent: %w", err)
	}
	if i.AllocateMillis < 0 || i.AllocateMillis > maxAllocateMillis {
		return errAllocate
	}
	return nil
}

// A Server relays between browsers and peers on its own address; it lets nobody reach any other.
type Server struct {
	turn        *turn.Server
	address     netip.AddrPort
	password    string
	seed        uint64
	impairments atomic.Pointer[map[string]Impairments] // by user; everybody else's under "". Replaced, never written
	open        atomic.Int64                           // allocations that there are

	mu          sync.Mutex
	allocations uint64 // ever made: each has its own stream of chance; guarded by mu, as is the replacing of impairments
}

// Listen starts a server on address; port 0 takes a free one. Two servers with the same seed treat the nth packet of their mth
// allocation alike.
func Listen(ctx context.Context, address netip.AddrPort, seed uint64) (*Server, error) {
	var lc net.ListenConfig
	socket, err := lc.ListenPacket(ctx, "udp4", address.String())
	if err != nil {
		return nil, fmt.Errorf("listen for TURN: %w", err)
	}
	s := &Server{password: rand.Text(), seed: seed, address: netip.AddrPortFrom(address.Addr(), portOf(socket))}
	s.impairments.Store(&map[string]Impairments{})
	s.turn, err = turn.NewServer(turn.ServerConfig{
		Realm:        realm,
		AuthHandler:  s.authenticate,
		QuotaHandler: func(string, string, net.Addr) bool { return s.open.Load() < maxAllocations },
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn:            newFront(socket, s),
			RelayAddressGenerator: generator{s},
			PermissionHandler:     func(_ net.Addr, peer net.IP) bool { return peer.Equal(address.Addr().AsSlice()) },
		}},
	})
	if err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("start TURN: %w", err)
	}
	return s, nil
}

func portOf(socket net.PacketConn) uint16 {
	if udp, ok := socket.LocalAddr().(*net.UDPAddr); ok {
		return udp.AddrPort().Port()
	}
	return 0
}

// URL is what a browser is told, beside Password and a user name of any kind.
func (s *Server) URL() string { return fmt.Sprintf("turn:%s?transport=udp", s.address) }

// Password is the same for everybody, and made anew by each Listen.
func (s *Server) Password() string { return s.password }

// Address is where the server listens. Peers must be on the same IP address.
func (s *Server) Address() netip.AddrPort { return s.address }

// Impairments says what is in force for a user: what is that user's own, or else what is for everybody (user "").
func (s *Server) Impairments(user string) Impairments {
	all := *s.impairments.Load()
	if own, has := all[user]; has {
		return own
	}
	return all[""]
}

var errImpaired = errors.New("so many users have impairments of their own already")

// Impair changes what is in force for a user, or with user "" for everybody who has none of their own, from the next packet on.
// The zero value takes a user's own away.
func (s *Server) Impair(user string, i Impairments) error {
	if err := i.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(*s.impairments.Load())
	if all[user] = i; i == (Impairments{}) {
		delete(all, user)
	}
	if len(all) > maxImpaired {
		return errImpaired
	}
	s.impairments.Store(&all)
	return nil
}

// Close ends the server and what it relays.
func (s *Server) Close() error { return s.turn.Close() }

func (s *Server) authenticate(r *turn.RequestAttributes) (string, []byte, bool) {
	return r.Username, turn.GenerateAuthKey(r.Username, realm, s.password), true
}

// front is the socket that browsers send to.
type front struct {
	net.PacketConn
	server  *Server
	arrived chan packet
	closed  chan struct{}
}

func newFront(socket net.PacketConn, s *Server) *front {
	f := &front{PacketConn: socket, server: s, arrived: make(chan packet), closed: make(chan struct{})}
	go f.receive()
	return f
}

// receive passes on what comes, until the socket is closed, and leaves out what comes while the server is unreachable. Which user
// sends is known of the requests that say so: the first of a browser, which does not, is answered all the same, and what is to be
// relayed is the connection's to leave out.
func (f *front) receive() {
	defer close(f.closed)
	buffer := make([]byte, maxPacket)
	for {
		n, addr, err := f.PacketConn.ReadFrom(buffer)
		if err != nil {
			return
		}
		user, isAllocation := readRequest(buffer[:n])
		now := f.server.Impairments(user)
		if now.Unreachable {
			continue
		}
		p := packet{data: slices.Clone(buffer[:n]), addr: addr}
		if isAllocation && user != "" && now.AllocateMillis > 0 {
			time.AfterFunc(time.Duration(now.AllocateMillis)*time.Millisecond, func() { f.pass(p) })
			continue
		}
		f.pass(p)
	}
}

func (f *front) pass(p packet) {
	select {
	case f.arrived <- p:
	case <-f.closed:
	}
}

// ReadFrom takes what browsers have sent.
func (f *front) ReadFrom(into []byte) (int, net.Addr, error) {
	select {
	case p := <-f.arrived:
		return copy(into, p.data), p.addr, nil
	case <-f.closed:
		return 0, nil, net.ErrClosed
	}
}

// readRequest tells whom a packet says to be from, or "", and whether it asks for a relay address.
func readRequest(raw []byte) (user string, isAllocation bool) {
	m := &stun.Message{Raw: raw}
	if !stun.IsMessage(raw) || m.Decode() != nil {
		return "", false
	}
	var named stun.Username
	_ = named.GetFrom(m) // it names nobody
	return named.String(), m.Type == stun.NewType(stun.MethodAllocate, stun.ClassRequest)
}

var errOnlyUDP = errors.New("relay: only UDP is relayed")

// generator makes the sockets of allocations.
type generator struct{ server *Server }

// Validate has nothing to check.
func (generator) Validate() error { return nil }

// AllocatePacketConn opens a socket on the server's own address.
func (g generator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	var lc net.ListenConfig
	at := netip.AddrPortFrom(g.server.address.Addr(), uint16(c.RequestedPort))
	socket, err := lc.ListenPacket(context.Background(), "udp4", at.String())
	if err != nil {
		return nil, nil, fmt.Errorf("allocate: %w", err)
	}
	g.server.mu.Lock()
	number := g.server.allocations
	g.server.allocations++
	g.server.mu.Unlock()
	g.server.open.Add(1)
	return newConn(socket, g.server, c.UserID, number), socket.LocalAddr(), nil
}

// AllocateListener refuses.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errOnlyUDP
}

// AllocateConn refuses.
func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errOnlyUDP }
