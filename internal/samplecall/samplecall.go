// Package samplecall makes the bodies that the browser of an agent sends during a realistic call: for the synthetic call
// that proves a new tenant, for the demonstration and for tests. The same options make the same bytes.
package samplecall

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// A Family is what a sender's library means by jitterBufferMillis.
type Family int

// The families, in order of age.
const (
	Interarrival     Family = 1 + iota // connect-rtc-js up to 1.2.4
	BufferDelay                        // summed over all samples played
	InterarrivalPlus                   // streams 2.28.4 and later, with more members
)

// A Scenario is how a call goes.
type Scenario string

// The scenarios.
const (
	Good        Scenario = "good"
	LossyUplink Scenario = "lossy_uplink" // what the customer hears loses packets
	Jittery     Scenario = "jittery"      // what the agent hears arrives unevenly
	Silent      Scenario = "silent"       // the agent's microphone hears nothing
)

// Mark stands where schema 1 has TURN secrets: no queue, document, log or answer may ever hold it.
const Mark = "CANARY"

// Options say which call to make. What is zero has a sensible default, but for Start.
type Options struct {
	Agent          string // telemetry.ProbeAgent makes a synthetic call
	ContactID      string // default: a UUID made from the other options
	Queue          string
	RoutingProfile string
	Instance       string // alias of the Connect instance; only schema 2 sends it
	Start          time.Time
	Duration       time.Duration // whole seconds; default 4 minutes
	Schema         int           // 1: the published solution's page (default); 2: Earshot's own softphone
	Family         Family        // default Interarrival
	Scenario       Scenario      // default Good
	BatchID        string        // of every post; default: one UUID each. Only schema 2 sends it
	Seed           uint64
}

// A Post is one request of the browser.
type Post struct {
	Route string // softphonemetrics, apimetrics or callreport
	Body  []byte
}

// A Call is one call as its browser reports it.
type Call struct {
	options   Options
	posts     []Post
	documents map[string]int
}

// New makes a call.
func New(options Options) Call {
	options = withDefaults(options)
	m := maker{Options: options, dice: dice(options), documents: map[string]int{}}
	if m.ContactID == "" {
		m.ContactID = m.uuid()
	}
	m.pageID = m.uuid()
	m.makeSeconds()
	m.makePosts()
	return Call{options: m.Options, posts: m.posts, documents: m.documents}
}

// ContactID is the contact of the call.
func (c Call) ContactID() string { return c.options.ContactID }

// Posts returns the requests in the order in which the browser sends them: statistics and API metrics each 30 seconds, and
// at the end the report, which comes before the last statistics.
func (c Call) Posts() []Post { return c.posts }

// Documents returns how many documents of each kind the call becomes.
func (c Call) Documents() map[string]int { return c.documents }

func withDefaults(o Options) Options {
	if o.Duration < time.Second {
		o.Duration = 4 * time.Minute
	}
	if o.Schema == 0 {
		o.Schema = 1
	}
	if o.Family == 0 {
		o.Family = Interarrival
	}
	if o.Scenario == "" {
		o.Scenario = Good
	}
	o.Start = o.Start.UTC().Truncate(time.Millisecond)
	return o
}

func dice(o Options) *rand.Rand {
	name := fnv.New64a()
	_, _ = name.Write([]byte(o.Agent + "\x00" + o.ContactID)) // a hash never fails
	return rand.New(rand.NewPCG(o.Seed, name.Sum64()))        //nolint:gosec // must repeat, not be secret
}

// maker builds a call.
type maker struct {
	Options
	dice      *rand.Rand
	pageID    string
	seconds   []second
	posts     []Post
	documents map[string]int
}

func (m *maker) post(route, kind string, documents int, body map[string]any) {
	body["agent"] = m.Agent
	text, err := json.Marshal(body)
	if err != nil {
		panic("samplecall: " + err.Error()) // texts and numbers only
	}
	m.posts = append(m.posts, Post{Route: route, Body: text})
	m.documents[kind] += documents
}

func (m *maker) makePosts() {
	const batch = 30
	total := len(m.seconds)
	for from := 0; from < total; from += batch {
		to := min(from+batch, total)
		if to == total {
			m.post("callreport", telemetry.KindCallReport, 1, m.report())
		}
		records := m.records(from, to)
		m.post("softphonemetrics", telemetry.KindStreamStats, len(records), m.about(to, map[string]any{
			"softphoneStreamStatistics": records,
		}))
		metrics := m.metrics(from, to)
		m.post("apimetrics", telemetry.KindAPIMetric, len(metrics), m.sent(to, map[string]any{"API_METRIC": metrics}))
	}
}

// about adds what the bodies of a call say about it.
func (m *maker) about(second int, body map[string]any) map[string]any {
	body["agentPrivateIp"] = "4b1d9a52-0c8e-4a7a-9d55-3d1f0b2f7c11.local"
	body["agentRoutingProfile"] = m.RoutingProfile
	body["contactId"] = m.ContactID
	body["contactQueue"] = m.Queue
	if m.Schema >= 2 {
		body["signalingHost"] = signalingHost
		body["iceHosts"] = []string{"turn:" + turnHost}
	} else {
		body["callConfigJson"] = callConfig()
	}
	return m.sent(second, body)
}

// sent adds what schema 2 says about the sending.
func (m *maker) sent(second int, body map[string]any) map[string]any {
	if m.Schema < 2 {
		return body
	}
	batchID := m.BatchID
	if batchID == "" {
		batchID = m.uuid()
	}
	body["schemaVersion"] = 2
	body["connectInstance"] = m.Instance
	body["pageId"] = m.pageID
	body["openPages"] = 1
	body["batchId"] = batchID
	body["sentAt"] = m.at(second)
	body["droppedRecords"] = 0
	return body
}

const (
	signalingHost = "rtc.connect-telecom.eu-west-2.amazonaws.com"
	turnHost      = "turnnlb-0a1b2c3d4e5f6071.elb.eu-west-2.amazonaws.com.:3478"
)

// callConfig is the text of callConfigJson, with marks for secrets.
func callConfig() string {
	text, err := json.Marshal(map[string]any{
		"signalingEndpoint": "wss://" + signalingHost + "/LilyRTC",
		"iceServers": []any{map[string]any{
			"urls":         []string{"turn:" + turnHost + "?transport=udp"},
			"username":     Mark + "-turn-username",
			"credential":   Mark + "-turn-credential",
			"sessionToken": Mark + "-turn-session",
		}},
		"protocol":             "LilyRTC/1.0/WSS",
		"useWebSocketProvider": true,
	})
	if err != nil {
		panic("samplecall: " + err.Error())
	}
	return string(text)
}
