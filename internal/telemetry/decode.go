package telemetry

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/earshot-hq/earshot/internal/agents"
	"github.com/earshot-hq/earshot/internal/slug"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// An Arrival is what a pusher knows of a request besides its body.
type Arrival struct {
	Tenant     slug.Slug
	Pusher     string // the function's name within the tenant, such as "streamstats-pusher"
	ReceivedAt time.Time
	SourceIP   string // of the connection, never of a header
	Privacy    tenant.IPPrivacy
	Agents     agents.Book // nil: nobody knows the tenant's agents
}

// A Batch is what became of a body.
type Batch struct {
	Envelope       Envelope  // the good records
	Rejected       []Refusal // in order; never nil
	DroppedMembers int       // members that nobody knows, or whose value is of no use
	WithoutContact int       // records of no known contact: kept, never summarised
	Suspect        int       // records left out of losses, MOS and verdicts
	UnknownAgent   bool      // the tenant's directory has no such agent
}

// Decode reads a body of a kind, cleans, derives and numbers its records. The same body makes the same records with the
// same ids. Its errors are the faults of this package and hold nothing of the body; with ErrNoUsableRecord the batch says
// why.
func Decode(kind string, body []byte, arrival Arrival) (Batch, error) {
	if len(body) > MaxBytes(kind) {
		return Batch{}, ErrTooLarge
	}
	members, err := readBody(body)
	if err != nil {
		return Batch{}, err
	}
	d := &decoder{kind: kind, arrival: arrival, rejected: []Refusal{}, taken: map[string]int{}}
	from := d.readSender(members)
	if d.fault != nil {
		return Batch{}, d.fault
	}
	records, err := d.readRecords(members, from)
	if err == nil {
		err = d.fault // of members that one kind alone has
	}
	if err != nil {
		return Batch{}, err
	}
	d.dropped += len(members)
	batch := Batch{
		Envelope: Envelope{
			V: EnvelopeVersion, Kind: kind, Tenant: arrival.Tenant, ConnectInstance: from.instance,
			Ingest: from.ingest, Probe: from.agent == ProbeAgent, Records: records,
		},
		Rejected: d.rejected, DroppedMembers: d.dropped, Suspect: d.suspect,
		UnknownAgent: from.place.IsStranger(),
	}
	if kind != KindAPIMetric && from.contact == "" {
		batch.WithoutContact = len(records)
	}
	if len(records) == 0 {
		return batch, ErrNoUsableRecord
	}
	return batch, nil
}

// decoder reads one body.
type decoder struct {
	kind     string
	arrival  Arrival
	rejected []Refusal
	dropped  int
	suspect  int
	fault    error // the first, of the members around the records
	taken    map[string]int
}

func (d *decoder) reject(index int, code string) {
	d.rejected = append(d.rejected, Refusal{Index: index, Code: code, Detail: details[code]})
}

var details = map[string]string{
	"timestamp_missing":      "The record has no timestamp.",
	"timestamp_invalid":      "The timestamp is neither RFC 3339 nor milliseconds since 1970.",
	"timestamp_out_of_range": "The timestamp is more than 24 hours ahead or more than 14 days behind; check the clock.",
	"stream_type_invalid":    "softphoneStreamType is neither audio_input nor audio_output.",
	"name_missing":           "The record has no name.",
	"name_invalid":           "The name is longer than 256 bytes, or it holds control characters.",
	"record_invalid":         "The record is no object.",
	"report_missing":         "The body has neither an object report, nor a contact and when its agent marked it as bad (markedBadAt).",
}

func (d *decoder) readRecords(members object, from sender) ([]Record, error) {
	if d.kind == KindCallReport {
		return d.readReport(members, from), nil
	}
	read, list := d.readStreams, members.take("softphoneStreamStatistics")
	if d.kind == KindAPIMetric {
		read, list = d.readAPIMetrics, members.take("API_METRIC")
	}
	items, _ := readArray(list)
	if len(items) > MaxRecords {
		return nil, ErrTooManyRecords
	}
	return read(items, from), nil
}

// maxNameBytes and maxIDBytes bound what names somebody or something. maxTextBytes bounds what only describes.
const (
	maxNameBytes = 256
	maxIDBytes   = 128
	maxTextBytes = 1024
)

// A sender is what the members around the records say.
type sender struct {
	agent    string
	contact  string // empty when it is not known
	instance string
	ingest   Ingest
	call     callDoc
	place    agents.Finding
}

