package records

import (
	"slices"
	"testing"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// Every record repeats the marks before it; a forger may send as many as there are records.
func TestMarksAreOnceEachInOrderAndBounded(t *testing.T) {
	t.Parallel()
	var f Found
	for _, marks := range [][]telemetry.Instant{nil, {30}, {30, 20}, {30, 20, 40}} {
		f.addMarks(marks)
	}
	if want := []telemetry.Instant{20, 30, 40}; !slices.Equal(f.Call.MarkedBadAt, want) {
		t.Errorf("%v, want %v", f.Call.MarkedBadAt, want)
	}
	for at := telemetry.Instant(1000); at > 0; at-- {
		f.addMarks([]telemetry.Instant{at, at})
	}
	if got := f.Call.MarkedBadAt; len(got) != maxMarks || got[0] != 1 || got[maxMarks-1] != maxMarks || !slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
}
