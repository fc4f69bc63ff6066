package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// invocationTime is how long one call of a function may take.
const invocationTime = 60 * time.Second

// A Runtime stands in for Lambda's runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), for one
// function: the emulator's own costs a tenth of a second a call, which would bury what is measured.
type Runtime struct {
	Address string // host:port
	// Asked receives when the function asked for its first call.
	Asked chan time.Time

	server *http.Server
	calls  chan invocation
	now    *invocation // that the function works on
}

type invocation struct {
	payload []byte
	done    chan outcome
}

type outcome struct {
	body []byte
	err  error
}

// NewRuntime starts the interface on a port of its own.
func NewRuntime(ctx context.Context) (*Runtime, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Runtime{Address: listener.Addr().String(), Asked: make(chan time.Time, 1), calls: make(chan invocation)}
	const api = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api+"invocation/next", r.next)
	mux.HandleFunc("POST "+api+"invocation/{id}/response", func(w http.ResponseWriter, q *http.Request) { r.finish(w, q, nil) })
	mux.HandleFunc("POST "+api+"invocation/{id}/error", func(w http.ResponseWriter, q *http.Request) { r.finish(w, q, errors.New("the function failed")) })
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: invocationTime}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// Close ends the interface.
func (r *Runtime) Close() error { return r.server.Close() }

// next hands out a call when there is one. The function has one at a time, so what it works on needs no lock.
func (r *Runtime) next(w http.ResponseWriter, q *http.Request) {
	select {
	case r.Asked <- time.Now():
	default:
	}
	select {
	case <-q.Context().Done():
	case call := <-r.calls:
		r.now = &call
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(invocationTime).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+Region+":000000000000:function:bench")
		_, _ = w.Write(call.payload) // a function that is gone is seen by who called it
	}
}

func (r *Runtime) finish(w http.ResponseWriter, q *http.Request, failure error) {
	body, err := io.ReadAll(q.Body)
	if err == nil && failure != nil {
		err = fmt.Errorf("%w: %s", failure, body)
	}
	w.WriteHeader(http.StatusAccepted)
	r.now.done <- outcome{body, err}
}

// Invoke calls the function and returns its answer.
func (r *Runtime) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, invocationTime)
	defer cancel()
	call := invocation{payload, make(chan outcome, 1)}
	select {
	case r.calls <- call:
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not ask for calls: %w", ctx.Err())
	}
	select {
	case got := <-call.done:
		return got.body, got.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not answer: %w", ctx.Err())
	}
}
