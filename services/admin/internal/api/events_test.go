package api_test

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/services/admin/internal/apigen"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	started := into[apigen.Started](t, w.send(t, "POST", "/v1/tenants", draft("acme")))
	path := "/v1/operations/" + started.Operation.Id + "/events"
	stream := follow(t, w, path, "Last-Event-ID: 0")
	if first := <-stream; first.id != "1" || first.event != "progress" {
		t.Errorf("the first event is %+v", first)
	}
	tell(t, w, started.Operation, "one", operation.Running)
	tell(t, w, started.Operation, "two", operation.Succeeded)
	var told []string
	for e := range stream {
		told = append(told, e.id+" "+e.event)
	}
	if want := []string{"2 progress", "3 progress", "3 end"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	told = nil
	for e := range follow(t, w, path, "Last-Event-ID: 2") {
		told = append(told, e.id+" "+e.event)
	}
	if want := []string{"3 progress", "3 end"}; !slices.Equal(told, want) {
		t.Errorf("after event 2: told %v, want %v", told, want)
	}
	list := into[apigen.OperationEventPage](t, w.send(t, "GET", path+"?after=1&limit=1", ""))
	if len(list.Items) != 1 || list.Items[0].Message != "one" || list.Items[0].Sequence != 2 {
		t.Errorf("as a page: %+v", list)
	}
}

func TestStreamsEndWithTheService(t *testing.T) {
	t.Parallel()
	w := setup(t)
	started := into[apigen.Started](t, w.send(t, "POST", "/v1/tenants", draft("acme")))
	stream := follow(t, w, "/v1/operations/"+started.Operation.Id+"/events")
	<-stream
	w.api.CloseStreams()
	if e, open := <-stream; open {
		t.Errorf("told %+v", e)
	}
}

type event struct{ id, event, data string }

// follow reads an event stream until it ends.
func follow(t *testing.T, w world, path string, headers ...string) <-chan event {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer auditor")
	request.Header.Set("Accept", "text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // closed by the goroutine that reads it
	if err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is %d %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	events := make(chan event)
	go func() {
		defer close(events)
		defer func() { _ = response.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id = value
			case "event":
				e.event = value
			case "data":
				e.data = value
			case "":
				events <- e
				e = event{}
			}
		}
	}()
	return events
}

// tell saves a step with one event.
func tell(t *testing.T, w world, o apigen.Operation, message string, state operation.State) {
	t.Helper()
	found, err := w.db.Operation(t.Context(), owner, o.Id)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := w.db.Claim(t.Context(), found.TenantID, o.Id, "worker", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	op := claimed.Operation
	op.State = state
	if state != operation.Running {
		op.FinishedAt = time.Now()
	}
	if err := w.db.Save(t.Context(), operation.Progress{Operation: op, Events: []operation.Event{{Level: "info", Message: message}}}); err != nil {
		t.Fatal(err)
	}
}
