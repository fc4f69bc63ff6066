package telemetry

// The bodies of schema 2, as Earshot's own softphone sends them: what the decoder of this package takes without dropping
// anything. wireschema writes them down for the softphone, so that both sides cannot drift. The decoder takes much more: older
// senders, and numbers as texts.

//go:generate go run ./wireschema ../../softphone/src/wire

// WireSchemaVersion is the schemaVersion of these bodies.
const WireSchemaVersion = 2

// A WireSender is what every body says of who sends it.
type WireSender struct {
	Agent           string `json:"agent" max:"256"` // the Connect username
	SchemaVersion   int64  `json:"schemaVersion"`
	ConnectInstance string `json:"connectInstance" max:"128"` // alias
	PageID          string `json:"pageId" max:"128"`
	OpenPages       int64  `json:"openPages"` // softphone pages of this browser
	BatchID         string `json:"batchId" max:"128"`
	SentAt          string `json:"sentAt" format:"date-time"`
	DroppedRecords  int64  `json:"droppedRecords,omitempty"` // given up by the outbox since the last batch
}

// A WireCall is what a body says of the call that its records are of. TURN credentials have no member.
type WireCall struct {
	AgentPrivateIP      string   `json:"agentPrivateIp,omitempty" max:"256"`
	AgentRoutingProfile string   `json:"agentRoutingProfile,omitempty" max:"256"`
	ContactID           string   `json:"contactId" max:"128"`
	ContactQueue        string   `json:"contactQueue,omitempty" max:"256"`
	SignalingHost       string   `json:"signalingHost,omitempty" max:"265"`
	IceHosts            []string `json:"iceHosts,omitempty" max:"20"`
	MarkedBadAt         []string `json:"markedBadAt,omitempty" max:"20" format:"date-time"` // when the agent called the 30 s before bad
}

// A WireStreamBody is a body of POST /softphonemetrics.
type WireStreamBody struct {
	WireSender
	WireCall
	Statistics []WireStreamRecord `json:"softphoneStreamStatistics" max:"500"`
}

// A WireStreamRecord is one second of one direction.
type WireStreamRecord struct {
	StreamType                string   `json:"softphoneStreamType" enum:"audio_input,audio_output"`
	Timestamp                 string   `json:"timestamp" format:"date-time"`
	PacketsLost               *float64 `json:"packetsLost"`
	PacketsCount              *float64 `json:"packetsCount"`
	AudioLevel                *float64 `json:"audioLevel"` // 0 to 32768; null: unknown
	JitterBufferMillis        *float64 `json:"jitterBufferMillis"`
	RoundTripTimeMillis       *float64 `json:"roundTripTimeMillis"`
	JitterBufferDelay         *float64 `json:"jitterBufferDelayMilliseconds,omitempty"`
	ConcealmentEvents         *float64 `json:"concealmentEvents,omitempty"`
	EchoReturnLoss            *float64 `json:"echoReturnLoss,omitempty"`
	EchoReturnLossEnhancement *float64 `json:"echoReturnLossEnhancement,omitempty"`
	Muted                     bool     `json:"muted,omitempty"`
	OnHold                    bool     `json:"onHold,omitempty"`
}

// A WireAPIBody is a body of POST /apimetrics.
type WireAPIBody struct {
	WireSender
	Metrics []WireAPIRecord `json:"API_METRIC" max:"500"`
}

// A WireAPIRecord is one call of Connect's API.
type WireAPIRecord struct {
	Name               string          `json:"name" max:"256"`
	Timestamp          string          `json:"timestamp" format:"date-time"`
	Time               *float64        `json:"time"`
	Error              bool            `json:"error"`
	Fault              bool            `json:"fault"`
	OptionalDimensions []WireDimension `json:"optionalDimensions,omitempty"`
}

// A WireDimension is a named value; HttpStatusCode is the one that is read.
type WireDimension struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// A WireReportBody is a body of POST /callreport.
type WireReportBody struct {
	WireSender
	WireCall
	CPUs           int64          `json:"numberofCpu,omitempty"`
	MemoryLimit    float64        `json:"localDeviceMemoryLimit,omitempty"`
	BrowserName    string         `json:"agentBrowserName,omitempty" max:"256"`
	BrowserVersion string         `json:"agentBrowserversion,omitempty" max:"256"`
	CCPVersion     string         `json:"ccpVersion,omitempty" max:"256"`
	Report         map[string]any `json:"report,omitempty"` // as the library made it; without it the body brings markedBadAt to a call whose report was sent
}
