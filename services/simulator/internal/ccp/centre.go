// Package ccp stands in for what Amazon Connect does behind its CCP: agents and their states, the contacts that they get, the
// calls that Connect's library makes, and the signalling of a call. Package site serves it to browsers, media is the far side.
//
// Where it is kinder than Connect, or leaves out: agents are whoever says so, and start as available; a call goes to the agent
// who was named, not through a queue; there are voice contacts alone, with one customer each, and no transfer, conference,
// outbound call, callback, monitoring, voice id or quick connect; permissions are told and not enforced; the agent's library
// is told of each change at once and every two seconds, where Connect's is answered by long polls, so no metric of
// getAgentSnapshot is sent.
package ccp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/earshot-hq/earshot/services/simulator/internal/media"
)

const (
	ringFor   = 20 * time.Second // then the call is missed, as in Connect
	wrapUpFor = 10 * time.Second // then what has ended is cleared
	// maxContacts is how many voice contacts an agent may have at a time: a call, and one beside it.
	maxContacts = 2
	maxAgents   = 1000
)

// ICEServer is what browsers reach media by.
//
// An agent's user name is the user there, too.
type ICEServer struct{ URL, Password string }

// Answerer is the far side of calls: a media.Engine.
type Answerer interface {
	Answer(ctx context.Context, offer media.Offer) (*media.Peer, media.Answer, error)
}

// A Person is who the instance's directory says that an agent is.
type Person struct{ ARN, Profile, ProfileARN string }

// A Directory finds an agent by user name.
type Directory func(username string) (Person, bool)

// A Centre is one Connect instance, as its agents' browsers see it. Close it.
type Centre struct {
	instanceARN string
	ice         ICEServer
	media       Answerer
	directory   Directory
	closing     sync.WaitGroup // far sides that are ending

	mu       sync.Mutex
	agents   map[string]*agent // by user name; guarded by mu, as all below
	contacts []*contact        // oldest first
	faults   Faults
	calls    []Call
}

// New takes the ARN of the Connect instance that it is, and its directory. Who is not in there is made up.
func New(instanceARN string, directory Directory, ice ICEServer, m Answerer) *Centre {
	return &Centre{instanceARN: instanceARN, directory: directory, ice: ice, media: m, agents: map[string]*agent{}}
}

// What a caller may be told.
var (
	ErrAgent   = errors.New("an agent's name has 1 to 100 letters, digits and . _ @ + -")
	ErrAbsent  = errors.New("no such agent is signed in")
	ErrBusy    = errors.New("the agent is not available, or has two contacts already")
	ErrContact = errors.New("no such contact, or it is past that")
	ErrCall    = errors.New("a call has a queue and a number of up to 100 bytes, and at most four hours")
)

