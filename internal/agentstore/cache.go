package agentstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/earshot-hq/earshot/internal/agents"
)

// maxObjectBytes bounds what is read of an object: 50,000 agents with long names are half of it.
const maxObjectBytes = 32 << 20

// lookTime is how long a look at all objects may take. A function that is frozen in the middle takes longer, and looks again.
const lookTime = 20 * time.Second

// Settings are a cache's part of a function's environment.
type Settings struct {
	Bucket string `env:"DATA_BUCKET,required,notEmpty"`
	// Aliases are those of all the tenant's Connect instances.
	Aliases []string `env:"CONNECT_ALIASES,required,notEmpty"`
	// Directories is a JSON list that names, by alias, the instances that have a directory.
	Directories string `env:"DIRECTORIES" envDefault:"[]"`
	// Refresh is how long a directory is used before the bucket is asked whether there is another.
	Refresh time.Duration `env:"DIRECTORY_REFRESH" envDefault:"5m"`
	// Again is how long after a look the next comes while a directory has never been had: it may be about to be written.
	Again time.Duration `env:"DIRECTORY_AGAIN" envDefault:"15s"`
	// Patience is how long a request waits for the first look, which begins when the function starts. None waits for a later one.
	Patience time.Duration `env:"DIRECTORY_PATIENCE" envDefault:"250ms"`
}

// A Cache holds a tenant's directories. Whatever happens to the objects, it answers with the last good ones. Use NewCache.
type Cache struct {
	s3       *s3.Client
	aliases  []string // of the instances that have a directory
	settings Settings
	log      *slog.Logger
	now      func() time.Time

	book      atomic.Pointer[agents.Book]
	firstLook chan struct{} // closed after it
	looks     sync.WaitGroup

	mu      sync.Mutex
	due     time.Time         // when to look next; guarded by mu
	looking bool              // guarded by mu
	tags    map[string]string // ETags by alias; owned by the look that runs
}

// NewCache returns the cache of a tenant's functions, and begins to fill it.
func NewCache(account aws.Config, s Settings, log *slog.Logger) (*Cache, error) {
	c := &Cache{s3: clientOf(account), settings: s, log: log, now: time.Now, firstLook: make(chan struct{}), tags: map[string]string{}}
	var listed []struct {
		Alias string `json:"alias"`
	}
	if err := json.Unmarshal([]byte(s.Directories), &listed); err != nil {
		return nil, fmt.Errorf("list of directories: %w", err)
	}
	for _, one := range listed {
		c.aliases = append(c.aliases, one.Alias)
	}
	empty := agents.Book{}
	for _, alias := range s.Aliases {
		empty[alias] = nil
	}
	c.book.Store(&empty)
	if len(c.aliases) == 0 {
		close(c.firstLook)
	}
	c.lookWhenDue()
	return c, nil
}

// Book returns what is known of the tenant's agents, and has the bucket looked at behind the caller's back when that is due.
func (c *Cache) Book(ctx context.Context) agents.Book {
	c.lookWhenDue()
	select {
	case <-c.firstLook:
	default:
		patience := time.NewTimer(c.settings.Patience)
		defer patience.Stop()
		select {
		case <-c.firstLook:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	return *c.book.Load()
}

// Close returns when no look runs. A function needs none.
func (c *Cache) Close() { c.looks.Wait() }

func (c *Cache) lookWhenDue() {
	if len(c.aliases) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looking || c.now().Before(c.due) {
		return
	}
	c.looking, c.due = true, c.now().Add(c.settings.Refresh)
	c.looks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		defer cancel()
		c.look(ctx)
	})
}

// look asks for each object and takes what is new. What cannot be had or read leaves the last good one in its place.
func (c *Cache) look(ctx context.Context) {
	book := maps.Clone(*c.book.Load())
	for _, alias := range c.aliases {
		d, tag, err := c.get(ctx, alias)
		if err == nil && d != nil {
			err = roomFor(book, alias, d)
		}
		switch {
		case err != nil:
			c.log.WarnContext(ctx, "agent directory not refreshed", "connect_instance", alias, "reason", reasonOf(err),
				"error", err, "has_older", book[alias] != nil)
		case d != nil:
			book[alias], c.tags[alias] = d, tag
			c.log.InfoContext(ctx, "agent directory refreshed", "connect_instance", alias, "agents", len(d.Agents), "taken_at", d.TakenAt)
		}
	}
	c.book.Store(&book)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looking = false
	for _, alias := range c.aliases {
		if book[alias] == nil {
			c.due = c.now().Add(min(c.settings.Again, c.settings.Refresh))
		}
	}
	select {
	case <-c.firstLook:
	default:
		close(c.firstLook)
	}
}

// roomFor bounds what all directories together take of the function's memory.
func roomFor(book agents.Book, alias string, d *agents.Directory) error {
	total := len(d.Agents)
	for other, held := range book {
		if other != alias && held != nil {
			total += len(held.Agents)
		}
	}
	if total > agents.MaxAgents {
		return fmt.Errorf("%w: %d agents in all directories", agents.ErrTooLarge, total)
	}
	return nil
}

// get returns the instance's directory and its ETag; nil when it is the one that the cache has.
func (c *Cache) get(ctx context.Context, alias string) (*agents.Directory, string, error) {
	in := &s3.GetObjectInput{Bucket: &c.settings.Bucket, Key: aws.String(agents.ObjectKey(alias))}
	if tag := c.tags[alias]; tag != "" {
		in.IfNoneMatch = &tag
	}
	object, err := c.s3.GetObject(ctx, in)
	if statusOf(err) == http.StatusNotModified {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", *in.Key, err)
	}
	defer func() { _ = object.Body.Close() }() // read only
	var text bytes.Buffer
	text.Grow(int(min(max(aws.ToInt64(object.ContentLength), 0), maxObjectBytes)) + bytes.MinRead)
	if _, err := text.ReadFrom(io.LimitReader(object.Body, maxObjectBytes+1)); err != nil {
		return nil, "", fmt.Errorf("read %s: %w", *in.Key, err)
	}
	if text.Len() > maxObjectBytes {
		return nil, "", fmt.Errorf("read %s: %w", *in.Key, agents.ErrTooLarge)
	}
	d, err := agents.Parse(text.Bytes())
	return d, aws.ToString(object.ETag), err
}

// reasonOf is one word for the log.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, agents.ErrVersion):
		return "version"
	case errors.Is(err, agents.ErrDamaged):
		return "damaged"
	case errors.Is(err, agents.ErrTooLarge):
		return "too_large"
	}
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusForbidden: // who may not list a bucket gets 403 for what is not there
		return "missing"
	}
	return "unavailable"
}

func statusOf(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
