// Package feed tells any number of followers what happens to operations. Those of one operation share one reading of it, made when
// the store says that there is something new.
package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/access"
	"github.com/earshot-hq/earshot/internal/operation"
)

// Config is what a feed needs. Zero durations get the defaults named.
type Config struct {
	History operation.History
	// Listen calls ready once it hears, and heard with the id of each operation that has news, until its line breaks or ctx ends.
	Listen func(ctx context.Context, ready func(), heard func(id string)) error
	Log    *slog.Logger

	Again time.Duration // 1 s: between a broken line and the next
	Every time.Duration // 5 s: the longest that a followed operation is not looked at, whatever is heard
}

// A Feed reads what is followed. Start it before it is followed.
type Feed struct {
	Config

	mu     sync.Mutex
	topics map[string]*topic // guarded by mu; by the operation's id, those that go on

	ctx   context.Context // of its life, between Start and Stop
	end   context.CancelFunc
	ended sync.WaitGroup
}

// New returns a feed that is not started.
func New(c Config) *Feed {
	if c.Again == 0 {
		c.Again = time.Second
	}
	if c.Every == 0 {
		c.Every = 5 * time.Second
	}
	return &Feed{Config: c, topics: map[string]*topic{}}
}

// Start begins to listen. The store need not be there.
func (f *Feed) Start(ctx context.Context) error {
	f.ctx, f.end = context.WithCancel(context.WithoutCancel(ctx))
	f.ended.Go(f.listen)
	return nil
}

// Stop ends the listening and all reading, and waits for their end. Followers are told nothing more.
func (f *Feed) Stop(context.Context) error {
	if f.end != nil {
		f.end()
		f.ended.Wait()
	}
	return nil
}

func (f *Feed) listen() {
	for f.ctx.Err() == nil {
		err := f.Listen(f.ctx, f.lookAtAll, f.heard)
		if f.ctx.Err() != nil {
			return
		}
		f.Log.WarnContext(f.ctx, "does not hear of operations' news; looks for them now and then", "error", err)
		select {
		case <-time.After(f.Again):
		case <-f.ctx.Done():
		}
	}
}

func (f *Feed) heard(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.topics[id]; t != nil {
		t.lookSoon()
	}
}

// lookAtAll makes up for what was not heard while there was no line.
func (f *Feed) lookAtAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.topics {
		t.lookSoon()
	}
}

// A Follower is one who follows an operation. Close it.
type Follower struct {
	topic *topic
	close func()
}

// Follow follows an operation that the caller has read, and so may see: nothing is checked here. What is read on its behalf is
// bounded by its tenant.
func (f *Feed) Follow(op operation.Operation) *Follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.topics[op.ID]
	if t == nil || t.isDone() {
		ctx, stop := context.WithCancel(f.ctx)
		t = &topic{history: f.History, every: f.Every, stop: stop, soon: make(chan struct{}, 1), more: make(chan struct{})}
		f.topics[op.ID] = t
		f.ended.Go(func() {
			t.run(ctx, access.ForTenant("feed:"+op.ID, op.TenantID), op.ID)
			f.forget(op.ID, t)
		})
	}
	t.followers++
	return &Follower{topic: t, close: sync.OnceFunc(func() { f.leave(op.ID, t) })}
}

// forget leaves a topic that tells nothing more to those who follow it; the next follower begins another.
func (f *Feed) forget(id string, t *topic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.topics[id] == t {
		delete(f.topics, id)
	}
}

func (f *Feed) leave(id string, t *topic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.followers--
	if t.followers > 0 {
		return
	}
	t.stop()
	if f.topics[id] == t {
		delete(f.topics, id)
	}
}

// News returns the events after a sequence that are known so far, the operation when it is over and none follow, and a channel that
// is closed when there is more. An error says why nothing more will come. Events are shared: they are only read.
func (w *Follower) News(after int64) (events []operation.Event, over *operation.Operation, more <-chan struct{}, err error) {
	return w.topic.news(after)
}

// Close ends the following. It may be called more than once.
func (w *Follower) Close() { w.close() }
