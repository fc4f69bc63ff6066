// Package figures counts what a function did in one invocation. The counts go into the function's one log line in CloudWatch's
// embedded metric format, and Parse reads such a line again.
//
// The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package figures

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Namespace holds all figures. Each has the two dimensions, tenant and function, and never another: nothing of a person, a call
// or an address is in a figure, and each new value of a dimension would be a new figure to pay for.
const (
	Namespace         = "Earshot"
	DimensionTenant   = "Tenant"
	DimensionFunction = "Function"
)

// The figures. All are counts of records, but for those of summaries and Lag.
const (
	RecordsIn      = "RecordsIn"      // put into the queue by a pusher
	SuspectSamples = "SuspectSamples" // of these, left out of losses, MOS and verdicts
	UnknownAgents  = "UnknownAgents"  // of these, of agents whom the directory does not know
	Indexed        = "Indexed"        // in search, by this write or an earlier one
	Retried        = "Retried"        // sent back into the queue, to come again
	Erased         = "Erased"         // left out by the indexer: their agent was erased

	Summaries              = "Summaries"              // of calls, computed and put into the queue
	SummariesAgain         = "SummariesAgain"         // of these, of calls that had one before
	SummariesWithoutReport = "SummariesWithoutReport" // of these, of calls whose page never reported their end
	SummariesDropped       = "SummariesDropped"       // requests that come to nothing: their documents are gone, or they are none of ours

	// Lag is milliseconds, a value for each message or summary: from a pusher's receipt to search's answer, or to the queue's
	// for a summary.
	Lag = "Lag"
)

// rejected and refused begin the figures that have a code.
const (
	rejected  = "Rejected."
	refused   = "Refused."
	otherCode = "other" // the code of those for which a line has no room, or which are none of ours

	maxCodes  = 60  // of one line, so that all figures are at most the 100 that the format allows
	maxValues = 100 // of one figure, as the format says
	maxCode   = 64  // characters
)

// Counts are the figures of one invocation. The zero value has none. Use it from one goroutine.
type Counts struct {
	counts map[string]int
	codes  int
	lags   []float64
}

// Add counts n more of a figure.
func (c *Counts) Add(figure string, n int) {
	if n <= 0 {
		return
	}
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[figure] += n
}

// Reject counts records that never will be documents, by why.
func (c *Counts) Reject(code string, n int) { c.addCoded(rejected, code, n) }

// Refuse counts posts of which nothing was taken, by why.
func (c *Counts) Refuse(code string, n int) { c.addCoded(refused, code, n) }

func (c *Counts) addCoded(kind, code string, n int) {
	if !isCode(code) {
		code = otherCode
	}
	if _, isKnown := c.counts[kind+code]; !isKnown && code != otherCode {
		if c.codes == maxCodes {
			code = otherCode
		} else if n > 0 {
			c.codes++
		}
	}
	c.Add(kind+code, n)
}

// isCode keeps out whatever else might have come as a code: a figure's name is shown to anybody who may read figures.
func isCode(code string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_."
	return code != "" && len(code) <= maxCode && strings.Trim(code, letters) == ""
}

// Delay notes how long a message took. A sender's clock has no part in it; ours may differ by a little, and never take us back.
func (c *Counts) Delay(d time.Duration) {
	c.lags = append(c.lags, max(0, math.Round(float64(d)/float64(time.Millisecond))))
}

// values returns the delays, or of more than a figure holds as many that have the same distribution: the middle one of each
// hundredth of them.
func (c *Counts) values() []float64 {
	sorted := slices.Sorted(slices.Values(c.lags))
	if len(sorted) <= maxValues {
		return sorted
	}
	chosen := make([]float64, maxValues)
	for i := range chosen {
		chosen[i] = sorted[(2*i+1)*len(sorted)/(2*maxValues)]
	}
	return chosen
}
