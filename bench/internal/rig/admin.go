package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// An Admin calls the admin API as the product's owner.
type Admin struct {
	base, token string
	client      *http.Client
}

// An Operation is what the benchmarks read of one.
type Operation struct {
	ID      string          `json:"id"`
	State   string          `json:"state"`
	Failure json.RawMessage `json:"failure"`
}

// An Event is one line of an operation's progress.
type Event struct {
	At   time.Time `json:"at"`
	Step string    `json:"step"`
}

// A Tenant is what the benchmarks read of one.
type Tenant struct {
	URLs struct {
		Softphone    string `json:"softphone"`
		TelemetryAPI string `json:"telemetry_api"`
	} `json:"urls"`
}

// mostCallers is how many call at once without a new connection for each request.
const mostCallers = 250

// Admin returns the API at base.
func (s *Stack) Admin(ctx context.Context, base string) (*Admin, error) {
	token, err := s.Token(ctx)
	return &Admin{base: base, token: token, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: mostCallers}}}, err
}

// Call sends a request and reads the answer into into. One that is too many is sent again when the API says.
func (a *Admin) Call(ctx context.Context, method, path string, body, into any) error {
	for {
		wait, err := a.call(ctx, method, path, body, into)
		if wait == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// call sends a request once, and returns how long to wait when it was too many.
func (a *Admin) call(ctx context.Context, method, path string, body, into any) (wait time.Duration, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, sent)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // read only
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && response.StatusCode == http.StatusTooManyRequests {
		return time.Duration(max(1, seconds)) * time.Second, nil
	}
	if response.StatusCode >= http.StatusBadRequest {
		return 0, fmt.Errorf("%s %s answered %d: %.500s", method, path, response.StatusCode, text)
	}
	return 0, json.Unmarshal(text, into)
}

// Stream begins to read a stream of events.
func (a *Admin) Stream(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Accept", "text/event-stream")
	response, err := a.client.Do(request) //nolint:bodyclose // closed by whoever reads it
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("GET %s answered %d", path, response.StatusCode), response.Body.Close())
	}
	return response.Body, nil
}

// Onboard makes a tenant, waits until it is active and returns its operation.
func (a *Admin) Onboard(ctx context.Context, slug, instanceID string) (Operation, error) {
	var started struct{ Operation Operation }
	err := a.Call(ctx, http.MethodPost, "/v1/tenants", map[string]any{
		"slug": slug, "display_name": "Bench " + slug,
		"connect_instances": []any{map[string]any{
			"alias": "main", "region": "eu-west-2", "ccp_url": "https://" + slug + ".my.connect.aws/ccp-v2/",
			"arn": "arn:aws:connect:eu-west-2:111122223333:instance/" + instanceID,
		}},
	}, &started)
	if err != nil {
		return Operation{}, err
	}
	return a.Follow(ctx, started.Operation)
}

// Offboard removes a tenant and its data.
func (a *Admin) Offboard(ctx context.Context, slug string) error {
	var started struct{ Operation Operation }
	if err := a.Call(ctx, http.MethodDelete, "/v1/tenants/"+slug+"?confirm="+slug+"&data=delete", nil, &started); err != nil {
		return err
	}
	_, err := a.Follow(ctx, started.Operation)
	return err
}

// Follow waits for an operation's good end.
func (a *Admin) Follow(ctx context.Context, o Operation) (Operation, error) {
	err := Until(ctx, 20*time.Millisecond, func() (bool, error) {
		if err := a.Call(ctx, http.MethodGet, "/v1/operations/"+o.ID, nil, &o); err != nil {
			return false, err
		}
		switch o.State {
		case "succeeded":
			return true, nil
		case "failed", "cancelled":
			return false, errors.New("the operation is " + o.State + ": " + string(o.Failure))
		}
		return false, nil
	})
	return o, err
}

// Events returns the whole progress of an operation.
func (a *Admin) Events(ctx context.Context, o Operation) ([]Event, error) {
	var all []Event
	for after := int64(0); ; {
		var page struct {
			Items []struct {
				Event
				Sequence int64 `json:"sequence"`
			} `json:"items"`
		}
		if err := a.Call(ctx, http.MethodGet, fmt.Sprintf("/v1/operations/%s/events?after=%d", o.ID, after), nil, &page); err != nil {
			return nil, err
		}
		if len(page.Items) == 0 {
			return all, nil
		}
		for _, item := range page.Items {
			all = append(all, item.Event)
			after = item.Sequence
		}
	}
}