// callDoc holds the members that all documents of a call have.
type callDoc struct {
	Agent               string   `json:"agent"`
	Timestamp           Instant  `json:"timestamp"`
	AgentPrivateIP      string   `json:"agentPrivateIp,omitempty"`
	AgentPublicIP       string   `json:"agentPublicIp,omitempty"`
	AgentRoutingProfile string   `json:"agentRoutingProfile,omitempty"`
	ContactID           string   `json:"contactId,omitempty"`
	ContactQueue        string   `json:"contactQueue,omitempty"`
	SignalingEndpoint   string   `json:"signalingEndpoint,omitempty"`
	MediaRegion         string   `json:"mediaRegion,omitempty"`
	IceServers          string   `json:"iceServers,omitempty"`
	IceServerURLs       []string `json:"iceServerUrls,omitempty"`
	// MarkedBadAt is when the agent called the call bad; each instant speaks of the 30 s before it.
	MarkedBadAt []Instant `json:"markedBadAt,omitempty"`
	agents.Finding
}

func (d *decoder) readSender(members object) sender {
	from := sender{agent: d.name(members, "agent", maxNameBytes), instance: d.name(members, "connectInstance", maxIDBytes)}
	if d.fault == nil && strings.TrimSpace(from.agent) == "" {
		d.fault = ErrAgentMissing
	}
	if from.agent != ProbeAgent {
		from.place = d.arrival.Agents.Find(from.instance, from.agent)
	}
	from.ingest = d.readIngest(members)
	if d.kind == KindAPIMetric {
		return from
	}
	from.contact = d.name(members, "contactId", maxIDBytes)
	switch strings.TrimSpace(from.contact) {
	case "", "null", "undefined":
		from.contact = ""
	}
	calls := d.readMedia(members)
	from.call = callDoc{
		Agent:               from.agent,
		AgentPrivateIP:      private(d.name(members, "agentPrivateIp", maxNameBytes), d.arrival.Privacy),
		AgentPublicIP:       public(d.arrival.SourceIP, d.arrival.Privacy),
		AgentRoutingProfile: d.name(members, "agentRoutingProfile", maxNameBytes),
		ContactID:           from.contact,
		ContactQueue:        d.name(members, "contactQueue", maxNameBytes),
		SignalingEndpoint:   calls.endpoint,
		MediaRegion:         calls.region,
		IceServers:          strings.Join(calls.ice, ", "),
		IceServerURLs:       calls.ice,
		Finding:             from.place,
		MarkedBadAt:         d.marks(members.take("markedBadAt")),
	}
	return from
}

func (d *decoder) readIngest(members object) Ingest {
	ingest := Ingest{
		ReceivedAt: InstantOf(d.arrival.ReceivedAt), Pusher: d.arrival.Pusher, SchemaVersion: 1,
		BatchID: d.name(members, "batchId", maxIDBytes), PageID: d.name(members, "pageId", maxIDBytes),
		OpenPages: count(members.take("openPages")), DroppedRecords: count(members.take("droppedRecords")),
	}
	if version := count(members.take("schemaVersion")); version != nil {
		ingest.SchemaVersion = *version
	}
	if sent, code := readInstant(members.take("sentAt")); code == "" {
		skew := int64(ingest.ReceivedAt - sent)
		ingest.SkewMillis = &skew
	}
	return ingest
}

// marks reads instants, as many as a softphone lets its agent set.
func (d *decoder) marks(raw json.RawMessage) []Instant {
	items, isArray := readArray(raw)
	if !isArray {
		d.drop(raw)
		return nil
	}
	var marks []Instant
	for _, item := range items {
		at, code := acceptInstant(item, d.arrival.ReceivedAt)
		if code != "" || len(marks) == maxListed {
			d.drop(item)
			continue
		}
		marks = append(marks, at)
	}
	return marks
}

// name takes a member that names somebody or something: a text of at most so many bytes. Another type is dropped; a text
// that is too long or not printable is a fault of the whole body.
func (d *decoder) name(members object, member string, maxBytes int) string {
	raw := members.take(member)
	text, isText := readText(raw)
	if !isText {
		d.drop(raw)
		return ""
	}
	if (len(text) > maxBytes || !printable(text)) && d.fault == nil {
		d.fault = ErrMemberInvalid.At("/" + member)
	}
	return text
}

// drop counts a member whose value is of no use. One that is missing or null is no loss.
func (d *decoder) drop(raw json.RawMessage) {
	if kind := first(raw); kind != 0 && kind != 'n' {
		d.dropped++
	}
}
