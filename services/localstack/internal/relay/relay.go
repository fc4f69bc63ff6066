// Package relay passes TCP connections on from another address of this machine, so that a server can tell whose they are.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// A Relay listens. Close ends it.
type Relay struct {
	listener net.Listener
	dialer   net.Dialer
	to       string
	group    sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool // guarded by mu
	isOff bool              // guarded by mu
}

// Start listens at an address, and passes what comes on to another, as if it came from the IP address as.
func Start(ctx context.Context, listen, to, as string) (*Relay, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("relay at %s: %w", listen, err)
	}
	r := &Relay{listener: listener, to: to, dialer: net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(as)}}, open: map[net.Conn]bool{}}
	r.group.Go(r.accept)
	return r, nil
}

// Addr is where it listens.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Close ends it and what it passes on, and waits for the end.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.isOff = true
	for conn := range r.open {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
	return err
}

func (r *Relay) accept() {
	for {
		conn, err := r.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err == nil:
			r.group.Go(func() { r.pass(conn) })
		}
	}
}

// pass copies both ways until both sides have ended.
func (r *Relay) pass(near net.Conn) {
	defer r.forget(near)
	if !r.keep(near) {
		return
	}
	far, err := r.dialer.DialContext(context.Background(), "tcp", r.to)
	if err != nil {
		return // the near side sees its connection end
	}
	defer r.forget(far)
	if !r.keep(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { transfer(far, near) })
	both.Go(func() { transfer(near, far) })
	both.Wait()
}

// keep reports false when the relay has ended meanwhile.
func (r *Relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[conn] = true
	return !r.isOff
}

func (r *Relay) forget(conn net.Conn) {
	_ = conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, conn)
}

// transfer copies until from ends, and tells to.
func transfer(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, isTCP := to.(*net.TCPConn); isTCP && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
	_ = from.Close()
}
