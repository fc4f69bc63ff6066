package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
)

// A stream tells an operation's events as they happen (Server-Sent Events), until the operation is over, the caller has
// gone, or the service stops.
type stream struct {
	api   *API
	ctx   context.Context //nolint:containedctx // the generated code writes a response without one
	actor access.Actor
	id    string
	after int64
}

const (
	eventsAtOnce = 200
	writeTimeout = 10 * time.Second // for one batch: a caller who does not read is let go
)

// VisitListOperationEventsResponse implements the generated interface.
func (s stream) VisitListOperationEventsResponse(w http.ResponseWriter) error {
	control := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that gather answers must not
	w.WriteHeader(http.StatusOK)
	spoke := time.Now()
	for {
		over, told, err := s.tell(w)
		if err == nil && told == 0 && !over && time.Since(spoke) >= s.api.Heartbeat {
			_, err = io.WriteString(w, ": still here\n\n")
			spoke = time.Now()
		}
		if told > 0 {
			spoke = time.Now()
		}
		if err != nil || over {
			return s.end(w, err)
		}
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return s.end(w, err)
		}
		if err := control.Flush(); err != nil || told < eventsAtOnce && !s.wait() {
			return s.end(w, err)
		}
	}
}

// tell writes the events that are new. Whether the operation is over is asked first: an event that is saved with its end
// is told before the stream ends.
func (s *stream) tell(w io.Writer) (over bool, told int, err error) {
	op, err := s.api.History.Operation(s.ctx, s.actor, s.id)
	if err != nil {
		return false, 0, err
	}
	events, err := s.api.History.Events(s.ctx, s.actor, s.id, s.after, eventsAtOnce)
	if err != nil {
		return false, 0, err
	}
	for _, e := range events {
		s.after = e.Sequence
		if err := write(w, e.Sequence, "progress", eventTo(e)); err != nil {
			return false, 0, err
		}
	}
	over = op.State != operation.Queued && op.State != operation.Running && len(events) < eventsAtOnce
	if over {
		err = write(w, s.after, "end", operationTo(op))
	}
	return over, len(events), err
}

func write(w io.Writer, id int64, event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", id, event, text)
	return err
}

// wait returns false when nobody listens any more or the service stops.
func (s *stream) wait() bool {
	timer := time.NewTimer(s.api.EventPoll)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
	case <-s.api.closing:
	}
	return false
}

// end notes why a stream broke. The caller comes back with Last-Event-ID and misses nothing.
func (s *stream) end(_ http.ResponseWriter, err error) error {
	if err != nil && s.ctx.Err() == nil {
		s.api.Log.WarnContext(s.ctx, "event stream broke", "operation", s.id, "error", err)
	}
	return nil
}
