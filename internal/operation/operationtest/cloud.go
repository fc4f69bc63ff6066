package operationtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/internal/operation"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Cloud plays everything that operations drive: stacks, the synthetic call, and what a deleted stack leaves. Its stacks
// take a few looks to change state, as real ones take time.
type Cloud struct {
	mu     sync.Mutex
	stacks map[slug.Slug]*stack
	tokens map[string]string // client request token → stack id: a repeat makes nothing new
	sent   map[string]time.Time
	left   map[slug.Slug]bool

	Created, Deleted int    // how many stacks were really made and removed
	Updated          int    // how many updates have succeeded
	Sent             int    // how many different calls were sent
	FailCreate       string // logical id of the resource that fails, empty: none
	FailUpdate       string // the same for updates, which are then rolled back; see BreakUpdates for those of one tenant
	StickRollbacks   int    // how many times a rollback of an update gets stuck before it comes through
	FailDeletes      int    // how many deletions fail before one succeeds
	Lose             int    // documents of the call that never appear
	Sticky           bool   // the purge leaves something
	Archived         int    // messages of the archive, sent two a chunk; and dead letters, as many
	Full             int    // how many chunks find the queue full
	Hidden           int    // how many letters cannot be seen yet: one fewer at each look
	Resent           []int  // messages of the archive in the order in which they were sent
	Redriven         int    // dead letters sent back
	Trouble          error  // returned by every call while it is set

	Erased []string // parts and cursors of erasures, in order
	Queued int      // messages in the queue, one less at each look

	BytesPerDay map[string]int64 // of documents, by kind, of every tenant

	Directories []string // Connect instances whose directory was asked for, in order

	Space operation.SpaceReport // what is told of every space

	Versions []string // of artifacts, that there are; a new stack has the first
	Mute     string   // a version whose functions take no call
	Deaf     string   // a version that takes calls and writes none of their documents
	Gives    string   // what the cell gives a stack that is upgraded now

	old    map[slug.Slug][]string // indices that are due
	broken map[slug.Slug]bool     // whose updates fail
}

type stack struct {
	id      string
	of      tenant.Tenant // what it was last made or updated from
	next    tenant.Tenant // what the update under way is to make of it
	given   string        // by the cell
	taking  string        // what it is to be given by the update under way
	status  operation.StackStatus
	looks   int // until the status changes
	becomes operation.StackStatus
	events  []operation.StackEvent
}

const looksToSettle = 2

// NewCloud returns a cloud with nothing in it.
func NewCloud() *Cloud {
	return &Cloud{
		stacks: map[slug.Slug]*stack{}, tokens: map[string]string{}, sent: map[string]time.Time{}, left: map[slug.Slug]bool{},
		Versions: []string{"v1", "v2", "v3"}, broken: map[slug.Slug]bool{},
	}
}

// Lost forgets a tenant's stack, as the emulator does when it is killed.
func (c *Cloud) Lost(s slug.Slug) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.stacks, s)
}

// Age makes indices of a tenant due for its retention.
func (c *Cloud) Age(s slug.Slug, indices ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.old == nil {
		c.old = map[slug.Slug][]string{}
	}
	c.old[s] = indices
}

// Old returns the tenant's indices that are due.
func (c *Cloud) Old(s slug.Slug) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.old[s])
}

// Expire deletes those of the named indices that are due, and returns them; with none named, those that are due.
func (c *Cloud) Expire(_ context.Context, _ tenant.Cell, s slug.Slug, _ int, indices []string) (due []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(indices) == 0 {
		return slices.Clone(c.old[s]), c.Trouble
	}
	c.old[s] = slices.DeleteFunc(c.old[s], func(name string) bool {
		isDue := slices.Contains(indices, name)
		if isDue {
			due = append(due, name)
		}
		return isDue
	})
	return due, c.Trouble
}

// Volumes returns BytesPerDay of every tenant.
func (c *Cloud) Volumes(context.Context, tenant.Cell, slug.Slug) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.BytesPerDay, c.Trouble
}

// Provision implements operation.Spaces.
func (c *Cloud) Provision(context.Context, tenant.Cell, slug.Slug) (operation.SpaceReport, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Space, c.Trouble
}

