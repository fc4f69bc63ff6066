package telemetry

import "slices"

// failureFlags are the failure flags of a report in the order in which a call passes their stages.
var failureFlags = []string{
	"gumTimeoutFailure",
	"gumOtherFailure",
	"createOfferFailure",
	"setLocalDescriptionFailure",
	"iceCollectionFailure",
	"signallingConnectionFailure",
	"handshakingFailure",
	"userBusyFailure",
	"invalidRemoteSDPFailure",
	"noRemoteIceCandidateFailure",
	"setRemoteDescriptionFailure",
}

// reportMembers are the members of a call report that are kept by name, besides instants, series, totals and devices.
var reportMembers = append(flagsOf(failureFlags), []Field{
	{"gumTimeMillis", TypeLong},
	{"initializationTimeMillis", TypeLong},
	{"iceCollectionTimeMillis", TypeLong},
	{"signallingConnectTimeMillis", TypeLong},
	{"handshakingTimeMillis", TypeLong},
	{"preTalkingTimeMillis", TypeLong},
	{"talkingTimeMillis", TypeLong},
	{"cleanupTimeMillis", TypeLong},
	{"iceConnectionsLost", TypeLong},
	{"iceConnectionsFailed", TypeLong},
	{"peerConnectionFailed", TypeLong},
	{"rtcJsVersion", TypeText},
	{"firstRTPTimeMillis", TypeLong},
	{"isMediaClusterPath", TypeBoolean},
	{"isPersistentPeerConnection", TypeBoolean},
	{"isExistingPersistentPeerConnection", TypeBoolean},
	{"consecutiveNoAudioInputPackets", TypeLong},
	{"consecutiveLowInputAudioLevel", TypeLong},
	{"consecutiveNoAudioOutputPackets", TypeLong},
	{"consecutiveLowOutputAudioLevel", TypeLong},
	{"audioInputConnectedDurationSeconds", TypeLong},
	{"ccpMediaReadyLatencyMillis", TypeLong},
	{"contactSubtype", TypeText},
	{"vdiPlatform", TypeText},
	{"vdiClientVersion", TypeText},
	{"vdiMetadata", TypeText},
	{"userAgentData", TypeText},
	{"isConnected", TypeBoolean},
	{"consecutiveAudioOutputMuteDurationSeconds", TypeLong},
	{"streamJsVersion", TypeText},
	{"skewTimeMillis", TypeLong},
	{"iceRestartAttempts", TypeLong},
	{"iceRestartSuccesses", TypeLong},
	{"iceRestartTimeMillis", TypeLong},
	{"iceRestartFailed", TypeBoolean},
	{"iceRestartInviteRetries", TypeLong},
	{"activePeerConnectionCount", TypeLong},
	{"isPCMv2Path", TypeBoolean},
	{"iceCredentialSource", TypeText},
	{"isContactCredentialsDifferentRegion", TypeBoolean},
	{"echoCancellation", TypeBoolean},
	{"noiseSuppression", TypeBoolean},
	{"autoGainControl", TypeBoolean},
	{"voiceIsolation", TypeBoolean},
	{"microphonePermission", TypeText},
	{"networkEffectiveType", TypeText},
	{"networkRtt", TypeLong},
	{"deviceMemory", TypeFloat},
	{"timeSinceLastCallSeconds", TypeLong},
}...)

// totalMembers are the members of one total of a call report's softphoneStreamStatistics: as newer senders name them and,
// with an underscore, as older ones do.
var totalMembers = []Field{
	{"softphoneStreamType", TypeText},
	{"timestamp", TypeDate},
	{"packetsLost", TypeLong},
	{"packetsCount", TypeLong},
	{"audioLevel", TypeLong},
	{"jitterBufferMillis", TypeLong},
	{"roundTripTimeMillis", TypeLong},
	{"jitterBufferDelayMilliseconds", TypeFloat},
	{"concealmentEvents", TypeLong},
	{"echoReturnLoss", TypeFloat},
	{"echoReturnLossEnhancement", TypeFloat},
	{"_timestamp", TypeDate},
	{"_packetsLost", TypeLong},
	{"_packetsCount", TypeLong},
	{"_audioLevel", TypeLong},
	{"_procMilliseconds", TypeLong},
	{"_rttMilliseconds", TypeLong},
	{"_jbMilliseconds", TypeLong},
	{"_bytesSent", TypeLong},
	{"_bytesReceived", TypeLong},
	{"_framesEncoded", TypeLong},
	{"_framesDecoded", TypeLong},
	{"_frameRateSent", TypeLong},
	{"_frameRateReceived", TypeLong},
	{"_statsReportType", TypeText},
	{"_streamType", TypeText},
}

// clientMethods are the methods of Connect's client (amazon-connect-streams, ClientMethods and TaskTemplatesClientMethods)
// whose time is a field of its own, as in the published solution. No other name becomes a field: one more for every name
// that anybody posts would end the index.
var clientMethods = []string{
	"acceptContact", "addNewConnection", "clearContact", "completeContact", "conferenceConnections",
	"createAdditionalConnection", "createOutboundContact", "createTaskContact", "createTemplatedTask", "createTransport",
	"destroyConnection", "destroyContact", "getAgentConfiguration", "getAgentPermissions", "getAgentSnapshot",
	"getAgentStates", "getDialableCountryCodes", "getEndpoints", "getNewAuthToken", "getRoutingProfileQueues",
	"getTaskTemplate", "holdConnection", "listTaskTemplates", "muteParticipant", "notifyContactIssue", "pauseContact",
	"putAgentState", "rejectContact", "resumeConnection", "resumeContact", "sendClientLogs", "sendDigits",
	"sendSoftphoneCallMetrics", "sendSoftphoneCallReport", "toggleActiveConnections", "transferContact",
	"unmuteParticipant", "updateAgentConfiguration", "updateContact", "updateContactAttributes",
	"updateMonitorParticipantState",
}

// MethodSnapshot is the method by which an agent's page learns what happens: a long poll, again as soon as it is answered.
const MethodSnapshot = "getAgentSnapshot"

// IsClientMethod reports whether a name is that of a method of Connect's client.
func IsClientMethod(name string) bool { return slices.Contains(clientMethods, name) }

func flagsOf(names []string) []Field {
	flags := make([]Field, 0, len(names))
	for _, name := range names {
		flags = append(flags, Field{name, TypeBoolean})
	}
	return flags
}