var agentForm = regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,100}$`)

type agent struct {
	username string
	signedIn bool
	chosen   agentState // what the agent wants to be
	since    time.Time
	browsers map[*browser]struct{}
}

type agentState struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// The states that an agent may choose.
var agentStates = []agentState{{"Available", "routable"}, {"Offline", "offline"}, {"Break", "not_routable"}}

// Contact states, with the names of Connect's library.
const (
	connecting = "connecting"
	connected  = "connected"
	ended      = "ended"
	missed     = "missed"
	rejected   = "rejected"
)

type contact struct {
	id       string
	agent    *agent
	order    Order
	token    string // what signalling is let in by
	state    string
	since    time.Time
	placed   time.Time
	onHold   bool
	muted    bool
	peer     *media.Peer  // nil until the softphone invites, and when the call is over
	counts   media.Counts // of the peer that was
	deadline *time.Timer  // of the state
}

// An Order is a call to be placed.
type Order struct {
	Agent          string `json:"agent"`
	Queue          string `json:"queue"`           // "Support" when empty
	CustomerNumber string `json:"customer_number"` // "+15550100" when empty
	// LengthSeconds is how long the customer talks before hanging up; 0: until somebody does.
	LengthSeconds int  `json:"length_seconds"`
	AutoAccept    bool `json:"auto_accept"` // the softphone accepts by itself: connected once it has media
}

const maxLength = 4 * time.Hour

func (o *Order) complete() error {
	if o.Queue == "" {
		o.Queue = "Support"
	}
	if o.CustomerNumber == "" {
		o.CustomerNumber = "+15550100"
	}
	if len(o.Queue) > 100 || len(o.CustomerNumber) > 100 || o.LengthSeconds < 0 || o.length() > maxLength {
		return ErrCall
	}
	return nil
}

func (o *Order) length() time.Duration { return time.Duration(o.LengthSeconds) * time.Second }

// SignIn lets an agent in.
func (c *Centre) SignIn(username string) error {
	if !agentForm.MatchString(username) {
		return ErrAgent
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[username]
	switch {
	case a == nil && len(c.agents) >= maxAgents:
		return ErrBusy
	case a == nil:
		a = &agent{username: username, chosen: agentStates[0], since: time.Now(), browsers: map[*browser]struct{}{}}
		c.agents[username] = a
	case !a.signedIn:
		a.chosen, a.since = agentStates[0], time.Now()
	}
	a.signedIn = true
	return nil
}

// SignedIn says whether an agent is.
func (c *Centre) SignedIn(username string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[username]
	return a != nil && a.signedIn
}

// SignOut ends an agent's calls and session; the agent's browsers are told, and show the sign-in page.
func (c *Centre) SignOut(username string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[username]
	if a == nil || !a.signedIn {
		return ErrAbsent
	}
	for _, held := range slices.Clone(c.contacts) {
		if held.agent == a {
			c.remove(held)
		}
	}
	a.signedIn = false
	a.tell(event{Event: "terminated"})
	return nil
}

// Place has a customer call an agent, whose browser rings.
func (c *Centre) Place(o Order) (string, error) {
	if err := o.complete(); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.agents[o.Agent]
	if a == nil || !a.signedIn {
		return "", ErrAbsent
	}
	held := c.heldBy(a)
	if len(held) >= maxContacts || a.chosen != agentStates[0] {
		return "", ErrBusy
	}
	k := &contact{id: newID(), agent: a, order: o, token: rand.Text(), placed: time.Now()}
	c.contacts = append(c.contacts, k)
	c.enter(k, connecting)
	return k.id, nil
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func (c *Centre) heldBy(a *agent) (held []*contact) {
	for _, k := range c.contacts {
		if k.agent == a {
			held = append(held, k)
		}
	}
	return held
}

// enter puts a contact into a state, tells the agent, and sets what follows by itself. Each state is told of its own: the
// library builds its report from a contact that has ended and is still there.
func (c *Centre) enter(k *contact, state string) {
	k.state, k.since = state, time.Now()
	if k.deadline != nil {
		k.deadline.Stop()
	}
	after, follows := time.Duration(0), ""
	switch state {
	case connecting:
		after, follows = ringFor, missed
	case connected:
		after, follows = k.order.length(), ended
	case ended, missed, rejected:
		after = wrapUpFor
		c.hangUp(k)
	}
	if after > 0 {
		k.deadline = time.AfterFunc(after, func() { c.expire(k, state, follows) })
	}
	c.tellUpdate(k.agent)
}

// expire goes on from a state that has lasted long enough, unless it is over; with nothing to follow the contact goes.
func (c *Centre) expire(k *contact, state, follows string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case k.state != state || !slices.Contains(c.contacts, k):
	case follows == "":
		c.remove(k)
	default:
		c.enter(k, follows)
	}
}

// hangUp ends the far side, unless another call of the agent goes on over its connection: connect-rtc-js from 1.3 on invites once for
// all calls that are up.
func (c *Centre) hangUp(k *contact) {
	peer := k.peer
	if peer == nil {
		return
	}
	k.peer, k.counts = nil, peer.Counts()
	for _, other := range c.heldBy(k.agent) {
		if other != k && other.state == connected && other.peer == nil {
			other.peer = peer
			return
		}
	}
	c.closing.Go(peer.Close)
}

func (c *Centre) remove(k *contact) {
	if k.deadline != nil {
		k.deadline.Stop()
	}
	c.hangUp(k)
	c.contacts = slices.DeleteFunc(c.contacts, func(other *contact) bool { return other == k })
	c.tellUpdate(k.agent)
}

func (c *Centre) find(id string) *contact {
	for _, k := range c.contacts {
		if k.id == id {
			return k
		}
	}
	return nil
}

// HangUp ends a call from the customer's side; one that rings is missed.
func (c *Centre) HangUp(id string) error {
	return c.with(id, func(k *contact) error {
		if k.state == connecting {
			return c.enterFrom(k, missed, connecting)
		}
		return c.enterFrom(k, ended, connected)
	})
}

// Clear takes away a contact that is over.
func (c *Centre) Clear(id string) error { return c.with(id, c.clear) }

func (c *Centre) with(id string, do func(*contact) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.find(id)
	if k == nil {
		return ErrContact
	}
	return do(k)
}

// Say changes what an agent hears from a customer.
func (c *Centre) Say(id string, s media.Sound) error {
	return c.with(id, func(k *contact) error {
		if k.peer == nil {
			return ErrContact
		}
		k.peer.Say(s)
		return nil
	})
}

// A View is a contact, for whoever drives the simulator.
type View struct {
	ID       string       `json:"id"`
	Agent    string       `json:"agent"`
	Queue    string       `json:"queue"`
	State    string       `json:"state"`
	Since    time.Time    `json:"since"`
	Placed   time.Time    `json:"placed"`
	OnHold   bool         `json:"on_hold"`
	Muted    bool         `json:"muted"`
	HasMedia bool         `json:"has_media"`
	Media    media.Counts `json:"media"` // as the far side sees it
}

// Contacts are those that are there, oldest first.
func (c *Centre) Contacts() []View {
	c.mu.Lock()
	defer c.mu.Unlock()
	views := make([]View, 0, len(c.contacts))
	for _, k := range c.contacts {
		v := View{
			ID: k.id, Agent: k.agent.username, Queue: k.order.Queue, State: k.state, Since: k.since, Placed: k.placed,
			OnHold: k.onHold, Muted: k.muted, HasMedia: k.peer != nil, Media: k.counts,
		}
		if k.peer != nil {
			v.Media = k.peer.Counts()
		}
		views = append(views, v)
	}
	return views
}

// An AgentView is an agent, for whoever drives the simulator.
type AgentView struct {
	Username string `json:"username"`
	State    string `json:"state"`
	SignedIn bool   `json:"signed_in"`
	Browsers int    `json:"browsers"` // that are connected
}

// Agents are those who have ever signed in, by name.
func (c *Centre) Agents() []AgentView {
	c.mu.Lock()
	defer c.mu.Unlock()
	views := make([]AgentView, 0, len(c.agents))
	for _, a := range c.agents {
		views = append(views, AgentView{a.username, c.effective(a).Name, a.signedIn, len(a.browsers)})
	}
	slices.SortFunc(views, func(a, b AgentView) int { return strings.Compare(a.Username, b.Username) })
	return views
}

// Close ends every call and session, and waits for what still runs.
func (c *Centre) Close() {
	c.mu.Lock()
	for len(c.contacts) > 0 {
		c.remove(c.contacts[0])
	}
	for _, a := range c.agents {
		a.signedIn = false
		a.tell(event{Event: "terminated"})
	}
	c.mu.Unlock()
	c.closing.Wait()
}
