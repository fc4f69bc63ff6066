// Package prober proves that a tenant works, from outside: it posts a synthetic call to the tenant's telemetry API over HTTP
// and asks the tenant's probe function what has arrived.
package prober

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/earshot-hq/earshot/internal/cellaws"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

const (
	callSeconds = 10               // of the synthetic call: it ends before it is sent
	postTimeout = 10 * time.Second // a function's cold start and its queue
	maxAnswer   = 4096             // bytes of an answer that are read
	seed        = 1                // which call it is: the same for all, so that the same arguments send the same records
)

// Prober implements operation.Prober.
type Prober struct {
	cells  *cellaws.Cells
	client *http.Client
}

// New returns a Prober that enters cells by way of cells.
func New(cells *cellaws.Cells) *Prober {
	transport := &http.Transport{
		DialContext:         dialLoopback,
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: postTimeout,
		IdleConnTimeout:     time.Minute,
	}
	return &Prober{cells: cells, client: &http.Client{
		Transport: transport, Timeout: postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a tenant's API sends nobody on
	}}
}

// dialLoopback dials like net.Dialer, and takes names under localhost for this machine as browsers do (RFC 6761): the
// system's resolver often does not know them.
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{Timeout: postTimeout}).DialContext(ctx, network, address)
}

// Close ends idle connections.
func (p *Prober) Close() { p.client.CloseIdleConnections() }

// Send posts the synthetic call to the tenant's telemetry API, as the tenant's softphone would, and returns how many
// documents of each kind must appear. The same arguments send the same records.
func (p *Prober) Send(ctx context.Context, t tenant.Tenant, callID string, started time.Time) (map[string]int, error) {
	site, err := url.Parse(t.URLs.Softphone)
	if err != nil || site.Host == "" || t.URLs.TelemetryAPI == "" {
		return nil, fmt.Errorf("tenant %s has no addresses yet", t.Slug)
	}
	options := samplecall.Options{
		Agent: telemetry.ProbeAgent, Schema: 2, BatchID: callID, Start: started, Duration: callSeconds * time.Second, Seed: seed,
	}
	if len(t.ConnectInstances) > 0 {
		options.Instance = t.ConnectInstances[0].Alias
	}
	call := samplecall.New(options)
	posts, ctx := errgroup.WithContext(ctx) // side by side, as each may start a function
	for _, post := range call.Posts() {
		posts.Go(func() error { return p.post(ctx, t.URLs.TelemetryAPI, site.Scheme+"://"+site.Host, post) })
	}
	if err := posts.Wait(); err != nil {
		return nil, err
	}
	return call.Documents(), nil
}

func (p *Prober) post(ctx context.Context, api, origin string, post samplecall.Post) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/"+post.Route, bytes.NewReader(post.Body))
	if err != nil {
		return fmt.Errorf("post /%s: %w", post.Route, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", origin)
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("post /%s: %w", post.Route, err)
	}
	defer func() { _ = response.Body.Close() }() // what was needed has been read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of /%s: %w", post.Route, err)
	}
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("/%s answered %d%s, want %d", post.Route, response.StatusCode, said(body), http.StatusAccepted)
	}
	return nil
}

// said returns what a problem says, if it is one.
func said(body []byte) string {
	var problem struct{ Code, Detail string }
	if json.Unmarshal(body, &problem) != nil || problem.Code == "" {
		return ""
	}
	return " (" + problem.Code + ": " + problem.Detail + ")"
}

// Found asks the tenant's probe function how many of the call's documents of each kind are there.
func (p *Prober) Found(ctx context.Context, cell tenant.Cell, s slug.Slug, callID string) (map[string]int, error) {
	request := map[string]string{"call_id": callID}
	var answer struct {
		Found map[string]int `json:"found"`
	}
	if err := p.cells.Invoke(ctx, cell, s.FunctionName("probe"), request, &answer); err != nil {
		return nil, err
	}
	return answer.Found, nil
}
