package gauges

import (
	"math"
	"slices"

	"github.com/earshot-hq/earshot/internal/figures"
	"github.com/earshot-hq/earshot/internal/tenant"
)

// callReports is the function whose records are calls.
const callReports = "callreport-pusher"

// callSummary is the function whose records are summaries, and whose delays hold the time until a call has settled.
const callSummary = "call-summary"

// functions are those of a tenant that count.
var functions = []string{"streamstats-pusher", callReports, "apimetric-pusher", "indexer", callSummary}

// add adds to the totals what a function counted.
func add(to *tenant.Figures, function, figure string, n float64) {
	count := int64(math.Round(n))
	if code, isOne := figures.RejectedCode(figure); isOne {
		to.Rejected[code] += count
		return
	}
	if code, isOne := figures.RefusedCode(figure); isOne {
		to.Refused[code] += count
		return
	}
	switch figure {
	case figures.RecordsIn:
		to.RecordsIn += count
		if function == callReports {
			to.Calls += count
		}
	case figures.Indexed:
		to.Indexed += count
	case figures.Retried:
		to.Retried += count
	case figures.SuspectSamples:
		to.SuspectSamples += count
	case figures.UnknownAgents:
		to.UnknownAgents += count
	case figures.Summaries:
		to.Summaries.Written += count
	case figures.SummariesAgain:
		to.Summaries.Again += count
	case figures.SummariesWithoutReport:
		to.Summaries.WithoutReport += count
	case figures.SummariesDropped:
		to.Summaries.Dropped += count
	}
}

func none() tenant.Figures {
	return tenant.Figures{Rejected: map[string]int64{}, Refused: map[string]int64{}}
}

// p95 is the value that 95 of 100 do not exceed, the nearest rank; nil of none.
func p95(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	return &sorted[(len(sorted)*95+99)/100-1]
}
