package telemetry

import "slices"

// A Type is how search maps a field.
type Type string

// The types. A long may come with decimals (older senders) and an integer's coercion must stay on; a text has a
// .keyword beside it, and may be a list; an id is a text too, of which nobody looks for a part: its .keyword alone finds it.
const (
	TypeText     Type = "text"
	TypeID       Type = "id"
	TypeLong     Type = "long"
	TypeFloat    Type = "float"
	TypeBoolean  Type = "boolean"
	TypeDate     Type = "date"
	TypeDisabled Type = "object-disabled" // kept in the source, neither parsed nor searchable
	TypeFlat     Type = "flat_object"
)

// A Field is one path that a document may hold.
type Field struct {
	Path string
	Type Type
}

// Fields lists every path that a document of a kind may hold: index templates are strict and made from it.
func Fields(kind string) []Field {
	fields := slices.Concat(envelopeFields, under("doc.", agentFields))
	switch kind {
	case KindStreamStats:
		return slices.Concat(fields, under("doc.", callFields), under("doc.", streamFields))
	case KindCallReport:
		return slices.Concat(fields, under("doc.", callFields), under("doc.", reportFields),
			under("doc.report.", reportMembers), under("doc.report.softphoneStreamStatistics.", totalMembers))
	case KindCallSummary:
		return slices.Concat(fields, under("doc.", summaryFields), under("doc.findings.", findingFields),
			under("doc.heardByAgent.", directionFields), under("doc.heardByCustomer.", directionFields))
	case KindAPIMetric:
		methods := make([]Field, 0, len(clientMethods))
		for _, method := range clientMethods {
			methods = append(methods, Field{method, TypeLong})
		}
		return slices.Concat(fields, under("doc.", apiMetricFields), under("doc.", methods))
	}
	return nil
}

func under(prefix string, fields []Field) []Field {
	moved := make([]Field, 0, len(fields))
	for _, field := range fields {
		moved = append(moved, Field{prefix + field.Path, field.Type})
	}
	return moved
}

var (
	envelopeFields = []Field{
		{"@timestamp", TypeDate},
		{"tenant", TypeID},
		{"connectInstance", TypeID},
		{"ingest.receivedAt", TypeDate},
		{"ingest.pusher", TypeID},
		{"ingest.schemaVersion", TypeLong},
		{"ingest.batchId", TypeID},
		{"ingest.pageId", TypeID},
		{"ingest.openPages", TypeLong},
		{"ingest.skewMillis", TypeLong},
		{"ingest.droppedRecords", TypeLong},
		{"probe", TypeBoolean},
	}
	agentFields = []Field{
		{"agent", TypeText},
		{"timestamp", TypeDate},
		{"agentArn", TypeText},
		{"agentName", TypeText},
		{"agentKnown", TypeBoolean},
		{"routingProfileArn", TypeText},
		{"hierarchyL1", TypeText},
		{"hierarchyL2", TypeText},
		{"hierarchyL3", TypeText},
		{"hierarchyL4", TypeText},
		{"hierarchyL5", TypeText},
	}
	callFields = []Field{
		{"agentPrivateIp", TypeText},
		{"agentPublicIp", TypeText},
		{"agentRoutingProfile", TypeText},
		{"contactId", TypeText},
		{"contactQueue", TypeText},
		{"iceServers", TypeText},
		{"iceServerUrls", TypeID},
		{"markedBadAt", TypeDate},
		{"mediaRegion", TypeText},
		{"signalingEndpoint", TypeText},
	}
	streamFields = []Field{
		{"softphoneStreamType", TypeText},
		{"packetsLost", TypeLong},
		{"packetsCount", TypeLong},
		{"audioLevel", TypeLong},
		{"jitterBufferMillis", TypeLong},
		{"roundTripTimeMillis", TypeLong},
		{"jitterBufferDelayMilliseconds", TypeFloat},
		{"concealmentEvents", TypeLong},
		{"echoReturnLoss", TypeFloat},
		{"echoReturnLossEnhancement", TypeFloat},
		{"muted", TypeBoolean},
		{"onHold", TypeBoolean},
		{"heardBy", TypeText},
		{"jitterKind", TypeText},
		{"jitterMillis", TypeFloat},
		{"lossPercent", TypeFloat},
		{"rFactor", TypeFloat},
		{"mos", TypeFloat},
		{"quality", TypeText},
		{"suspect", TypeText},
	}
	reportFields = []Field{
		{"numberofCpu", TypeLong},
		{"localDeviceMemoryLimit", TypeLong},
		{"agentBrowserName", TypeText},
		{"agentBrowserversion", TypeText},
		{"ccpVersion", TypeText},
		{"talkingSeconds", TypeFloat},
		{"failed", TypeBoolean},
		{"failureStage", TypeText},
		{"seriesFromSecond", TypeLong},
		{"report.callStartTime", TypeDate},
		{"report.callEndTime", TypeDate},
		{"report.extra", TypeFlat},
		{"report.softphoneStreamPerSecondStatistics", TypeDisabled},
		{"report.audioInputDevices", TypeText},
		{"report.audioOutputDevices", TypeText},
	}
	apiMetricFields = []Field{
		{"name", TypeText},
		{"time", TypeLong},
		{"error", TypeBoolean},
		{"fault", TypeBoolean},
		{"statusCode", TypeLong},
	}
	summaryFields = []Field{
		{"agentRoutingProfile", TypeText},
		{"contactId", TypeText},
		{"contactQueue", TypeText},
		{"mediaRegion", TypeText},
		{"startedAt", TypeDate},
		{"endedAt", TypeDate},
		{"talkingSeconds", TypeFloat},
		{"ended", TypeText},
		{"verdict", TypeText},
		{"likelyCause", TypeText},
		{"causeEvidence", TypeText},
		{"explanation", TypeText},
		{"recordsExpected", TypeLong},
		{"recordsSeen", TypeLong},
		{"reportsSeen", TypeLong},
		{"clockSkewMillis", TypeLong},
		{"markedBad", TypeBoolean},
		{"markedBadAt", TypeDate},
	}
	findingFields = []Field{
		{"id", TypeText},
		{"severity", TypeText},
		{"heardBy", TypeText},
		{"fromSecond", TypeLong},
		{"seconds", TypeLong},
		{"value", TypeText},
	}
	directionFields = []Field{
		{"mosMean", TypeFloat},
		{"mosP10", TypeFloat},
		{"lossPercent", TypeFloat},
		{"jitterP95Millis", TypeFloat},
		{"jitterBufferP95Millis", TypeFloat},
		{"rttP95Millis", TypeFloat},
		{"secondsBad", TypeLong},
	}
)
