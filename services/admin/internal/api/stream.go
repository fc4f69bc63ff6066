package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
)

// A stream tells an operation's events as they happen (Server-Sent Events), until the operation is over, the caller has
// gone, or the service stops.
type stream struct {
	api   *API
	ctx   context.Context // the generated code writes a response without one
	op    operation.Operation
	after int64
}

// writeTimeout is for what is told at once: a caller who does not read is let go.
const writeTimeout = 10 * time.Second

// VisitListOperationEventsResponse implements the generated interface.
func (s stream) VisitListOperationEventsResponse(w http.ResponseWriter) error {
	follower := s.api.Feed.Follow(s.op)
	defer follower.Close()
	control := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that gather answers must not
	w.WriteHeader(http.StatusOK)
	silence := time.NewTimer(s.api.Heartbeat)
	defer silence.Stop()
	for {
		events, over, more, err := follower.News(s.after)
		if err != nil {
			return s.end(err)
		}
		if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return s.end(err)
		}
		if err := s.tell(w, events, over); err != nil || over != nil {
			return s.end(err)
		}
		if err := control.Flush(); err != nil {
			return s.end(err)
		}
		silence.Reset(s.api.Heartbeat)
		select {
		case <-more:
		case <-silence.C:
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil {
				return s.end(err)
			}
		case <-s.ctx.Done():
			return nil
		case <-s.api.closing:
			return nil
		}
	}
}

func (s *stream) tell(w io.Writer, events []operation.Event, over *operation.Operation) error {
	for _, e := range events {
		s.after = e.Sequence
		if err := write(w, e.Sequence, "progress", eventTo(e)); err != nil {
			return err
		}
	}
	if over == nil {
		return nil
	}
	return write(w, s.after, "end", operationTo(*over))
}

func write(w io.Writer, id int64, event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", id, event, text)
	return err
}

// end notes why a stream broke. The caller comes back with Last-Event-ID and misses nothing.
func (s *stream) end(err error) error {
	if err != nil && s.ctx.Err() == nil {
		s.api.Log.WarnContext(s.ctx, "event stream broke", "operation", s.op.ID, "error", err)
	}
	return nil
}