// Read implements operation.Directories.
func (c *Cloud) Read(_ context.Context, _ tenant.Cell, _ slug.Slug, alias string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble == nil {
		c.Directories = append(c.Directories, alias)
	}
	return c.Trouble
}

// Erase implements operation.Eraser: each part takes two calls and removes one thing in each.
func (c *Cloud) Erase(
	_ context.Context, _ tenant.Cell, s slug.Slug, part operation.ErasedPart, e operation.Erasure, cursor string,
) (operation.Erased, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return operation.Erased{}, c.Trouble
	}
	c.Erased = append(c.Erased, string(part)+" "+cursor)
	switch part {
	case operation.EraseNote:
		return operation.Erased{Done: true}, nil
	case operation.EraseQueue:
		waiting := c.Queued
		c.Queued = max(0, c.Queued-1)
		return operation.Erased{Waiting: waiting, Done: true}, nil
	case operation.EraseDocuments, operation.EraseArchive, operation.EraseDirectory, operation.EraseLetters:
	}
	if e.Agent == "" || e.Subject == "" || s == "" {
		return operation.Erased{}, &operation.Failure{Code: "test", Reason: "nobody is named"}
	}
	if cursor == "" {
		return operation.Erased{Cursor: "half", Removed: 1}, nil
	}
	return operation.Erased{Removed: 1, Done: true}, nil
}

// Describe implements operation.Stacks.
func (c *Cloud) Describe(_ context.Context, _ tenant.Cell, s slug.Slug) (operation.StackView, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return operation.StackView{}, c.Trouble
	}
	st := c.stacks[s]
	if st == nil {
		return operation.StackView{Status: operation.StackAbsent}, nil
	}
	if st.becomes != "" {
		if st.looks--; st.looks <= 0 {
			c.settle(s, st)
		}
	}
	if c.stacks[s] == nil {
		return operation.StackView{Status: operation.StackAbsent}, nil
	}
	return operation.StackView{
		ID: st.id, Status: st.status, Raw: string(st.status), ArtifactVersion: st.of.Stack.ArtifactVersion, Parameters: map[string]string{"ArtifactVersion": st.of.Stack.ArtifactVersion, "OfTheCell": st.given},
		Outputs:      map[string]string{"SoftphoneUrl": "https://site/", "TelemetryApi": "https://api"},
		IndexPeriods: st.of.Settings.IndexPeriod,
	}, nil
}

func (c *Cloud) settle(s slug.Slug, st *stack) {
	next := st.becomes
	st.status, st.becomes = next, ""
	switch next {
	case operation.StackRollingBack:
		st.tell(c.FailCreate, "CREATE_FAILED", "It is taken.")
		st.becomes, st.looks = operation.StackRolledBack, looksToSettle
	case operation.StackReady:
		if st.next.Slug != "" {
			c.updated(st)
			break
		}
		st.tell("Queue", "CREATE_COMPLETE", "")
		st.tell("Api", "CREATE_COMPLETE", "")
	case operation.StackReverted, operation.StackStuck:
		c.reverted(st)
	case operation.StackAbsent:
		delete(c.stacks, s)
		c.Deleted++
	case operation.StackUndeletable:
		st.tell("SiteBucket", "DELETE_FAILED", "The bucket is not empty.")
	default:
	}
}

// begin adds the event of a call on the whole stack; what is told after it carries the call's token.
func (st *stack) begin(name, status, token string) {
	st.events = append(st.events, operation.StackEvent{
		ID: strconv.Itoa(len(st.events)), Resource: name, Type: "AWS::CloudFormation::Stack", Status: status, Token: token,
	})
}

func (st *stack) tell(resource, status, reason string) {
	token := st.events[len(st.events)-1].Token
	st.events = append(st.events, operation.StackEvent{
		ID: strconv.Itoa(len(st.events)), Resource: resource, Type: "AWS::Some::Thing", Status: status, Reason: reason, Token: token,
	})
}

