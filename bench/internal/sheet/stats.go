package sheet

import (
	"fmt"
	"math"
	"slices"
)

// Median returns the middle value: of an even number the mean of the two in the middle. It is NaN of none.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// Percentile returns the smallest value that p percent of the values do not exceed. It is NaN of none.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Range names the least and the greatest value.
func Range(values []float64) string {
	if len(values) < 2 {
		return ""
	}
	return fmt.Sprintf("%s..%s", number(slices.Min(values)), number(slices.Max(values)))
}

// Ratio compares what was measured in the same runs: the median of ours over the median of theirs, and how far the pairs lie
// apart.
func Ratio(ours, theirs []float64) (ratio float64, spread string) {
	pairs := make([]float64, 0, len(ours))
	for i := range min(len(ours), len(theirs)) {
		pairs = append(pairs, ours[i]/theirs[i])
	}
	return Median(ours) / Median(theirs), Range(pairs)
}
