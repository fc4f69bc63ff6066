package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/earshot-hq/earshot/internal/readings"
)

// told is how many findings an explanation names; the others are in the list.
const told = 3

// explain says in one sentence how the call was, why, and what that rests on; and in another, as a fact beside it, that the
// agent found it bad. Every number in it is one of the summary's, or a threshold.
func (j *judge) explain(s Summary) string {
	if s.MarkedBad {
		return measured(s) + " The agent marked it as bad."
	}
	return measured(s)
}

func measured(s Summary) string {
	if len(s.Findings) == 0 {
		return "The call was good" + scores(s) + "."
	}
	list := slices.Clone(s.Findings)
	// The findings that speak for the cause are named before others as severe.
	slices.SortStableFunc(list, func(a, b Finding) int {
		if by := weight(b.Severity) - weight(a.Severity); by != 0 {
			return by
		}
		return speaks(s, b) - speaks(s, a)
	})
	var parts []string
	for _, f := range list {
		if f.Severity == Note && s.Verdict != Good {
			continue
		}
		if part := phrase(f); len(parts) < told && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	sentence := openings[s.Verdict] + strings.Join(parts, ", and ")
	if s.Verdict != Good {
		sentence += causes[s.LikelyCause]
		if slices.Contains(s.CauseEvidence, evidenceSnapshots) {
			sentence += ", whose page did not reach Connect at the time"
		}
	}
	return sentence + "."
}

func speaks(s Summary, f Finding) int {
	if slices.Contains(s.CauseEvidence, f.ID) {
		return 1
	}
	return 0
}

// scores names what a good call was rated.
func scores(s Summary) string {
	agent, customer := s.HeardByAgent.MOSMean, s.HeardByCustomer.MOSMean
	switch {
	case agent != nil && customer != nil:
		return fmt.Sprintf(": its network path was rated %s of 4.5 for the agent and %s for the customer", readings.MOS.Number(*agent), readings.MOS.Number(*customer))
	case agent != nil:
		return fmt.Sprintf(": its network path was rated %s of 4.5 for the agent", readings.MOS.Number(*agent))
	case customer != nil:
		return fmt.Sprintf(": its network path was rated %s of 4.5 for the customer", readings.MOS.Number(*customer))
	}
	return ", as far as was measured"
}

var openings = map[string]string{
	Good:     "The call was good, but ",
	Degraded: "The call was impaired: ",
	Bad:      "The call was bad: ",
	Failed:   "The call failed: ",
}

var causes = map[string]string{
	CauseDevice:  "; this points to the agent's microphone or headset",
	CauseNetwork: "; this points to the agent's own network",
	CauseUplink:  "; only what the agent sends was lost, which points to the agent's uplink",
	CauseFarSide: "; the agent's own path was good, which points to the far side",
	CauseUnknown: "; the measurements do not say where this came from",
}

// who hears it, as a sentence's subject.
var who = map[string]string{byAgent: "the agent", byCustomer: "the customer"}

// phrase says one finding with its numbers.
func phrase(f Finding) string {
	side, limit := who[f.HeardBy], strconv.FormatFloat(f.limit, 'f', -1, 64)
	switch f.ID {
	case FindingLoss:
		return fmt.Sprintf("for %s more than %s %% of what %s should hear was lost (%s %% at its worst)", seconds(f.Seconds), limit, side, f.Value)
	case FindingJitter:
		return fmt.Sprintf("what %s hears came unevenly for %s (jitter %s ms, over %s)", side, seconds(f.Seconds), f.Value, limit)
	case FindingJitterBuffer:
		return fmt.Sprintf("what %s hears was held back for %s to smooth it (%s ms, over %s)", side, seconds(f.Seconds), f.Value, limit)
	case FindingRoundTrip:
		return fmt.Sprintf("words took long for %s (round trip %s ms, over %s)", seconds(f.Seconds), f.Value, limit)
	case FindingPoorMOS:
		return fmt.Sprintf("what %s hears was rated poorly for %s (%s of 4.5, under %s)", side, seconds(f.Seconds), f.Value, limit)
	case FindingNothingReceived:
		return "nothing reached the agent for " + seconds(f.Seconds) + unless(f, " (or the call was on hold)")
	case FindingNothingSent:
		return "the agent's side sent nothing for " + seconds(f.Seconds) + unless(f, " (or was muted)")
	case FindingSilentMicrophone:
		return "the agent's microphone was silent for " + seconds(f.Seconds) + unless(f, " (or muted)")
	case FindingSlowConnect:
		return fmt.Sprintf("the audio took %s s to connect (over %s)", f.Value, limit)
	case FindingConnectionLost:
		return lostPhrase(f)
	case FindingAPIErrors:
		return fmt.Sprintf("Connect answered the agent's page with %s errors", f.Value)
	case FindingSoftphones:
		return fmt.Sprintf("the agent had %s softphones open", f.Value)
	}
	return pausePhrase(f)
}

func lostPhrase(f Finding) string {
	switch {
	case f.Value == noReport:
		return "its page never reported the end"
	case f.FromSecond == nil:
		return "the audio connection was lost (" + times(f.Value) + ")"
	}
	return "nothing was measured for " + seconds(f.Seconds)
}

func pausePhrase(f Finding) string {
	switch f.ID {
	case FindingMediaFailed:
		return "the audio could not be set up (" + f.Value + ")"
	case FindingMicrophoneRefused:
		return "the browser did not get the microphone"
	case FindingLongHold:
		return "it was on hold for " + seconds(f.Seconds)
	case FindingLongMute:
		return "the agent was muted for " + seconds(f.Seconds)
	case FindingEndedOnHold:
		return "it ended after " + seconds(f.Seconds) + " on hold"
	case FindingEndedOnMute:
		return "it ended after " + seconds(f.Seconds) + " of mute"
	}
	return f.ID
}

// unless names the other reading of a finding that older senders leave open.
func unless(f Finding, other string) string {
	if f.Severity == Degraded {
		return other
	}
	return ""
}

func seconds(n int64) string {
	if n == 1 {
		return "1 second"
	}
	return strconv.FormatInt(n, 10) + " seconds"
}

func times(n string) string {
	if n == "1" {
		return "once"
	}
	return n + " times"
}
