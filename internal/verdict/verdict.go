// Package verdict tells why a call sounded bad: from the seconds of both directions, the reports and the API metrics of one
// contact and agent it makes the call's summary. It is pure: the same input makes the same summary.
package verdict

import (
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// A Call is what is known of one contact of one agent.
type Call struct {
	About
	Heard   []Second // what the agent hears (audio_input), in order of time
	Spoken  []Second // what the customer hears (audio_output), in order of time
	Reports []Report // one for each attempt to connect; none when the page did not live to write it
	Metrics []Metric // of the agent's page, from a minute before the call to two after it

	MarkedBadAt []telemetry.Instant // when the agent said that it sounds bad, in order
}

// About is what a summary says of whose call it is, as the records say it.
type About struct {
	Agent             string `json:"agent"`
	AgentARN          string `json:"agentArn,omitempty"`
	AgentName         string `json:"agentName,omitempty"`
	RoutingProfile    string `json:"agentRoutingProfile,omitempty"`
	RoutingProfileARN string `json:"routingProfileArn,omitempty"`
	HierarchyL1       string `json:"hierarchyL1,omitempty"`
	HierarchyL2       string `json:"hierarchyL2,omitempty"`
	HierarchyL3       string `json:"hierarchyL3,omitempty"`
	HierarchyL4       string `json:"hierarchyL4,omitempty"`
	HierarchyL5       string `json:"hierarchyL5,omitempty"`
	ContactID         string `json:"contactId"`
	ContactQueue      string `json:"contactQueue,omitempty"`
	MediaRegion       string `json:"mediaRegion,omitempty"`
}

// A Second is one second of one direction. What is nil is unknown.
type Second struct {
	At         telemetry.Instant
	Packets    *int64 // received, or sent
	Lost       *int64
	Level      *int64 // 0 to 32768
	IsBuffered bool   // Jitter is the delay in the jitter buffer, not the interarrival jitter
	Jitter     *float64
	RoundTrip  *float64
	MOS        *float64
	Muted      *bool
	OnHold     *bool
	IsSuspect  bool   // kept, and left out of every loss, score and finding
	Page       string // id of the page that sent it
	Address    string // of the computer that sent it
	OpenPages  int64  // softphone pages of the browser
	SkewMillis int64  // of the browser's clock
}

// A Report is the report of one attempt to connect.
type Report struct {
	Started          telemetry.Instant // 0: unknown
	Ended            telemetry.Instant
	FailureStage     string // of the first failing stage in call order; empty: none failed
	MicrophoneDenied bool   // by the browser's permission, or the attempt failed to open it
	Packets          int64  // of both directions
	TalkingSeconds   float64
	ConnectMillis    float64 // ICE, signalling and handshake
	ConnectionsLost  int64
	MutedAtEnd       float64 // seconds
	OpenPages        int64
}

// A Metric is one call of Connect's API by the agent's page.
type Metric struct {
	At         telemetry.Instant
	IsSnapshot bool // getAgentSnapshot, the long poll that shows that the page reaches Connect
	IsMethod   bool // of Connect's client
	Failed     bool
}

// The verdicts, and the severities of findings.
const (
	Good     = "good"
	Note     = "note" // a severity only
	Degraded = "degraded"
	Severe   = "severe" // a severity; as a verdict it is Bad
	Bad      = "bad"
	Failed   = "failed"
)

// How a call ended.
const (
	EndedReport = "report" // its page reported the end
	EndedLost   = "lost"   // no report came: a closed laptop, a page that died
)

// A Summary is what people look at; the seconds are the evidence under it.
type Summary struct {
	About
	Timestamp       telemetry.Instant `json:"timestamp"` // StartedAt
	StartedAt       telemetry.Instant `json:"startedAt"`
	EndedAt         telemetry.Instant `json:"endedAt"`
	TalkingSeconds  float64           `json:"talkingSeconds"`
	HeardByAgent    Direction         `json:"heardByAgent"`
	HeardByCustomer Direction         `json:"heardByCustomer"`
	Ended           string            `json:"ended"`
	Verdict         string            `json:"verdict"`
	Findings        []Finding         `json:"findings"`
	LikelyCause     string            `json:"likelyCause,omitempty"` // none of a good call
	CauseEvidence   []string          `json:"causeEvidence,omitempty"`
	Explanation     string            `json:"explanation"`
	RecordsExpected int64             `json:"recordsExpected"`
	RecordsSeen     int64             `json:"recordsSeen"` // seconds of both directions
	ReportsSeen     int64             `json:"reportsSeen"`
	ClockSkewMillis int64             `json:"clockSkewMillis,omitempty"` // of the browser, when it is more than five minutes

	// The agent said that the call sounded bad, and when; of each the half minute before is meant. Absent: nobody did, or could.
	MarkedBad   bool                `json:"markedBad,omitempty"`
	MarkedBadAt []telemetry.Instant `json:"markedBadAt,omitempty"`
}

// A Direction is the figures of what one side heard. What was never known is absent.
type Direction struct {
	MOSMean               *float64 `json:"mosMean,omitempty"`
	MOSP10                *float64 `json:"mosP10,omitempty"`
	LossPercent           *float64 `json:"lossPercent,omitempty"`
	JitterP95Millis       *float64 `json:"jitterP95Millis,omitempty"`       // interarrival
	JitterBufferP95Millis *float64 `json:"jitterBufferP95Millis,omitempty"` // of the buffer-delay family
	RTTP95Millis          *float64 `json:"rttP95Millis,omitempty"`
	SecondsBad            int64    `json:"secondsBad"` // with a score under the tenant's degraded
}

// A Finding is one thing that was not as it should be.
type Finding struct {
	ID         string `json:"id"`
	Severity   string `json:"severity"`
	HeardBy    string `json:"heardBy,omitempty"`
	FromSecond *int64 `json:"fromSecond,omitempty"` // of the call
	Seconds    int64  `json:"seconds,omitempty"`    // how many of them were so
	Value      string `json:"value,omitempty"`      // a number in the unit of its threshold, or the stage of media_failed

	limit float64 // the threshold that Value is beyond
}

// The findings.
const (
	FindingLoss              = "loss"
	FindingJitter            = "jitter"
	FindingJitterBuffer      = "jitter_buffer"
	FindingRoundTrip         = "round_trip"
	FindingPoorMOS           = "poor_mos"
	FindingNothingReceived   = "nothing_received"
	FindingNothingSent       = "nothing_sent"
	FindingSilentMicrophone  = "silent_microphone"
	FindingSlowConnect       = "slow_connect"
	FindingMediaFailed       = "media_failed"
	FindingMicrophoneRefused = "microphone_refused"
	FindingConnectionLost    = "connection_lost"
	FindingAPIErrors         = "api_errors"
	FindingSoftphones        = "multiple_softphones"
	FindingLongHold          = "long_hold"
	FindingLongMute          = "long_mute"
	FindingEndedOnHold       = "ended_on_hold"
	FindingEndedOnMute       = "ended_on_mute"
)

// maxFindings bounds what a forger, or a day on a bad line, may put into one summary: the worst stay.
const maxFindings = 50

// Judge makes the summary of a call. Of a call with neither a second nor a report there is nothing to say, and ok is false.
func Judge(c Call, t tenant.Thresholds) (s Summary, ok bool) {
	if len(c.Heard)+len(c.Spoken)+len(c.Reports) == 0 {
		return Summary{}, false
	}
	j := &judge{Call: c, limits: t, seen: int64(len(c.Heard) + len(c.Spoken))}
	j.Heard, j.Spoken = single(c.Heard), single(c.Spoken)
	j.span()
	j.findInDirection(byAgent, j.Heard)
	j.findInDirection(byCustomer, j.Spoken)
	j.findInCall()
	return j.summary(), true
}

const (
	byAgent    = "agent"
	byCustomer = "customer"
)

// A judge works on one call.
type judge struct {
	Call
	limits   tenant.Thresholds
	seen     int64
	start    telemetry.Instant
	last     telemetry.Instant // the last second; 0 without one
	end      telemetry.Instant
	findings []Finding
}

// twin is how near after another a second of the same direction is taken to be the same, measured by another page.
const twin telemetry.Instant = 400

// single returns the seconds without those that stand for one that is already there.
func single(seconds []Second) []Second {
	kept := make([]Second, 0, len(seconds))
	for _, s := range seconds {
		if n := len(kept); n == 0 || s.At-kept[n-1].At >= twin {
			kept = append(kept, s)
		}
	}
	return kept
}

// span tells when the call began and ended. What a page measured counts before what a report says: with several pages the
// report may be of one that had no media.
func (j *judge) span() {
	first := telemetry.Instant(0)
	for _, seconds := range [][]Second{j.Heard, j.Spoken} {
		if len(seconds) == 0 {
			continue
		}
		if first == 0 || seconds[0].At < first {
			first = seconds[0].At
		}
		j.last = max(j.last, seconds[len(seconds)-1].At)
	}
	j.start = first
	if j.last > 0 {
		j.end = j.last + oneSecond
	}
	for _, r := range j.Reports {
		j.end = max(j.end, r.Ended)
		if began := r.Started; first == 0 && began > 0 && (j.start == 0 || began < j.start) {
			j.start = began
		}
	}
	if j.start == 0 {
		j.start = j.end
	}
}

const oneSecond telemetry.Instant = 1000

// second is where in the call an instant is.
func (j *judge) second(at telemetry.Instant) *int64 {
	n := int64((at - j.start + oneSecond/2) / oneSecond)
	return &n
}

func (j *judge) add(f Finding) { j.findings = append(j.findings, f) }

// hasMedia reports whether any attempt got media.
func (j *judge) hasMedia() bool {
	for _, r := range j.Reports {
		if r.Packets > 0 {
			return true
		}
	}
	for _, seconds := range [][]Second{j.Heard, j.Spoken} {
		for _, s := range seconds {
			if s.Packets != nil && *s.Packets > 0 {
				return true
			}
		}
	}
	return false
}
