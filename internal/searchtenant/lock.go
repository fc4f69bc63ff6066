package searchtenant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/earshot-hq/earshot/internal/slug"
)

// The security configuration is one document, so its writers take turns, and so do those of one tenant's space. A lock is a
// document in the cluster itself: it works the same for every provider of every cell, and dies with nothing but the cluster. A
// slug begins with a letter, so no tenant's pattern reaches the index.
const (
	lockIndex    = "/.earshot_locks"
	securityLock = "security"

	releaseTime = 5 * time.Second
)

func spaceLock(s slug.Slug) string { return "space-" + s.String() }

// A turn is the document of the lock.
type turn struct {
	Holder  string    `json:"holder"`
	Expires time.Time `json:"expires"`
}

// A position says which version of the document was read; a conditional write succeeds for one reader of it only.
type position struct {
	SeqNo       int64 `json:"_seq_no"`
	PrimaryTerm int64 `json:"_primary_term"`
}

func (p position) condition() string {
	return fmt.Sprintf("?if_seq_no=%d&if_primary_term=%d", p.SeqNo, p.PrimaryTerm)
}

// errLost says that the lock expired and somebody else has it.
var errLost = errors.New("the lock was lost to another writer")

// A writer holds the lock. It lives in one goroutine.
type writer struct {
	*Admin
	lock   string
	holder string
	at     position
	until  time.Time
}

// locked runs fn while nobody else has the lock of that name, in this process or another.
func (a *Admin) locked(ctx context.Context, lock string, fn func(context.Context, *writer) error) error {
	w := &writer{Admin: a, lock: lock, holder: rand.Text()}
	if err := w.acquire(ctx); err != nil {
		return fmt.Errorf("lock %s of search: %w", lock, err)
	}
	err := fn(ctx, w)
	w.release(ctx)
	return err
}

func (w *writer) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.options.Patience)
	defer cancel()
	if err := w.makeIndex(ctx); err != nil {
		return err
	}
	for try := 0; ; try++ {
		isMine, err := w.tryAcquire(ctx)
		if err != nil || isMine {
			return err
		}
		if err := w.pause(ctx, min(try, 3)); err != nil {
			return fmt.Errorf("another writer has it: %w", err)
		}
	}
}

func (w *writer) makeIndex(ctx context.Context) error {
	err := w.call(ctx, http.MethodGet, lockIndex+"/_settings", nil, nil)
	if !errors.Is(err, errAbsent) {
		return err
	}
	settings := map[string]any{"settings": map[string]any{"index": map[string]any{
		"hidden": true, "number_of_shards": 1, "number_of_replicas": w.options.Replicas,
	}}}
	err = w.call(ctx, http.MethodPut, lockIndex, settings, nil)
	var no *refusal
	if errors.As(err, &no) && no.status == http.StatusBadRequest {
		return w.call(ctx, http.MethodGet, lockIndex+"/_settings", nil, nil) // another writer made it meanwhile
	}
	return err
}

// tryAcquire takes the lock if it is free or expired. It reports false when another writer has it or was faster.
func (w *writer) tryAcquire(ctx context.Context) (bool, error) {
	isMine, err := w.put(ctx, lockIndex+"/_create/"+w.lock)
	if err != nil || isMine {
		return isMine, err
	}
	var held struct {
		position
		Source turn `json:"_source"`
	}
	err = w.call(ctx, http.MethodGet, lockIndex+"/_doc/"+w.lock, nil, &held)
	if errors.Is(err, errAbsent) || err == nil && time.Now().Before(held.Source.Expires) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return w.put(ctx, lockIndex+"/_doc/"+w.lock+held.condition())
}

// put writes the document if its condition holds. It reports false when it does not.
func (w *writer) put(ctx context.Context, path string) (bool, error) {
	until := time.Now().Add(w.options.Lease)
	for try := 0; ; try++ {
		err := w.once(ctx, http.MethodPut, path, turn{Holder: w.holder, Expires: until}, &w.at)
		var no *refusal
		switch {
		case err == nil:
			w.until = until
			return true, nil
		case errors.As(err, &no) && no.status == http.StatusConflict:
			return w.wroteAlready(ctx, until)
		case errors.As(err, &no) && !no.passes():
			return false, err
		}
		if w.pause(ctx, try) != nil {
			return false, err
		}
	}
}

// wroteAlready reports whether the conflict is with our own write, whose answer got lost.
func (w *writer) wroteAlready(ctx context.Context, until time.Time) (bool, error) {
	var held struct {
		position
		Source turn `json:"_source"`
	}
	err := w.call(ctx, http.MethodGet, lockIndex+"/_doc/"+w.lock, nil, &held)
	if errors.Is(err, errAbsent) {
		return false, nil
	}
	if err != nil || held.Source.Holder != w.holder || !held.Source.Expires.Equal(until) {
		return false, err
	}
	w.at, w.until = held.position, until
	return true, nil
}

// keep renews the lease when half of it is over; it is called before every write.
func (w *writer) keep(ctx context.Context) error {
	if time.Until(w.until) > w.options.Lease/2 {
		return nil
	}
	isMine, err := w.put(ctx, lockIndex+"/_doc/"+w.lock+w.at.condition())
	if err == nil && !isMine {
		return errLost
	}
	return err
}

// release gives the lock up, even when the time is up. A failure is let go: the lease ends by itself.
func (w *writer) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	_ = w.once(ctx, http.MethodDelete, lockIndex+"/_doc/"+w.lock+w.at.condition(), nil, nil)
}

// change writes something under the lock.
func (w *writer) change(ctx context.Context, method, path string, in any) error {
	return w.ask(ctx, method, path, in, nil)
}

// ask writes something under the lock and decodes the answer into out unless that is nil.
func (w *writer) ask(ctx context.Context, method, path string, in, out any) error {
	return w.repeat(ctx, func(ctx context.Context) error {
		if err := w.keep(ctx); err != nil {
			return err
		}
		return w.once(ctx, method, path, in, out)
	})
}

// drop deletes something under the lock; what is not there is deleted.
func (w *writer) drop(ctx context.Context, path string) error {
	if err := w.change(ctx, http.MethodDelete, path, nil); err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	return nil
}
