package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Server is an HTTP server with bounds on what a slow or hostile client may take. Make one with NewServer.
type Server struct {
	server *http.Server
	listen string
	log    *slog.Logger

	mu   sync.Mutex
	addr string        // guarded by mu; empty until it listens
	done chan struct{} // closed when it has ended; nil before Start
}

// NewServer returns a server of handler for listen, such as "127.0.0.1:8080"; port 0 takes a free one. Handlers that keep
// a connection open for long must end when closing is called, which may be nil.
func NewServer(listen string, handler http.Handler, log *slog.Logger, closing func()) *Server {
	s := &Server{listen: listen, log: log, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // a stream lifts this for itself
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	if closing != nil {
		s.server.RegisterOnShutdown(sync.OnceFunc(closing))
	}
	return s
}

// Start listens and serves.
func (s *Server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.listen, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr, s.done = listener.Addr().String(), make(chan struct{})
	s.log.InfoContext(ctx, "listening", "address", s.addr)
	go func() { // Stop waits for its end
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the server ended by itself", "address", listener.Addr().String(), "error", err)
		}
	}()
	return nil
}

// Addr returns host and port, empty before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Stop takes no new requests and waits for those under way; what is left when ctx ends is cut off.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done == nil {
		return nil
	}
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop the server at %s: %w", s.Addr(), err), s.server.Close())
	}
	<-done
	return err
}
