package insights

import (
	"strings"

	"github.com/earshot-hq/earshot/internal/verdict"
)

// Verdicts are those of calls, from the best.
var Verdicts = []string{verdict.Good, verdict.Degraded, verdict.Bad, verdict.Failed}

// Causes are the likely ones, in the order in which they are looked for.
var Causes = []string{verdict.CauseDevice, verdict.CauseNetwork, verdict.CauseUplink, verdict.CauseFarSide, verdict.CauseUnknown}

// Findings are all that a call can have, the most telling first.
var Findings = []string{
	verdict.FindingLoss, verdict.FindingJitter, verdict.FindingJitterBuffer, verdict.FindingRoundTrip, verdict.FindingPoorMOS,
	verdict.FindingNothingReceived, verdict.FindingNothingSent, verdict.FindingSilentMicrophone, verdict.FindingMicrophoneRefused,
	verdict.FindingMediaFailed, verdict.FindingConnectionLost, verdict.FindingSlowConnect, verdict.FindingAPIErrors,
	verdict.FindingSoftphones, verdict.FindingLongHold, verdict.FindingLongMute, verdict.FindingEndedOnHold, verdict.FindingEndedOnMute,
}

// words are what people read for an id.
var words = map[string]string{
	verdict.Good: "Good", verdict.Note: "Note", verdict.Degraded: "Impaired", verdict.Severe: "Severe", verdict.Bad: "Bad", verdict.Failed: "Failed",
	verdict.CauseDevice: "Agent's headset or microphone", verdict.CauseNetwork: "Agent's network", verdict.CauseUplink: "Agent's uplink",
	verdict.CauseFarSide: "Far side", verdict.CauseUnknown: "Not known",
	verdict.FindingLoss: "Lost packets", verdict.FindingJitter: "Jitter", verdict.FindingJitterBuffer: "Held back to smooth it",
	verdict.FindingRoundTrip: "Long round trip", verdict.FindingPoorMOS: "Poor estimated score", verdict.FindingNothingReceived: "Nothing reached the agent",
	verdict.FindingNothingSent: "Nothing was sent", verdict.FindingSilentMicrophone: "Silent microphone", verdict.FindingSlowConnect: "Slow to connect",
	verdict.FindingMediaFailed: "Audio could not be set up", verdict.FindingMicrophoneRefused: "Microphone refused",
	verdict.FindingConnectionLost: "Connection lost", verdict.FindingAPIErrors: "Errors of Connect's API", verdict.FindingSoftphones: "Several softphones open",
	verdict.FindingLongHold: "Long hold", verdict.FindingLongMute: "Long mute", verdict.FindingEndedOnHold: "Ended on hold", verdict.FindingEndedOnMute: "Ended on mute",
}

// Words returns what people read for the id of a verdict, a severity, a cause or a finding.
func Words(id string) string {
	if text, isKnown := words[id]; isKnown {
		return text
	}
	return strings.ReplaceAll(id, "_", " ")
}

// steps are what helps against a cause.
var steps = map[string][]string{
	verdict.CauseDevice: {
		"Have the agent look at the headset: its plug, its mute switch, another one if there is one.",
		"Have the agent allow the microphone in the browser, and choose it in the system's sound settings.",
	},
	verdict.CauseNetwork: {
		"Have the agent use a cable instead of Wi-Fi, and end downloads, backups and video beside the call.",
		"If the agent works through a VPN, have the calls' media leave it.",
		"Look whether others at the same place had it at the same time: then it is the place's line.",
	},
	verdict.CauseUplink: {
		"Have the agent end uploads, backups and video beside the call: the way out is the narrow one.",
		"Have the agent use a cable instead of Wi-Fi.",
	},
	verdict.CauseFarSide: {
		"Nothing at the agent's place explains it. One such call is chance.",
		"If many calls of one queue have it, send their contact ids to whoever runs the lines there.",
	},
	verdict.CauseUnknown: {
		"Look at the time line below for what came first.",
		"Look whether the agent's other calls have it, and others' at the same time.",
	},
}

// WhatToDo returns what helps against a call's likely cause, nothing for a good call.
func WhatToDo(s verdict.Summary) []string { return append([]string{}, steps[s.LikelyCause]...) }