// Create implements operation.Stacks.
func (c *Cloud) Create(_ context.Context, _ tenant.Cell, t tenant.Tenant, token string) (string, int, error) {
	const resources = 2
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return "", 0, c.Trouble
	}
	if id, repeated := c.tokens[token]; repeated {
		return id, resources, nil
	}
	if c.stacks[t.Slug] != nil {
		return "", 0, fmt.Errorf("stack %s exists", t.Slug)
	}
	c.Created++
	t.Stack.ArtifactVersion = c.Versions[0]
	st := &stack{id: fmt.Sprintf("%s/%d", t.Slug, c.Created), of: t, status: operation.StackCreating, looks: looksToSettle, becomes: operation.StackReady}
	if c.FailCreate != "" {
		st.becomes = operation.StackRollingBack
	}
	st.begin(t.Slug.StackName(), "CREATE_IN_PROGRESS", token)
	c.stacks[t.Slug], c.tokens[token], c.left[t.Slug] = st, st.id, true
	return st.id, resources, nil
}

// Delete implements operation.Stacks.
func (c *Cloud) Delete(_ context.Context, _ tenant.Cell, stackID, token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Trouble != nil {
		return c.Trouble
	}
	for s, st := range c.stacks {
		if st.id != stackID || st.status == operation.StackDeleting {
			continue
		}
		st.begin(s.StackName(), "DELETE_IN_PROGRESS", token)
		st.status, st.looks, st.becomes = operation.StackDeleting, looksToSettle, operation.StackAbsent
		if c.FailDeletes > 0 {
			c.FailDeletes--
			st.becomes = operation.StackUndeletable
		}
	}
	return nil
}

// Events implements operation.Stacks.
func (c *Cloud) Events(_ context.Context, _ tenant.Cell, stackID, token, after string) ([]operation.StackEvent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var events []operation.StackEvent
	for _, st := range c.stacks {
		for _, e := range st.events {
			if st.id == stackID && e.Token == token {
				events = append(events, e)
			}
			if e.ID == after {
				events = nil
			}
		}
	}
	return events, c.Trouble
}

// FirstFailure implements operation.Stacks.
func (c *Cloud) FirstFailure(ctx context.Context, cell tenant.Cell, stackID, token string) (*operation.Failure, error) {
	events, err := c.Events(ctx, cell, stackID, token, "")
	for _, e := range events {
		if strings.HasSuffix(e.Status, "_FAILED") {
			return &operation.Failure{Code: "stack.resource_failed", Reason: e.Reason, Resource: e.Resource, Type: e.Type}, nil
		}
	}
	return nil, err
}

// Send implements operation.Prober.
func (c *Cloud) Send(_ context.Context, t tenant.Tenant, callID string, started time.Time) (map[string]int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Mute != "" && c.has(t.Slug) == c.Mute {
		return nil, errors.New("/callreport answered 502, want 202")
	}
	if before, again := c.sent[callID]; again && !before.Equal(started) {
		return nil, fmt.Errorf("call %s was sent with other instants", callID)
	} else if !again {
		c.Sent++
	}
	c.sent[callID] = started
	return map[string]int{"softphonestreamstats": 20, "apimetric": 2}, c.Trouble
}

// Found implements operation.Prober.
func (c *Cloud) Found(_ context.Context, _ tenant.Cell, s slug.Slug, callID string) (map[string]int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, sent := c.sent[callID]; !sent || c.Deaf != "" && c.has(s) == c.Deaf {
		return map[string]int{}, c.Trouble
	}
	return map[string]int{"softphonestreamstats": 20 - c.Lose, "apimetric": 2}, c.Trouble
}

// Purge implements operation.Purger.
func (c *Cloud) Purge(_ context.Context, _ tenant.Cell, s slug.Slug) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.Sticky && c.Trouble == nil {
		delete(c.left, s)
	}
	return c.Trouble
}

// Sweep implements operation.Purger.
func (c *Cloud) Sweep(_ context.Context, _ tenant.Cell, s slug.Slug) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left[s] {
		return []string{"index " + s.Index("apimetric", "2026.q4")}, c.Trouble
	}
	return nil, c.Trouble
}

// Holds reports whether anything of the tenant is left after its stack.
func (c *Cloud) Holds(s slug.Slug) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left[s] || c.stacks[s] != nil
}
