package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/bench/internal/rig"
	"github.com/earshot-hq/earshot/bench/internal/sheet"
	"github.com/earshot-hq/earshot/internal/samplecall"
	"github.com/earshot-hq/earshot/internal/telemetry"
)

// sendToSearchable posts batches to a tenant's API, as a softphone does, and watches until a search finds them. A document
// can be had by its id as soon as it is written, and is found by a search after the next refresh: that tells them apart.
func sendToSearchable(ctx context.Context, b *bench) ([]sheet.Figure, error) {
	const runs = 40
	const apart = 730 * time.Millisecond // no divisor of the refresh interval: the runs meet all of its phases
	var found rig.Tenant
	if err := b.admin.Call(ctx, http.MethodGet, "/v1/tenants/"+demo.String(), nil, &found); err != nil {
		return nil, err
	}
	way := sender{
		api: found.URLs.TelemetryAPI + "/softphonemetrics", origin: strings.TrimSuffix(found.URLs.Softphone, "/"),
		client: &http.Client{Transport: &http.Transport{DialContext: dialHere}}, search: b.search,
	}
	if _, err := way.send(ctx, -1); err != nil { // starts the functions
		return nil, err
	}
	passages, err := apartBy(ctx, apart, b.repeat("searchable", runs), way.send)
	if err != nil {
		return nil, err
	}
	var all, accepted, written, refreshed []float64
	for _, p := range passages {
		all, accepted = append(all, p.found.Seconds()), append(accepted, p.accepted.Seconds())
		written, refreshed = append(written, (p.written-p.accepted).Seconds()), append(refreshed, (p.found-p.written).Seconds())
	}
	figure := func(id string, values []float64, p float64, what string) sheet.Figure {
		return sheet.Figure{ID: id, Value: sheet.Percentile(values, p), Unit: "s", Runs: len(values), Spread: sheet.Range(values), What: what}
	}
	return []sheet.Figure{
		figure("send_to_searchable", all, 50, "half of the batches are found by a search so soon after they are sent"),
		figure("send_to_searchable_p95", all, 95, "95 % of them"),
		figure("send_to_searchable_accepted", accepted, 50, "of it the median until the 202: gateway and pusher, mostly the emulator's"),
		figure("send_to_searchable_written", written, 50, "of it from there until written: queue and indexer, mostly the emulator's; the batching window is 0"),
		figure("send_to_searchable_refresh", refreshed, 50, "of it from there until found: the wait for the refresh, every 5 s"),
	}, nil
}

// A passage says when, after it was sent, a batch was accepted, written and found.
type passage struct{ accepted, written, found time.Duration }

type sender struct {
	api, origin string
	client      *http.Client
	search      *rig.Search
}

func (s sender) send(ctx context.Context, run int) (passage, error) {
	const patience = 60 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, first, err := s.batch(run)
	if err != nil {
		return passage{}, err
	}
	began := time.Now()
	if err := s.post(ctx, body); err != nil {
		return passage{}, err
	}
	p := passage{accepted: time.Since(began)}
	if err := s.await(ctx, http.MethodGet, "/"+first.Index+"/_doc/"+first.ID+"?_source=false"); err != nil {
		return passage{}, fmt.Errorf("await the document: %w", err)
	}
	p.written = time.Since(began)
	err = s.await(ctx, http.MethodGet, "/"+first.Index+"/_search?size=0&terminate_after=1&q=_id:"+first.ID)
	p.found = time.Since(began)
	return p, err
}

// batch returns half a minute of a call, and the first of its documents.
func (s sender) batch(run int) ([]byte, telemetry.Document, error) {
	call := samplecall.New(samplecall.Options{
		Agent: fmt.Sprintf("bench.%d", run), Queue: "Orders EMEA", RoutingProfile: "Retail Voice", Start: time.Now().Add(-time.Minute), Duration: 30 * time.Second,
	})
	for _, post := range call.Posts() {
		if post.Route != "softphonemetrics" {
			continue
		}
		decoded, err := telemetry.Decode(telemetry.KindStreamStats, post.Body, rig.Arrival(demo, time.Now()))
		if err != nil {
			return nil, telemetry.Document{}, err
		}
		documents, err := rig.Documents([]telemetry.Envelope{decoded.Envelope})
		if err != nil {
			return nil, telemetry.Document{}, err
		}
		return post.Body, documents[0], nil
	}
	return nil, telemetry.Document{}, errors.New("the call has no statistics")
}

func (s sender) post(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", s.origin)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // the status says all
	if response.StatusCode != http.StatusAccepted {
		return errors.New("the tenant's API answered " + response.Status)
	}
	return nil
}

// await asks for a document, or for the hits of a search, until it is there.
func (s sender) await(ctx context.Context, method, path string) error {
	return rig.Until(ctx, 20*time.Millisecond, func() (bool, error) {
		var answer struct {
			Found bool
			Hits  struct{ Total struct{ Value int } }
		}
		status, err := s.search.Do(ctx, method, path, nil, &answer)
		if status == http.StatusServiceUnavailable {
			return false, nil // the index is being made
		}
		if err == nil && status != http.StatusOK && status != http.StatusNotFound {
			err = fmt.Errorf("search answered %d", status)
		}
		return answer.Found || answer.Hits.Total.Value > 0, err
	})
}

// dialHere reaches names under localhost as browsers do: on this machine (RFC 6761 section 6.3), whatever the resolver says.
func dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
