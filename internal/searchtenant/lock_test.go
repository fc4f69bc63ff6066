package searchtenant

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// locks is a search that holds the lock's document and nothing else, with the rules of seq_no.
type locks struct {
	mu      sync.Mutex
	isThere bool
	seq     int64
	source  turn
	before  func(r *http.Request) // called first, without mu
	lose    map[string]bool       // methods whose next answer gets lost after it took effect
}

func (l *locks) Perform(r *http.Request) (*http.Response, error) {
	if l.before != nil {
		l.before(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	status, body := l.answer(r)
	if l.lose[r.Method] {
		delete(l.lose, r.Method)
		return nil, errors.New("connection reset")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(text)))}, nil
}

func (l *locks) answer(r *http.Request) (int, map[string]any) {
	if strings.HasSuffix(r.URL.Path, "/_settings") {
		return http.StatusOK, nil
	}
	query := r.URL.Query()
	conflict := strings.Contains(r.URL.Path, "/_create/") && l.isThere ||
		query.Has("if_seq_no") && (!l.isThere || query.Get("if_seq_no") != jsonNumber(l.seq))
	switch {
	case conflict:
		return http.StatusConflict, nil
	case r.Method == http.MethodPut:
		if err := json.NewDecoder(r.Body).Decode(&l.source); err != nil {
			return http.StatusBadRequest, nil
		}
		l.isThere = true
		l.seq++
		return http.StatusCreated, map[string]any{"_seq_no": l.seq, "_primary_term": 1}
	case r.Method == http.MethodDelete:
		l.isThere = false
		return http.StatusOK, nil
	case !l.isThere:
		return http.StatusNotFound, nil
	}
	return http.StatusOK, map[string]any{"_seq_no": l.seq, "_primary_term": 1, "_source": l.source}
}

func jsonNumber(n int64) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func quick() Options {
	return Options{Patience: time.Minute, Lease: time.Minute, Pause: time.Millisecond}
}

func TestOneWriterAtATime(t *testing.T) {
	t.Parallel()
	l := &locks{}
	inside, most := 0, 0
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			err := New(l, quick()).locked(t.Context(), securityLock, func(context.Context, *writer) error {
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				defer func() { mu.Lock(); inside--; mu.Unlock() }()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if most != 1 || l.isThere {
		t.Errorf("%d at once; the lock is still there: %t", most, l.isThere)
	}
}

func TestALockIsTakenOverWhenItExpired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		expires time.Duration
		wantErr bool
	}{
		{"expired", -time.Second, false},
		{"held", time.Hour, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := &locks{isThere: true, seq: 7, source: turn{Holder: "dead", Expires: time.Now().Add(test.expires)}}
			impatient := quick()
			impatient.Patience = 100 * time.Millisecond
			err := New(l, impatient).locked(t.Context(), securityLock, func(context.Context, *writer) error { return nil })
			if (err != nil) != test.wantErr {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestALostAnswerDoesNotLockUsOut(t *testing.T) {
	t.Parallel()
	l := &locks{lose: map[string]bool{http.MethodPut: true}}
	if err := New(l, quick()).locked(t.Context(), securityLock, func(context.Context, *writer) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestAWriterThatLostItsLeaseStops(t *testing.T) {
	t.Parallel()
	l := &locks{}
	short := quick()
	short.Lease = time.Nanosecond // over before the first write, so that each write renews
	var stolen bool
	err := New(l, short).locked(t.Context(), securityLock, func(ctx context.Context, w *writer) error {
		if err := w.keep(ctx); err != nil {
			return err
		}
		l.mu.Lock()
		l.seq++
		l.source = turn{Holder: "another", Expires: time.Now().Add(time.Hour)}
		stolen = true
		l.mu.Unlock()
		return w.change(ctx, http.MethodPut, "/_plugins/_security/api/roles/x", role{})
	})
	if !stolen || !errors.Is(err, errLost) {
		t.Errorf("got %v", err)
	}
	if !l.isThere || l.source.Holder != "another" {
		t.Error("the other writer's lock was removed")
	}
}

func TestTheLockIsFreedWhenTheTimeIsUp(t *testing.T) {
	t.Parallel()
	l := &locks{}
	ctx, cancel := context.WithCancel(t.Context())
	err := New(l, quick()).locked(ctx, securityLock, func(ctx context.Context, _ *writer) error {
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || l.isThere {
		t.Errorf("got %v; the lock is still there: %t", err, l.isThere)
	}
}
